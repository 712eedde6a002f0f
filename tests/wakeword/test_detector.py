"""The detector with openWakeWord's real models, on synthetic speech; see tests/data/README.md."""

import asyncio
import logging
import threading
import time
import wave
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.facts import WakeWordHeard
from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.detector import Detector, OwnVoice
from edgevoice.wakeword.far_end import FarEndScorer
from edgevoice.wakeword.models.present import find_model, words_present
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.scorer import LibraryScorer, Scorer, StreamingScorer
from edgevoice.wakeword.tuning.near_misses_log import CLIPS_NAME, Detection, Listening, NearMiss, NearMissLog, read_log
from edgevoice.wakeword.tuning.notes import Notes
from edgevoice.wakeword.words import WakeWord
from tests.waiting import eventually, until
from tests.wakeword.sounds import NEGATIVES, POSITIVES, Samples, parts, quiet, recording

WORD = WakeWord("hey_jarvis", find_model("hey_jarvis"), Thresholds())


def streaming(models: Sequence[Path]) -> Scorer:
    return StreamingScorer(models, parts())


class Listener:
    """A detector that is fed no faster than it scores, and its detections."""

    def __init__(
        self,
        *words: WakeWord,
        load: Callable[[Sequence[Path]], Scorer] = streaming,
        tell: Callable[[WakeWordHeard], None] | None = None,
        notes: Notes | None = None,
        far_end: FarEndScorer | None = None,
        clear: Callable[[Samples, int], Samples] | None = None,
    ) -> None:
        self._far_end = far_end
        self.heard: list[WakeWordHeard] = []
        self.is_speaking = False
        words = words or (WORD,)
        self.detector = Detector(
            words,
            lambda: load([word.model for word in words]),
            tell or self.heard.append,
            OwnVoice(lambda: self.is_speaking, far_end, clear),
            notes=notes,
        )

    def say(self, sound: Samples, begin: int) -> None:
        """Let the box itself speak while the near end hears the samples from ``begin`` on."""
        assert self._far_end is not None
        for at in range(0, len(sound), 320):
            self._far_end.hear(sound[at : at + 320], begin + at)

    def has_scored_since(self, at: float) -> bool:
        return self.detector.scored_at > at

    @property
    def threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "wakeword"]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.detector.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            # The end is queued behind every waiting frame: once the thread is gone, all frames have been scored.
            until(lambda: not self.threads)

    async def hear(self, samples: Samples) -> None:
        await asyncio.wait_for(self.detector.loaded.wait(), 20)
        for end in range(FRAME, len(samples) + 1, FRAME):
            await eventually(lambda: self.detector._frames._waiting.qsize() < 10)
            self.detector.hear(samples[end - FRAME : end].tobytes(), end)


def heard_in(*pieces: Samples, listener: Listener | None = None) -> tuple[list[WakeWordHeard], Listener]:
    listener = listener or Listener()

    async def live() -> None:
        async with listener.running():
            await listener.hear(np.concatenate(pieces))

    asyncio.run(live())
    assert listener.detector.dropped == 0
    return listener.heard, listener


@pytest.mark.parametrize("name", POSITIVES)
@pytest.mark.parametrize("load", [streaming, LibraryScorer])
def test_the_wake_word_is_detected_exactly_once_and_at_its_true_position(
    name: str, load: Callable[[Sequence[Path]], Scorer]
) -> None:
    speech = recording(name)
    began_s = time.monotonic()

    heard, listener = heard_in(quiet(1.0), speech, quiet(1.5), listener=Listener(load=load))

    (one,) = heard
    assert one.word == "hey_jarvis"
    assert one.score >= 0.5
    assert one.at_sample % FRAME == 0
    assert RATE_HZ < one.at_sample <= RATE_HZ + len(speech) + 4 * FRAME
    assert began_s < listener.detector.scored_at < time.monotonic()


def test_the_models_score_the_cleared_sound_instead_of_what_was_heard() -> None:
    speech = np.concatenate([quiet(1.0), recording(POSITIVES[0]), quiet(1.0)])
    drowned = np.zeros_like(speech)
    listener = Listener(clear=lambda sound, end: speech[end - len(sound) : end])

    heard, _ = heard_in(drowned, listener=listener)

    assert [each.word for each in heard] == ["hey_jarvis"]


@pytest.mark.parametrize("name", NEGATIVES)
def test_other_speech_never_triggers_the_wake_word(name: str) -> None:
    heard, _ = heard_in(quiet(1.0), recording(name), quiet(1.0))

    assert heard == []


def test_a_word_repeated_after_the_refractory_period_is_detected_again() -> None:
    speech = recording("pos_hey_jarvis__flite_slt_1.1.wav")

    heard, _ = heard_in(quiet(1.0), speech, quiet(2.5), speech, quiet(1.0))

    assert len(heard) == 2
    assert heard[1].at_sample - heard[0].at_sample == pytest.approx(len(speech) + 2.5 * RATE_HZ, abs=2 * FRAME)


