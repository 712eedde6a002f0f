import json
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.speech.listener import TurnHeard, TurnListener
from edgevoice.local.speech.voice import HibariVoice
from edgevoice.testbed.bench import commands
from edgevoice.testbed.bench.commands import OUTCOMES, SpeechProgram, command_line, measure, outcome
from edgevoice.testbed.bench.recordings import RecordingFile

FOREIGN = "open the garage door"


@pytest.mark.parametrize(
    ("said", "heard", "is_sure", "came_of_it"),
    [
        ("stop", "stop", True, "understood"),
        ("what time is it", "hey jarvis what's the time", True, "understood"),
        ("volume down", "volume down", False, "asked"),
        ("volume down", "volume up", False, "asked wrongly"),
        ("volume down", "volume up", True, "wrongly"),
        ("stop", "stop", False, "missed"),
        ("stop", "", True, "missed"),
        (FOREIGN, "", True, "refused"),
        (FOREIGN, "open the stop", True, "refused"),
        (FOREIGN, "what time is it", False, "refused"),
        (FOREIGN, "volume up", False, "foreign asked"),
        (FOREIGN, "stop", True, "foreign obeyed"),
    ],
)
def test_an_utterance_is_scored_by_its_outcome(said: str, heard: str, is_sure: bool, came_of_it: str) -> None:  # noqa: FBT001 - a column
    assert outcome(said, TurnHeard(0, 0, heard, is_sure=is_sure)) == came_of_it


def test_every_voice_is_tested_in_every_condition_and_the_last_line_has_the_totals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = HibariVoice.load()

    def say(text: str, file: Path) -> None:
        with wave.open(str(file), "wb") as said:
            said.setparams((1, 2, 24_000, 0, "NONE", ""))
            said.writeframes(voice.say(text, 1.0))

    monkeypatch.setattr(commands, "_COMMANDS", ("what time is it",))
    monkeypatch.setattr(commands, "_FOREIGN", (FOREIGN,))

    assert measure([SpeechProgram("hibari", say)], (), as_json=True) == 0

    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [*report["totals"]] == ["near", "living room", "3 m"]
    assert report["totals"]["near"] == {each: int(each in {"understood", "refused"}) for each in OUTCOMES}
    assert report["by_voice"]["near"]["hibari"] == {"understood": 1, "refused": 1}
    assert report["cpu_ms_per_utterance"] > 0


def test_a_voice_that_cannot_speak_is_named_and_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Deaf:
        @staticmethod
        def load() -> Any:
            return lambda _speech: ""

    def say(_text: str, file: Path, sound: bytes = b"\1\2" * 1000) -> None:
        with wave.open(str(file), "wb") as said:
            said.setparams((1, 2, 16_000, 0, "NONE", ""))
            said.writeframes(sound)

    monkeypatch.setattr(commands, "PhonemeRecogniser", Deaf)
    monkeypatch.setattr(TurnListener, "words_of", silence_heard)
    broken = command_line("sh", "-c", "echo 'no voice us1' >&2; exit 3", "{file}", "{text}")
    says: dict[str, Callable[[str, Path], None]] = {
        "broken": broken,
        "missing": command_line("/nowhere/espeak", "{text}"),
        "empty": command_line("true"),
        "silent": partial(say, sound=bytes(2000)),
        "working": say,
    }
    voices = [SpeechProgram(name, each) for name, each in says.items()]
    assert measure(voices, (), as_json=True) == 0

    told = capsys.readouterr()
    broken_line, missing_line, empty_line, silent_line = told.err.splitlines()
    assert broken_line.startswith("sh -c ")
    assert broken_line.endswith("has failed: no voice us1; broken is left out")
    assert "/nowhere/espeak" in missing_line
    assert empty_line.startswith("empty wrote no WAV file: ")
    assert silent_line == "silent said nothing; silent is left out"
    report = json.loads(told.out)
    assert report["voices"] == 1
    assert [*report["by_voice"]["near"]] == ["working"]
    with pytest.raises(LocalServiceUnavailable, match="works"):
        measure(voices[:-1], (), as_json=True)


async def silence_heard(_listener: object, _speech: bytes, _rate_hz: int) -> TurnHeard:
    return TurnHeard(0, 0, "")


def test_noise_is_mixed_ten_decibels_below_the_voice() -> None:
    voice = np.full(16_000, 32_768 * 10 ** (-26 / 20))
    noisy = commands._in_noise(np.zeros(16_000), np.random.default_rng(1).standard_normal(8000) * 100)

    assert 20 * np.log10(np.std(noisy) / voice[0]) == pytest.approx(-10, abs=0.1)


def test_each_noise_is_heard_near_and_in_the_bare_room(tmp_path: Path) -> None:
    folder = tmp_path / "kitchen"
    folder.mkdir()
    with wave.open(str(folder / "tap.wav"), "wb") as tap:
        tap.setparams((1, 2, 16_000, 0, "NONE", ""))
        tap.writeframes(np.random.default_rng(4).integers(-5000, 5000, 16_000).astype("<i2").tobytes())
    voice = np.random.default_rng(2).standard_normal(16_000) * 32_768 * 10 ** (-26 / 20)
    places = commands._places((RecordingFile(folder / "tap.wav", "kitchen", 1.0),))
    noise = places["kitchen at 10 dB"](voice, 1) - voice

    assert [*places] == ["near", "living room", "3 m", "kitchen at 10 dB", "3 m, kitchen at 10 dB"]
    assert places["3 m, kitchen at 10 dB"](voice, 1) == pytest.approx(places["3 m"](voice, 1) + noise)


def test_reverberation_keeps_the_level() -> None:
    sound = np.random.default_rng(2).standard_normal(16_000) * 1000
    far = commands._in_room(sound, 3, 0.5, -4.0)

    assert np.std(far) == pytest.approx(np.std(sound), rel=0.01)
    assert np.corrcoef(far, sound)[0, 1] < 0.7


def test_without_a_speech_synthesiser_one_line_says_what_to_install() -> None:
    with pytest.raises(LocalServiceUnavailable, match="no speech synthesiser") as missing:
        measure([], (), as_json=True)
    assert "apt install" in missing.value.remedy
