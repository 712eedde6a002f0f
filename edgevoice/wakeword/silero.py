"""Silero VAD, the voice model that comes with openWakeWord: how likely it is that a person speaks. No clock."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models import find_part
from edgevoice.wakeword.session import open_session

CHUNK = 480
"""Samples that the model looks at together: 30 ms, one of the lengths that it was trained on."""

_RATE_HZ = np.array(16_000, np.int64)
_STATE = (2, 1, 64)
"""Shape of each of the model's two states."""


def load_voice() -> "SileroVoice":
    """Return the model, which knows no signal yet; ``WakeWordUnavailable`` when openWakeWord does not bring it."""
    return SileroVoice(open_session(find_part("silero_vad")))


class SileroVoice:
    """Implements ``echo.voice.VoiceModel``; 0.2 ms of a PC's core for 30 ms of sound.

    ``session`` takes ``input`` (one row, from -1 to 1), ``sr``, and the states ``h`` and ``c``.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._h, self._c = np.zeros(_STATE, np.float32), np.zeros(_STATE, np.float32)
        self._waiting: npt.NDArray[np.int16] = np.zeros(0, np.int16)
        self._probability = 0.0

    def take(self, block: npt.NDArray[np.int16]) -> float:
        """Take the next samples; see ``echo.voice.VoiceModel.take``."""
        self._waiting = np.concatenate([self._waiting, block])
        while len(self._waiting) >= CHUNK:
            chunk, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
            inputs = {"input": chunk[np.newaxis] / np.float32(32_768), "sr": _RATE_HZ, "h": self._h, "c": self._c}
            output, self._h, self._c = self._session.run(None, inputs)
            self._probability = float(output[0, 0])
        return self._probability