def test_each_of_several_words_is_reported_by_name_at_its_own_threshold() -> None:
    alexa = WakeWord("alexa", find_model("alexa"), Thresholds())
    deaf = WakeWord("hey_jarvis", WORD.model, Thresholds(threshold=1.0, sure=1.0))
    speech = recording(POSITIVES[0])

    heard, _ = heard_in(quiet(1.0), speech, quiet(1.0), listener=Listener(alexa, WORD))
    unheard, _ = heard_in(quiet(1.0), speech, quiet(1.0), listener=Listener(alexa, deaf))

    assert [one.word for one in heard] == ["hey_jarvis"]
    assert unheard == []


def test_while_the_box_speaks_a_separate_threshold_applies() -> None:
    careful = WakeWord("hey_jarvis", WORD.model, Thresholds(speaking=1.0))
    listener = Listener(careful)
    listener.is_speaking = True

    heard, _ = heard_in(quiet(1.0), recording(POSITIVES[0]), quiet(1.0), listener=listener)

    assert heard == []


def noted(folder: Path, thresholds: Thresholds, *, most_clips: int = 0) -> tuple[list[WakeWordHeard], Samples]:
    """Let a detector hear a word and write its log into ``folder``; return its detections and the audio."""
    word = WakeWord("hey_jarvis", WORD.model, thresholds)
    notes = Notes([word.name], NearMissLog(folder, most_clips=most_clips), lambda: datetime.now(UTC), share=0.5)
    sound = np.concatenate([quiet(3.0), recording(POSITIVES[0]), quiet(2.5)])
    sound = sound | 1  # a room is never digitally silent, as the recording is in its pauses
    heard, _ = heard_in(sound, listener=Listener(word, notes=notes))
    until(lambda: all(thread.name != "near-misses" for thread in threading.enumerate()))
    return heard, sound


def test_a_near_miss_is_logged_with_the_audio_that_contains_it(tmp_path: Path) -> None:
    heard, sound = noted(tmp_path, Thresholds(threshold=1.0, sure=1.0), most_clips=2)

    assert heard == []
    near, rest = read_log(tmp_path)
    assert isinstance(near, NearMiss)
    assert near.peak > 0.98
    assert near.threshold == 1.0
    # A frame may still be waiting for its pair at the end.
    assert near.listened_s + rest.listened_s == pytest.approx(len(sound) / RATE_HZ, abs=0.16)
    (clip,) = (tmp_path / CLIPS_NAME).iterdir()
    with wave.open(str(clip)) as file:
        kept = file.readframes(file.getnframes())
    assert len(kept) == 2 * 2 * RATE_HZ
    assert kept in sound.tobytes()
    assert (recording(POSITIVES[0]) | 1)[-6000:].tobytes() in kept


def test_a_detection_is_logged_without_its_audio(tmp_path: Path) -> None:
    heard, _ = noted(tmp_path, Thresholds(), most_clips=2)

    assert len(heard) == 1
    assert [type(entry) for entry in read_log(tmp_path)] == [Detection, Listening]
    assert not (tmp_path / CLIPS_NAME).exists()


