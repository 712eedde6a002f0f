"""Talker: the person on the stage. Speaks into the virtual microphone as a person would, with pauses."""

import asyncio
import hashlib
import importlib.metadata
import threading
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import VirtualCardUnavailable
from edgevoice.local.speech.voice import SAMPLE_RATE_HZ, HibariVoice
from edgevoice.store.files import write_whole
from edgevoice.testbed.virtual import VirtualCard
from edgevoice.testbed.virtual.compiling import default_cache

_ROOM_NOISE = 8
"""Loudest sample of the noise under the talker's words, in units of s16: -72 dBFS, a quiet kitchen."""

_Samples = npt.NDArray[np.int16]
_one_at_a_time = threading.Lock()


def words(text: str) -> _Samples:
    """Return ``text`` as speech at 16 kHz, s16, without the silence around it; cached on disk."""
    voice = importlib.metadata.version("hibari-tts")
    name = hashlib.sha256(f"{voice} {text}".encode()).hexdigest()[:16]
    kept = default_cache() / f"words-{name}.npy"
    with _one_at_a_time:
        if not kept.exists():
            _keep(kept, _spoken(text))
        samples: _Samples = np.load(kept)
        return samples


def _keep(place: Path, samples: _Samples) -> None:
    try:
        write_whole(place, lambda file: np.save(file, samples))
    except OSError as error:
        raise VirtualCardUnavailable(
            f"the cache {place.parent} cannot be written: {error.strerror}",
            remedy="Set XDG_CACHE_HOME to a folder that you may write to.",
        ) from error


def _spoken(text: str) -> _Samples:
    spoken = np.frombuffer(_voice().say(text, 1.0), "<i2")
    samples: _Samples = soxr.resample(spoken, SAMPLE_RATE_HZ, NEAR_END_HZ)
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 300)
    return samples[loud[0] : loud[-1] + 1]


@cache
def _voice() -> HibariVoice:
    return HibariVoice.load()


async def rehearse(*texts: str) -> None:
    """Synthesise texts ahead of time: on the stage it would take CPU time from the box."""
    for text in texts:
        await asyncio.to_thread(words, text)


def _sound_of(part: str | float | _Samples) -> _Samples:
    match part:
        case str():
            return words(part)
        case np.ndarray():
            return part
        case _:
            return np.zeros(round(part * NEAR_END_HZ), np.int16)


class Talker:
    """Says things into a card."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card
        self._noise = np.random.default_rng(20)

    async def say(self, *parts: str | float | _Samples) -> None:
        """Say each text or sound, and pause for each number of seconds; return when the card has heard all of it."""
        pieces = [_sound_of(part) for part in parts]
        speech = np.concatenate(pieces)
        noise = self._noise.integers(-_ROOM_NOISE, _ROOM_NOISE, len(speech), np.int16, endpoint=True)
        self._card.speak(speech + noise)
        await asyncio.sleep(self._card.unheard_s)
