"""Uplink: the gate between the microphone and the wire. From the pre-roll on, no sample is sent twice or left out."""

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.audio.upsampler import Upsampler
from edgevoice.core.notices import UplinkSent
from edgevoice.core.sound.rates import NEAR_END_HZ, WIRE_HZ

_LEAST_MS = 40
"""The shortest chunk: 25 of them a second are far below the service's limits."""

_LEAST_MS_OVER_AN_ANSWER = 20
"""The shortest chunk while an answer sounds: the service can end it by 20 ms sooner when it hears somebody speak."""

_MOST_MS = 100
"""The longest chunk, so that a flush of seconds does not delay what comes after it."""

_TURN_LEAD_S = 1
"""How long before its detection a turn may have begun, if the uplink was open."""


class Source(Protocol):
    """What the near-end is read from: every sample has a number, and those of the last seconds are available."""

    @property
    def position(self) -> int:
        """The number of samples so far."""
        ...

    def read(self, begin: int) -> tuple[int, bytes]:
        """Return mono s16 from sample ``begin`` on, and the number of its first sample, later if some was too old."""
        ...

    def mute(self) -> None:
        """Return only zeros from now on, and clear what was recorded."""
        ...

    def unmute(self) -> None:
        """Return what is heard again."""
        ...


class _Gate(Enum):
    CLOSED = auto()
    KEEPING = auto()
    LIVE = auto()
    SILENT = auto()


class Uplink:
    """Implements ``ports.NearEnd``: a cursor into the microphone's memory that moves only when audio is sent.

    The microphone's samples are at ``rate_hz``; ``send`` takes mono s16 at 24 kHz. ``watch`` sees each chunk, in
    near-end samples. ``preroll`` is in near-end samples. ``is_over_an_answer`` says whether the speaker sounds. Only
    the loop's thread may call; ``pump`` is to be called there when the microphone has more.
    """

    def __init__(
        self,
        microphone: Source,
        preroll: int,
        send: Callable[[bytes], None],
        watch: Callable[[UplinkSent], None] = lambda _sent: None,
        *,
        is_over_an_answer: Callable[[], bool] = lambda: False,
        rate_hz: int = NEAR_END_HZ,
    ) -> None:
        self._is_over_an_answer = is_over_an_answer
        self._microphone = microphone
        self._preroll = preroll
        self._send = send
        self._watch = watch
        self._gate = _Gate.CLOSED
        self._cursor = 0
        self._sent_until = 0
        self._turn = 0
        self._rate_hz = rate_hz
        self._resampler = _new_resampler(rate_hz)
        self.lost = 0

    @property
    def is_live(self) -> bool:
        """Whether ``pump`` has anything to do."""
        return self._gate in {_Gate.LIVE, _Gate.SILENT}

    @property
    def is_closed(self) -> bool:
        """Whether no session hears anything, nor is to hear it later."""
        return self._gate is _Gate.CLOSED

    @property
    def position(self) -> int:
        """The number of near-end samples heard so far."""
        return self._microphone.position

    def keep(self, at_sample: int, *, has_preroll: bool = True) -> None:
        """Hold everything from ``at_sample`` on, or from the pre-roll before it.

        What this session has already heard stays sent, and is not sent again.
        """
        self._settle()
        begin = at_sample - self._preroll if has_preroll else at_sample
        self._cursor = self._turn = max(0, begin, self._sent_until)
        self._gate = _Gate.KEEPING

    def mark(self) -> None:
        """Mark this moment, roughly, as the beginning of the user's turn."""
        lead = _TURN_LEAD_S * self._rate_hz if self._gate is _Gate.LIVE else 0
        self._turn = max(0, self._microphone.position - lead)

    def rewind(self) -> None:
        """Hold everything from the beginning of the user's turn: another session has heard nothing of it."""
        self._sent_until = 0
        self._resampler = _new_resampler(self._rate_hz)
        self._cursor = self._turn
        self._gate = _Gate.KEEPING

    def open(self) -> None:
        """Send what was held, then live audio."""
        was_closed = self._gate is _Gate.CLOSED
        self._settle()
        if was_closed:
            # Opened without keeping anything: the session hears nothing from before its beginning.
            self._cursor = self._sent_until = self._microphone.position
        self._gate = _Gate.LIVE
        self.pump()

    def silence(self) -> None:
        """Send zeros instead of what is heard."""
        self._settle()
        self._gate = _Gate.SILENT

    def close(self) -> None:
        """Send nothing."""
        self._gate = _Gate.CLOSED

    def mute(self) -> None:
        """Drop everything at the microphone and clear what was held."""
        self._microphone.mute()
        self._cursor = max(self._cursor, self._microphone.position)

    def unmute(self) -> None:
        """Hear again."""
        self._microphone.unmute()

    def pump(self) -> None:
        """Send what the microphone has heard since the last call, if the gate is open and a chunk is complete."""
        if not self.is_live:
            return
        least_ms = _LEAST_MS_OVER_AN_ANSWER if self._is_over_an_answer() else _LEAST_MS
        if self._microphone.position - self._cursor >= self._rate_hz * least_ms // 1000:
            self._send_heard()

    def _settle(self) -> None:
        """Prepare for an order: a new session inherits nothing, and an open one first sends everything so far.

        That is done even for a few samples, which would otherwise leave under the next order: an echo as speech, or
        speech as zeros.
        """
        if self._gate is _Gate.CLOSED:
            self._sent_until = 0
            self._resampler = _new_resampler(self._rate_hz)
        elif self.is_live:
            self._send_heard()

    def _send_heard(self) -> None:
        begin, pcm = self._microphone.read(self._cursor)
        self.lost += begin - self._cursor
        most = self._rate_hz * _MOST_MS // 1000
        for at in range(0, len(pcm) // 2, most):
            self._send_chunk(begin + at, pcm[2 * at : 2 * (at + most)])
        self._cursor = begin + len(pcm) // 2

    def _send_chunk(self, first: int, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, dtype="<i2")
        if self._gate is _Gate.SILENT:
            samples = np.zeros_like(samples)
        else:
            self._sent_until = first + len(samples)
        resampled = self._resampler.resample_chunk(samples)
        if len(resampled):  # otherwise the resampler still holds all of it, and an empty chunk is not sent
            self._send(resampled.astype("<i2", copy=False).tobytes())
        self._watch(UplinkSent(first, len(samples)))


class _Unchanged:
    """Replaces a resampler that is not needed."""

    def resample_chunk(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Return the samples as they are."""
        return samples


def _new_resampler(rate_hz: int) -> soxr.ResampleStream | Upsampler | _Unchanged:
    if rate_hz == WIRE_HZ:
        return _Unchanged()
    if rate_hz == NEAR_END_HZ:
        # Not soxr: it holds back 5 to 38 ms, and a service that hears late falls silent late.
        return Upsampler()
    return soxr.ResampleStream(rate_hz, WIRE_HZ, 1, dtype="int16", quality="MQ")