def test_an_unwritable_log_costs_no_detection(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert len(noted(tmp_path / "file", Thresholds())[0]) == 1


def test_silence_and_a_muted_microphone_are_scored_so_that_the_watchdog_is_fed() -> None:
    heard, listener = heard_in(np.zeros(4 * FRAME, np.int16))

    assert heard == []
    assert listener.detector.scored_at > 0


class _Counting:
    """A scorer that always returns the same score, and records how many frames came at once."""

    def __init__(self, score: float) -> None:
        self._score = score
        self.at_once: list[int] = []

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        self.at_once.append(len(sound) // FRAME)
        return [(self._score,)] * self.at_once[-1]

    def reset(self) -> None:
        pass


@pytest.mark.parametrize(
    ("score", "is_speaking", "expected"),
    [(0.0, False, [1, 2, 2, 2, 2, 2]), (0.03, False, [1] * 11), (0.0, True, [1] * 11)],
)
def test_frames_are_paired_while_scores_are_low_and_scored_singly_once_a_word_is_possible(
    score: float, *, is_speaking: bool, expected: list[int]
) -> None:
    scorer = _Counting(score)
    listener = Listener(load=lambda _models: scorer)
    listener.is_speaking = is_speaking

    async def live() -> None:
        async with listener.running():
            await asyncio.wait_for(listener.detector.loaded.wait(), 20)
            for number in range(1, 12):
                before = listener.detector.scored_at
                listener.detector.hear(bytes(2 * FRAME), number * FRAME)
                if number in np.cumsum(expected):
                    await eventually(partial(listener.has_scored_since, before))

    asyncio.run(live())

    assert scorer.at_once == expected


def test_the_end_of_loading_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "edgevoice"):
        heard_in(quiet(0.2))

    (record,) = caplog.records
    assert (record.msg, vars(record)["fields"]) == ("wakeword-ready", {"words": "hey_jarvis"})


def test_a_detector_far_behind_drops_and_counts_the_oldest_frames_and_never_blocks() -> None:
    detector = Listener().detector
    for number in range(1, 31):
        detector.hear(bytes(2 * FRAME), number * FRAME)

    assert detector.dropped == 5
    waiting = [detector._frames._waiting.get_nowait() for _ in range(25)]
    assert [item[1] // FRAME for item in waiting if item is not None] == list(range(6, 31))


def test_closing_ends_its_thread_even_when_it_is_far_behind() -> None:
    listener = Listener()

    async def live() -> None:
        async with listener.running():
            for number in range(1, 100):
                listener.detector.hear(bytes(2 * FRAME), number * FRAME)
            await asyncio.sleep(0)
            assert len(listener.threads) == 1

    asyncio.run(live())

    assert listener.threads == []


def test_a_file_that_is_not_a_model_is_refused_and_the_error_names_its_path(tmp_path: Path) -> None:
    model = tmp_path / "computer.onnx"
    model.write_bytes(b"this is not a model" * 100)
    listener = Listener(WakeWord("computer", model, Thresholds()))

    async def live() -> None:
        with pytest.raises(
            WakeWordUnavailable, match=r"computer\.onnx cannot be loaded: it is not an ONNX file"
        ) as refused:
            await asyncio.wait_for(listener.detector.run(), 20)
        assert "\n" not in refused.value.line()

    asyncio.run(live())

    until(lambda: not listener.threads)
    assert not listener.detector.loaded.is_set()


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (
            "timer_v0.1.onnx",
            r"timer_v0\.1\.onnx is not a wake word model: a wake word model takes .* and gives \(1, 7\)",
        ),
        ("embedding_model.onnx", r"embedding_model\.onnx is not a wake word model: a wake word model takes "),
        ("silero_vad.onnx", r"silero_vad\.onnx is not a wake word model: a wake word model takes "),
    ],
)
def test_a_model_that_does_not_score_a_single_word_is_refused_by_the_library_engine_too(
    file: str, problem: str
) -> None:
    model = words_present()["hey_jarvis"].parent / file
    listener = Listener(WakeWord("word", model, Thresholds()), load=LibraryScorer)

    async def live() -> None:
        with pytest.raises(WakeWordUnavailable, match=problem):
            await asyncio.wait_for(listener.detector.run(), 20)

    asyncio.run(live())

    until(lambda: not listener.threads)


class _Late:
    """A scorer that takes this long for each frame, by its own clock."""

    def __init__(self, patch: pytest.MonkeyPatch, takes_s: float) -> None:
        self.now = 100.0
        self._takes_s = takes_s
        patch.setattr("edgevoice.wakeword.detector.time.monotonic", lambda: self.now)

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        self.now += self._takes_s
        return [(0.0,)] * (len(sound) // FRAME)

    def reset(self) -> None:
        pass


@pytest.mark.parametrize(("takes_s", "is_late"), [(0.1, False), (1.9, False), (2.1, True), (11.0, True)])
def test_a_frame_scored_too_late_is_not_proof_that_the_detector_is_listening(
    monkeypatch: pytest.MonkeyPatch, takes_s: float, *, is_late: bool
) -> None:
    detector = Listener().detector
    scorer = _Late(monkeypatch, takes_s)
    detector.hear(bytes(2 * FRAME), FRAME)
    item = detector._frames._waiting.get_nowait()
    assert item is not None

    detector._take(scorer, *item)

    assert detector.scored_at == scorer.now
    assert detector.kept_up_at == (0.0 if is_late else scorer.now)


@pytest.mark.parametrize("ending", [SystemExit(0), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_whatever_ends_its_thread_raises_an_error_that_stops_the_box_and_not_the_process(ending: BaseException) -> None:
    def end(_models: Sequence[Path]) -> Scorer:
        raise ending

    listener = Listener(load=end)

    async def live() -> None:
        with pytest.raises(RuntimeError, match=f"thread was ended by {type(ending).__name__}"):
            await asyncio.wait_for(listener.detector.run(), 10)

    asyncio.run(live())


def test_a_bug_in_its_thread_ends_it_and_is_not_swallowed() -> None:
    def break_down(_heard: WakeWordHeard) -> None:
        raise ZeroDivisionError("of our own making")

    listener = Listener(tell=break_down)
    speech = np.concatenate([quiet(1.0), recording("pos_hey_jarvis__flite_slt_1.1.wav"), quiet(0.5)])

    async def live() -> None:
        async with listener.running() as task:
            await listener.hear(speech)
            with pytest.raises(ZeroDivisionError, match="of our own making"):
                await asyncio.wait_for(task, 10)

    asyncio.run(live())


def test_a_loop_that_closed_before_the_model_was_loaded_does_no_harm() -> None:
    async def leave_at_once() -> None:
        task = asyncio.create_task(Listener().detector.run())
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave_at_once())

    until(lambda: not Listener().threads)
