"""Conditions: the effect of a room and of noise on a recorded call before the box hears it. Pure.

A call at a distance is passed through a room response, measured or by formula; a noise is mixed in at a given number of
decibels below the call's own level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.wakeword.models.shapes import RATE_HZ, Samples

Sound = npt.NDArray[np.float64]

_RT60_S: Final = 0.4
_VOLUME_M3: Final = 50.0
"""A furnished living room."""

_CRITICAL_DISTANCE_M: Final = 0.057 * (_VOLUME_M3 / _RT60_S) ** 0.5
"""Where direct sound and reverberation are equally loud: 0.64 m (Kuttruff, Room Acoustics)."""

_ONSET_S: Final = 0.005
"""The delay of the reverberation after the direct sound: the way to the nearest walls and back."""

_BLOCK: Final = RATE_HZ // 50
_QUIETEST_DB: Final = 25.0
"""Blocks of 20 ms further than this below the loudest are pauses, and do not count for a level."""

_LEAD_S: Final = 1.0
_TAIL_S: Final = 0.5
"""How long a noise goes on before and after the call, so that the call does not start with the noise."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``noise`` by its name at ``snr_db`` below the call, ``room`` by its name or ``distance_m`` by formula."""

    noise: str = ""
    snr_db: float = 0.0
    room: str = ""
    distance_m: float | None = None

    @property
    def name(self) -> str:
        """Return it in words: "kitchen at 10 dB, 3 m"."""
        where = self.room if self.distance_m is None else f"{self.distance_m:g} m"
        noise = f"{self.noise} at {self.snr_db:g} dB" if self.noise else ""
        return ", ".join(filter(None, (noise, where)))


def response_at(distance_m: float, seed: int) -> Sound:
    """Return the response of a living room at that distance: direct sound, then noise that decays by 60 dB in 0.4 s.

    Reverberation is equally loud everywhere; the direct sound falls with the distance. Another seed is another room.
    """
    length = round(_RT60_S * RATE_HZ)
    decay = np.exp(-np.log(1000.0) * np.arange(length) / length)
    response: Sound = np.random.default_rng(seed).standard_normal(length) * decay
    response[: round(_ONSET_S * RATE_HZ)] = 0.0
    response *= distance_m / _CRITICAL_DISTANCE_M / np.linalg.norm(response)
    response[0] = 1.0
    return response


def heard_through(call: Sound, response: Sound) -> Sound:
    """Return the call as it sounds through a room, at its original level."""
    size = 1 << (len(call) + len(response) - 2).bit_length()
    wet = np.fft.irfft(np.fft.rfft(call, size) * np.fft.rfft(response, size), size)[: len(call) + len(response) - 1]
    quiet: Sound = wet * level(call) / level(wet)
    return quiet


def with_noise(call: Sound, noise: Sound, snr_db: float, chance: np.random.Generator) -> Sound:
    """Return the call with a stretch of the noise under it, from a second before it to half a second after.

    A noise that is too short is repeated. Its level is measured where the call lies: what counts is what masks the
    call.
    """
    lead, tail = round(_LEAD_S * RATE_HZ), round(_TAIL_S * RATE_HZ)
    begin = int(chance.integers(len(noise)))
    stretch: Sound = np.take(noise, np.arange(begin, begin + lead + len(call) + tail), mode="wrap")
    own = level(stretch[lead : lead + len(call)])
    mixed = stretch * (level(call) / own * 10 ** (-snr_db / 20))
    mixed[lead : lead + len(call)] += call
    return mixed


def level(sound: Sound) -> float:
    """Return the RMS level of the sounding parts: of all 20 ms within 25 dB of the loudest; never 0."""
    whole = len(sound) // _BLOCK * _BLOCK
    power = (sound[:whole].reshape(-1, _BLOCK) ** 2).mean(axis=1) if whole else np.zeros(1)
    sounding = power[power >= power.max() * 10 ** (-_QUIETEST_DB / 10)]
    return float(np.sqrt(max(sounding.mean(), 1.0)))


def as_samples(sound: Sound) -> Samples:
    """Return s16 samples; peaks beyond its range are clipped, as in a microphone."""
    return np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)


def conditions(
    noises: Sequence[str], snrs_db: Sequence[float], rooms: Sequence[str], distances_m: Sequence[float]
) -> list[Condition]:
    """Return every place without noise, then every noise in every place, including the place of the recording."""
    places: list[tuple[str, float | None]] = [("", None), *((room, None) for room in rooms)]
    places += [("", distance) for distance in distances_m]
    quiet = [Condition(room=room, distance_m=distance) for room, distance in places[1:]]
    loud = [Condition(noise, snr, room, distance) for noise in noises for snr in snrs_db for room, distance in places]
    return [*quiet, *loud]
