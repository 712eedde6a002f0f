"""The stop word: heard while something rings, in a thread of its own; nothing of it runs otherwise."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.facts import MutePressed
from edgevoice.core.notices import RingingBegan, RingingEnded
from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.models.stop_classifier import StopClassifier, StopScorer, write_weights
from edgevoice.wakeword.stop_words import ALONE, CANDIDATE, WORDS, Fit, StopDecision, StopWords, open_stop_words
from tests.waiting import eventually
from tests.wakeword.sounds import parts

SILENCE = np.zeros(FRAME, np.int16)
NOTHING = (0.0, 0.0)
QUIET = [NOTHING] * 3
LIKELY, SURE = CANDIDATE + 0.01, ALONE + 0.01


def heard_in(scores: Sequence[tuple[float, float]], fit: Fit | None = None) -> list[tuple[int, str]]:
    """Return the words, and the number of the frame with which each is certain."""
    decision = StopDecision(fit)
    heard = [(number, decision.take(SILENCE, each)) for number, each in enumerate(scores)]
    return [(number, WORDS[word.is_snooze]) for number, word in heard if word is not None]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([(SURE, 0.0), *QUIET], [(3, "stop")]),
        ([(0.0, LIKELY), (0.0, SURE), *QUIET], [(3, "snooze")]),
        ([(SURE, 0.0)] * 4, [(3, "stop")]),
        ([(SURE, 0.0), *QUIET, (SURE, 0.0), *QUIET], [(3, "stop"), (7, "stop")]),
        ([(LIKELY, LIKELY)] * 9, []),
        ([(LIKELY, 0.0), NOTHING, (SURE, 0.0), NOTHING], []),
        ([(SURE, 0.0), *QUIET[1:]], []),
    ],
)
def test_without_a_second_opinion_only_a_sure_word_is_one(
    scores: Sequence[tuple[float, float]], words: list[tuple[int, str]]
) -> None:
    assert heard_in(scores) == words


@pytest.mark.parametrize(
    ("score", "fit", "is_heard"), [(0.004, 0.0, True), (0.1, -9.0, False), (0.9, -9.0, False), (1.0, -9.0, True)]
)
def test_a_second_opinion_is_weighed_with_the_first(score: float, fit: float, *, is_heard: bool) -> None:
    assert bool(heard_in([(score, 0.0), *QUIET], lambda _sound, _word: fit)) is is_heard


def test_the_second_opinion_hears_what_came_before_and_after_and_only_of_likely_words() -> None:
    asked: list[tuple[int, str]] = []

    def fit(sound: Samples, word: str) -> float:
        asked.append((len(sound), word))
        return -99.0

    heard_in([NOTHING] * 20 + [(0.0, LIKELY)] + [NOTHING] * 9, fit)
    assert asked == [(18 * FRAME, "snooze")]


def test_the_second_opinion_is_asked_when_it_is_known_whether_another_word_follows() -> None:
    decision, asked = StopDecision(lambda sound, _word: 0.0 if not sound[-1] else -99.0), []
    for follows in (0, 1):
        sounds = [SILENCE, np.full(FRAME, follows, np.int16), np.full(FRAME, follows, np.int16)]
        heard = [decision.take(each, NOTHING) for each in (SILENCE,) * 18]
        heard += [decision.take(SILENCE, (LIKELY, 0.0)), *(decision.take(each, NOTHING) for each in sounds)]
        asked.append(heard[-1])

    assert asked == [StopWordHeard(), None]


class LoudWord:
    """A scorer for which every loud frame is the word "stop"."""

    def score(self, sound: Samples) -> Sequence[tuple[float, float]]:
        return [(0.99 * float(np.abs(sound).max() > 1000), 0.0)]


LOUD = np.full(FRAME, 5000, np.int16).tobytes()


class Kitchen:
    """A box whose rings begin and end as the test says."""

    def __init__(self) -> None:
        self.loads = 0
        self.heard: list[StopWordHeard] = []
        self.problem: WakeWordUnavailable | None = None
        self.words = StopWords(self._load, self.heard.append)

    def _load(self) -> tuple[LoudWord, None]:
        self.loads += 1
        if self.problem is not None:
            raise self.problem
        return LoudWord(), None

    def hear(self, frames: int = 4) -> None:
        for number in range(frames):
            self.words.hear(LOUD, FRAME * (number + 1))

    def ring(self) -> None:
        self.words.observe(RingingBegan(), 0.0)

    def fall_silent(self) -> None:
        self.words.observe(RingingEnded(), 0.0)

    @property
    def threads(self) -> int:
        return sum(thread.name == "stop-words" for thread in threading.enumerate())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.words.run(print))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await eventually(lambda: self.threads == 0)


def test_nothing_is_loaded_or_runs_until_something_rings_and_afterwards() -> None:
    async def live() -> None:
        kitchen = Kitchen()
        async with kitchen.running():
            kitchen.hear()
            kitchen.words.observe(MutePressed(), 0.0)
            await asyncio.sleep(0)
            assert (kitchen.loads, kitchen.threads) == (0, 0)
            for times in (1, 2):
                kitchen.ring()
                kitchen.hear()
                await eventually(lambda: len(kitchen.heard) == times)  # noqa: B023 - awaited in the same round
                kitchen.fall_silent()
                await eventually(lambda: kitchen.threads == 0)
                kitchen.hear()
                kitchen.fall_silent()
                assert kitchen.loads == times
        assert kitchen.heard == [StopWordHeard(), StopWordHeard()]

    asyncio.run(live())


def test_a_ring_that_is_over_before_the_thread_has_begun_starts_none() -> None:
    async def live() -> None:
        kitchen = Kitchen()
        async with kitchen.running():
            kitchen.ring()
            kitchen.fall_silent()
            await asyncio.sleep(0.01)
            assert kitchen.loads == 0

    asyncio.run(live())


def test_a_box_that_stops_while_it_rings_leaves_no_thread() -> None:
    async def live() -> None:
        kitchen = Kitchen()
        async with kitchen.running():
            kitchen.ring()
            await eventually(lambda: kitchen.threads == 1)

    asyncio.run(live())


def test_without_the_models_it_rings_all_the_same_and_that_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        kitchen = Kitchen()
        kitchen.problem = WakeWordUnavailable("no models")
        async with kitchen.running():
            for times in (1, 2):
                kitchen.ring()
                await eventually(lambda: kitchen.loads == times)  # noqa: B023 - awaited in the same round
                kitchen.fall_silent()
                await eventually(lambda: kitchen.threads == 0)

    with caplog.at_level(logging.WARNING, "edgevoice"):
        asyncio.run(live())

    assert [record.msg for record in caplog.records] == ["no-stop-word"]


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    flat = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="not of this classifier"):
        write_weights(tmp_path / "weights.npz", flat, flat[0], flat, flat[0])


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    first, second = np.ones((864, 2), np.float32), np.array([[0, 1, 2], [0, 0, 0]], np.float32)
    write_weights(tmp_path / "weights.npz", first, np.zeros(2, np.float32), second, np.zeros(3, np.float32))
    stop, snooze = StopClassifier(tmp_path / "weights.npz").scores(np.full((9, 96), 0.001, np.float32))

    assert 0 < stop < snooze < 1


def test_a_room_without_words_scores_nothing() -> None:
    noise = np.random.default_rng(1).integers(-60, 60, 40 * FRAME, np.int16)

    assert max(max(scores) for scores in StopScorer(parts()).score(noise)) < CANDIDATE


def test_the_real_models_are_loaded_only_in_the_thread(tmp_path: Path) -> None:
    assert isinstance(open_stop_words(tmp_path, print, lambda: None), StopWords)
    assert not [*tmp_path.iterdir()]
