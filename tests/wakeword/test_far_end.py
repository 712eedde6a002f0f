"""The box's own speech: a wake word in an answer is not a call, and for how long that holds."""

from collections.abc import Sequence

import numpy as np
import pytest

from edgevoice.core.facts import WakeWordHeard
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.far_end import FarEndScorer
from edgevoice.wakeword.models.present import find_model
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.scorer import StreamingScorer
from edgevoice.wakeword.words import WakeWord
from tests.wakeword.sounds import NEGATIVES, POSITIVES, parts, quiet, recording
from tests.wakeword.test_detector import Listener

BLOCK = 320
WORD = WakeWord("hey_jarvis", find_model("hey_jarvis"), Thresholds())


class Loudness:
    """A scorer of two words: the loudest sample is the score of the first; the second always scores zero."""

    def __init__(self) -> None:
        self.frames = 0
        self.resets = 0

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        self.frames += 1
        return [[float(sound.max()) / 100, 0.0]]

    def reset(self) -> None:
        self.resets += 1


def say(far_end: FarEndScorer, sound: Samples, begin: int) -> None:
    for at in range(0, len(sound), BLOCK):
        far_end.hear(sound[at : at + BLOCK], begin + at)


def opened() -> tuple[FarEndScorer, Loudness]:
    scorer = Loudness()
    far_end = FarEndScorer(lambda: scorer)
    far_end.open()
    return far_end, scorer


def loud(level: int = 50) -> Samples:
    return np.full(FRAME, level, np.int16)


def test_a_word_spoken_by_the_box_counts_as_its_own_for_one_second() -> None:
    far_end, _ = opened()
    say(far_end, loud(), FRAME)

    assert not far_end.has_said(0, FRAME)
    assert far_end.has_said(0, 2 * FRAME)
    assert far_end.has_said(0, 2 * FRAME + RATE_HZ)
    assert not far_end.has_said(0, 2 * FRAME + RATE_HZ + 1)


def test_meanwhile_a_word_that_the_box_does_not_say_still_wakes_it() -> None:
    far_end, _ = opened()
    say(far_end, loud(), 0)

    assert far_end.has_said(0, FRAME)
    assert not far_end.has_said(1, FRAME)


def test_other_speech_of_the_box_suppresses_no_detection() -> None:
    far_end, scorer = opened()
    say(far_end, loud(9), 0)

    assert not far_end.has_said(0, FRAME)
    assert scorer.frames == 1


def test_after_a_silence_scoring_starts_from_a_fresh_state() -> None:
    far_end, scorer = opened()
    say(far_end, loud()[: FRAME // 2], 0)
    say(far_end, loud()[: FRAME // 2], 10 * FRAME)

    assert not far_end.has_said(0, 20 * FRAME)
    assert (scorer.frames, scorer.resets) == (0, 1)


def test_nothing_is_computed_before_the_models_are_loaded_or_while_the_box_is_silent() -> None:
    scorer = Loudness()
    far_end = FarEndScorer(lambda: scorer)
    say(far_end, loud(), 0)

    assert not far_end.has_said(0, FRAME)
    far_end.open()
    assert not opened()[0].has_said(0, 100 * FRAME)
    assert scorer.frames == 0


def test_a_thread_far_behind_drops_the_oldest_audio() -> None:
    far_end, scorer = opened()
    say(far_end, np.tile(loud(), 100), 0)

    far_end.has_said(0, 100 * FRAME)

    assert scorer.frames == 50


@pytest.mark.anyio
async def test_the_boxs_own_speech_costs_nothing_until_a_word_is_detected() -> None:
    scorer = Loudness()
    listener = Listener(far_end=FarEndScorer(lambda: scorer))

    async with listener.running():
        listener.say(loud(), begin=0)
        await listener.hear(quiet(1.0))

    assert scorer.frames == 0


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "wakes"), [(POSITIVES[0], []), (NEGATIVES[0], [WakeWordHeard])], ids=["the word", "something else"]
)
async def test_the_box_does_not_wake_itself_and_wakes_for_a_person(said: str, wakes: list[type]) -> None:
    call = recording(POSITIVES[0])
    near = np.concatenate([quiet(2.0), call, quiet(1.0)])
    listener = Listener(far_end=FarEndScorer(lambda: StreamingScorer([WORD.model], parts())))
    listener.is_speaking = True

    async with listener.running():
        listener.say(np.resize(recording(said), len(call)), begin=2 * RATE_HZ)
        await listener.hear(near)

    assert [type(each) for each in listener.heard] == wakes
