"""Room: how the microphone hears what the speaker plays. Arrays in, arrays out: no card, no clock.

The path is synthetic: a direct sound after an unknown delay, then reverberation that decays by 60 dB in ``rt60_s``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import NEAR_END_HZ

_ECHO_MS = 200
"""Length of the room's response after the delay."""

_HALF_KERNEL = 16
"""Samples on each side of an instant from which a windowed sinc interpolates the sound there."""

_PHASES = 1024
"""Instants between two samples for which the kernel is precomputed."""

_LEAST_DELAY = 2 * _HALF_KERNEL
_OFFSETS = np.arange(1 - _HALF_KERNEL, _HALF_KERNEL + 1)

Samples = npt.NDArray[np.int16]
Sound = npt.NDArray[np.float64]
"""Sound pressure at the microphone, in units of one s16 step; may exceed what a sample can hold."""


@dataclass(frozen=True, slots=True)
class Room:
    """One box in one room.

    ``path`` is the response from speaker to microphone at 16 kHz, delay and loss included. ``drift_ppm``: how many
    millionths the speaker's clock is faster than the microphone's. ``noise_dbfs``: the microphone's own noise.
    ``overdrive_db``: how far the speaker is driven into its limit (tanh), None for a clean one.
    """

    path: Sound
    drift_ppm: float = 0.0
    noise_dbfs: float = -65.0
    overdrive_db: float | None = None


def furnish(
    seed: int,
    *,
    delay_ms: float,
    loss_db: float = 6.0,
    rt60_s: float = 0.25,
    drift_ppm: float = 0.0,
    overdrive_db: float | None = None,
) -> Room:
    """Make a room from a seed: the same seed makes the same room.

    The direct sound arrives after ``delay_ms``, at least 2; white noise returns fainter by ``loss_db``.
    """
    chance = np.random.default_rng(seed)
    length = NEAR_END_HZ * _ECHO_MS // 1000
    decay = np.exp(-np.log(1000.0) * np.arange(length) / (rt60_s * NEAR_END_HZ))
    response = 0.5 * chance.standard_normal(length) * decay
    # The direct sound dominates: speaker and microphone share one box.
    response[0] = 4.0
    response *= 10 ** (-loss_db / 20) / np.linalg.norm(response)
    silence = np.zeros(round(delay_ms * NEAR_END_HZ / 1000))
    return Room(np.concatenate([silence, response]), drift_ppm=drift_ppm, overdrive_db=overdrive_db)


