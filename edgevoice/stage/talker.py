"""Talker: the person on the stage. Speaks into the virtual microphone as a person would, with pauses between."""

import asyncio
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.local.speech import SAMPLE_RATE_HZ, HibariVoice
from edgevoice.virtual import VirtualCard

NEAR_END_HZ = 16_000

_ROOM_NOISE = 8
"""Loudest sample of the noise under the talker's words, in units of s16: -72 dBFS, a quiet kitchen."""


@cache
def _voice() -> HibariVoice:
    return HibariVoice.load()


@cache
def words(text: str) -> npt.NDArray[np.int16]:
    """Return ``text`` as speech at 16 kHz, s16, without the silence around it."""
    spoken = np.frombuffer(_voice().say(text, 1.0), "<i2")
    samples: npt.NDArray[np.int16] = soxr.resample(spoken, SAMPLE_RATE_HZ, NEAR_END_HZ)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    trimmed: npt.NDArray[np.int16] = samples[loud[0] : loud[-1] + 1]
    return trimmed


class Talker:
    """Says things into a card."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card
        self._noise = np.random.default_rng(20)

    async def say(self, *parts: str | float) -> None:
        """Say each text, and pause for each number of seconds; return when it has been said, and heard by the card."""
        pieces = [
            await asyncio.to_thread(words, part)
            if isinstance(part, str)
            else np.zeros(round(part * NEAR_END_HZ), np.int16)
            for part in parts
        ]
        speech = np.concatenate(pieces)
        noise = self._noise.integers(-_ROOM_NOISE, _ROOM_NOISE, len(speech), np.int16, endpoint=True)
        self._card.speak(speech + noise)
        await asyncio.sleep(self._card.unheard_s)
