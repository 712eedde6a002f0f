"""The voice model on real speech and on what is none."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.wakeword.silero import CHUNK, SileroVoice, load_voice
from tests.wakeword.sounds import POSITIVES, recording

BLOCK = 320


def surest(voice: SileroVoice, sound: npt.NDArray[np.int16]) -> float:
    return max(voice.take(sound[at : at + BLOCK]) for at in range(0, len(sound) - BLOCK + 1, BLOCK))


@pytest.mark.parametrize("name", POSITIVES)
def test_speech_is_a_voice(name: str) -> None:
    assert surest(load_voice(), recording(name)) > 0.9


@pytest.mark.parametrize("kind", ["noise", "hum", "silence"])
def test_what_is_no_speech_is_none(kind: str) -> None:
    times = np.arange(32_000) / 16_000
    sound = {
        "noise": np.random.default_rng(1).normal(0, 2000, len(times)),
        "hum": 6000 * np.sin(2 * np.pi * 150 * times),
        "silence": np.zeros(len(times)),
    }[kind]

    assert surest(load_voice(), sound.astype(np.int16)) < 0.3


def test_blocks_are_looked_at_in_the_lengths_that_the_model_knows() -> None:
    lengths: list[int] = []

    class Session:
        def run(self, _outputs: None, inputs: dict[str, Any]) -> tuple[Any, Any, Any]:
            lengths.append(inputs["input"].shape[1])
            assert abs(inputs["input"]).max() <= 1
            return np.array([[0.25]]), inputs["h"], inputs["c"]

    voice = SileroVoice(Session())
    told = [voice.take(np.full(BLOCK, -32_768, np.int16)) for _ in range(6)]

    assert lengths == [CHUNK] * 4
    assert told[0] == 0.0
    assert told[1:] == [0.25] * 5
