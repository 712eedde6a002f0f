"""What the wake word is built from, and what the box does without the voice model."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from edgevoice.errors import StorageUnavailable, WakeWordUnavailable
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.wakeword import opening
from edgevoice.wakeword.models.shapes import Samples
from edgevoice.wakeword.opening import (
    open_detector,
    open_event_model,
    open_outcomes,
    open_sound_model,
    open_voice,
    opinions_on,
)
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog
from edgevoice.wakeword.tuning.notes import Outcomes
from edgevoice.wakeword.words import wake_words


def test_without_wake_words_there_is_no_detector() -> None:
    assert open_detector(WakewordSettings(), (), print, is_speaking=lambda: False, near_misses=None) is None


def test_the_phonemes_are_asked_about_words_of_both_makers_where_there_is_a_network() -> None:
    words = wake_words(WakewordSettings(words={"alexa": {}, "hey_marvin": {}}))

    opinions = opinions_on(words, lambda: None)

    assert [word.name for word in words] == ["hey_jarvis", "alexa", "hey_marvin"]
    assert [each is not None for each in opinions.witnesses] == [True, True, False]
    assert opinions.phonemes is not None
    assert opinions.phonemes._words == ["hey_jarvis", "alexa", None]
    assert opinions_on(words, None).phonemes is None
    assert opinions_on(wake_words(WakewordSettings(witness="off")), lambda: None).phonemes is None


@pytest.mark.parametrize(("engine", "overhears"), [("streaming", 1), ("microwakeword", 1), ("openwakeword", 0)])
def test_the_boxs_own_speech_is_scored_by_the_cheap_engines_only(
    engine: Literal["streaming", "microwakeword", "openwakeword"], overhears: int
) -> None:
    settings = WakewordSettings(engine=engine)
    takers: list[Callable[[Samples, int], None]] = []

    open_detector(
        settings,
        wake_words(settings),
        lambda _fact: None,
        is_speaking=lambda: False,
        near_misses=None,
        far_end=takers.append,
    )

    assert len(takers) == overhears


def test_outcomes_are_written_to_the_near_miss_log_with_utc_times(tmp_path: Path) -> None:
    log = NearMissLog(tmp_path)

    outcomes = open_outcomes(log)

    assert isinstance(outcomes, Outcomes)
    assert outcomes._log is log
    assert outcomes._now().tzinfo is not None


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ImportError("no onnxruntime"), "no onnxruntime"),
        (WakeWordUnavailable("no model"), WakeWordUnavailable("no model").line()),
    ],
    ids=repr,
)
def test_without_the_voice_model_speech_is_detected_by_pitch_alone_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, problem: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(opening, "kernel_at_hand", lambda _folder: None)
    monkeypatch.setattr(opening, "load_voice", fail)

    assert open_voice() is None
    (record,) = caplog.records
    assert (record.msg, vars(record)["fields"]) == ("no-voice-model", {"problem": problem})


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (ValueError("the file is of another kind"), "the file is of another kind"),
        (WakeWordUnavailable("no package"), WakeWordUnavailable("no package").line()),
        (OSError(30, "Read-only file system", "/x"), StorageUnavailable("/x: Read-only file system").line()),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    ("load", "open_model", "event"),
    [("open_sound", open_sound_model, "no-sound-model"), ("open_events", open_event_model, "no-event-model")],
)
def test_without_the_other_models_the_rest_decides_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    problem: str,
    load: str,
    open_model: Callable[[], object],
    event: str,
) -> None:
    def fail(*_where: object) -> None:
        raise error

    monkeypatch.setattr(opening, load, fail)

    assert open_model() is None
    (record,) = caplog.records
    assert (record.msg, vars(record)["fields"]) == (event, {"problem": problem})