class LiveRoom:
    """A room in which time passes: what is played comes back, and the next sound may depend on what was heard.

    ``far_hz`` is the rate of what is played, 16 or 24 kHz, by the speaker's clock.
    """

    def __init__(self, room: Room, *, far_hz: int = NEAR_END_HZ, seed: int = 0) -> None:
        self._room = room
        self._step = far_hz / NEAR_END_HZ * (1 + room.drift_ppm * 1e-6)
        # One row per phase; frequencies above the lower of both Nyquist limits are cut off.
        self._kernels = _kernels(min(1.0, 1 / self._step))
        # The delay is a wait, not part of the convolution.
        self._delay = int(np.flatnonzero(room.path)[0])
        if self._delay < _LEAST_DELAY:
            raise ValueError(f"the path has a delay of {self._delay} samples; it must be at least {_LEAST_DELAY}")
        self._response = room.path[self._delay :]
        self._played = np.zeros(int(self._step * self._delay) + 2 * _HALF_KERNEL)
        self._first = -len(self._played)
        self._heard = 0
        # The speaker's latest output, at the microphone's rate: as long as the path.
        self._air = np.zeros(len(self._response) - 1)
        self._spectrum: dict[int, npt.NDArray[np.complex128]] = {}
        self._noise = np.random.default_rng(seed)

    @property
    def ahead(self) -> int:
        """Samples that the speaker was given and has not emitted yet."""
        return self._first + len(self._played) - int(self._step * self._heard)

    def play(self, far: Samples) -> None:
        """Give samples to the speaker; they sound one after the other, without gaps."""
        sound = far.astype(np.float64)
        if self._room.overdrive_db is not None:
            drive = 10 ** (self._room.overdrive_db / 20)
            sound = np.tanh(sound * drive / 32_768) * 32_768 / drive
        self._played = np.concatenate([self._played, sound])

    def hear(self, frames: int, near: Sound | None = None) -> Samples:
        """Return the next ``frames`` samples of the microphone; ``near`` is every other sound in the room.

        Whatever was not given in time is silence.
        """
        self._air = np.concatenate([self._air, self._at_the_speaker(frames)])
        echo = self._echo(frames)
        self._air = self._air[frames:]
        amplitude = 32_768 * 10 ** (self._room.noise_dbfs / 20)
        sum_ = echo + amplitude * self._noise.standard_normal(frames)
        if near is not None:
            sum_ += near
        return np.clip(np.rint(sum_), -32_768, 32_767).astype(np.int16)

    def _at_the_speaker(self, frames: int) -> Sound:
        """Return what the speaker emits during the microphone's next ``frames`` samples, and drop what is past."""
        at = self._step * np.arange(self._heard - self._delay, self._heard - self._delay + frames) - self._first
        self._heard += frames
        missing = int(at[-1]) + _HALF_KERNEL + 2 - len(self._played)
        if missing > 0:
            self._played = np.concatenate([self._played, np.zeros(missing)])
        # In pieces that the processor's cache holds: a second of it at once would be 8 MB of kernels and samples.
        emitted: Sound = np.concatenate([self._resampled(at[begin : begin + 512]) for begin in range(0, frames, 512)])
        done = max(0, int(self._step * (self._heard - self._delay)) - _HALF_KERNEL - self._first)
        self._played = self._played[done:]
        self._first += done
        return emitted

    def _resampled(self, at: npt.NDArray[np.floating[Any]]) -> Sound:
        whole = at.astype(np.intp)
        kernels = self._kernels[np.rint((at - whole) * _PHASES).astype(np.intp)]
        resampled: Sound = np.einsum("ij,ij->i", kernels, self._played[whole[:, None] + _OFFSETS])
        return resampled

    def _echo(self, frames: int) -> Sound:
        size = -(-len(self._air) // 240) * 240
        if size not in self._spectrum:
            self._spectrum[size] = np.fft.rfft(self._response, size)
        heard = np.fft.irfft(np.fft.rfft(self._air, size) * self._spectrum[size], size)
        begin = len(self._response) - 1
        return heard[begin : begin + frames]


def _kernels(share: float) -> Sound:
    away = _OFFSETS[None, :] - (np.arange(_PHASES + 1) / _PHASES)[:, None]
    kernels = share * np.sinc(share * away) * np.cos(np.pi * away / (2 * _HALF_KERNEL + 2)) ** 2
    normalised: Sound = kernels / kernels.sum(axis=1, keepdims=True)
    return normalised


def hear_all(room: Room, far: Samples, near: Sound | None = None, *, seed: int = 0) -> Samples:
    """Return what the microphone hears while ``far`` (16 kHz) is played and ``near`` (as long) sounds in the room."""
    live = LiveRoom(room, seed=seed)
    live.play(far)
    parts = []
    for begin in range(0, len(far), NEAR_END_HZ):
        end = min(begin + NEAR_END_HZ, len(far))
        parts.append(live.hear(end - begin, None if near is None else near[begin:end]))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def level_dbfs(sound: npt.NDArray[np.int16] | Sound) -> float:
    """Return the level of the active parts: all blocks of 20 ms within 25 dB of the loudest; full scale is 0."""
    block = NEAR_END_HZ // 50
    whole = len(sound) // block * block
    power = (sound[:whole].astype(np.float64).reshape(-1, block) ** 2).mean(axis=1)
    sounding = power[power > power.max() / 316] if whole else power
    return float(10 * np.log10(max(sounding.mean() if len(sounding) else 0.0, 1e-3) / 32_768**2))


def scaled(sound: Samples, level: float) -> Sound:
    """Return ``sound`` scaled so that its active parts are at ``level``, in dBFS."""
    return sound.astype(np.float64) * 10 ** ((level - level_dbfs(sound)) / 20)
