"""Microphone: the capture callback. Moves bytes into the pre-roll and notifies readers; decides nothing."""

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from edgevoice.audio import portaudio
from edgevoice.audio.callback_time import CallbackTime, Timed
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.preroll import PreRoll
from edgevoice.core.sound.rates import NEAR_END_HZ

PERIOD = 320
"""Frames per callback: 20 ms. PortAudio buffers whole periods, so an 80 ms period would cost 80 ms."""

FRAME = 1280
"""Samples in a frame for the wake word: 80 ms, its models' step."""

_HELD_S = 20
"""Seconds of near-end that are kept: the longest pre-roll and the longest time to connect, with a margin."""

_SILENCE = bytes(2 * PERIOD)

_RESULT = (None, portaudio.CONTINUE)


class Echo(Protocol):
    """Removes the box's own sound from the near-end; called in the callback, so it must be quick."""

    def take(self, near: bytes, position: int) -> bytes:
        """Return the period whose first sample is number ``position`` without the box's own sound."""
        ...

    def pause(self) -> None:
        """Note that periods are missing from here on."""
        ...


class Microphone(Timed):
    """The near-end, every sample numbered from the first.

    ``hear``, and what is added by ``hear_also``, get each 80 ms frame and the number of the sample after it, in
    PortAudio's thread; ``notice`` is called there after each period, so that a reader may fetch it. All must return at
    once. ``echo`` comes before them; ``clock`` is fitted to the callbacks. ``sounded_at`` is when PortAudio last
    delivered more than zeros, in monotonic seconds, whether muted or not.
    """

    def __init__(
        self,
        hear: Callable[[bytes, int], None],
        notice: Callable[[], None],
        *,
        echo: Echo | None = None,
        clock: ClockFit | None = None,
    ) -> None:
        self._hearers: tuple[Callable[[bytes, int], None], ...] = (hear,)
        self._notice = notice
        self._echo = echo
        self._lock = threading.Lock()
        self._ring = PreRoll(_HELD_S * NEAR_END_HZ)
        self._frame = bytearray()
        self._is_muted = False
        self._mutes = 0
        self.timing = CallbackTime(clock or ClockFit(NEAR_END_HZ), "input_buffer_adc_time")
        self.sounded_at = 0.0

    def hear_also(self, hear: Callable[[bytes, int], None]) -> None:
        """Give each frame to ``hear`` too, from the next one on."""
        self._hearers = (*self._hearers, hear)

    @property
    def overflows(self) -> int:
        """How often audio was lost because it was not fetched in time."""
        return self.timing.xruns

    @property
    def position(self) -> int:
        """The number of samples heard so far."""
        return self._ring.end

    def read(self, begin: int) -> tuple[int, bytes]:
        """Return what was heard from sample ``begin`` on, and its first sample's number, later if some was too old."""
        with self._lock:
            begin = max(begin, self._ring.start)
            return begin, self._ring.read(begin, self._ring.end)

    def mute(self) -> None:
        """Record only zeros from now on, and erase what was heard."""
        with self._lock:
            self._is_muted = True
            self._mutes += 1
            self._ring.clear()
            self._frame.clear()

    def unmute(self) -> None:
        """Record again what is heard."""
        self._is_muted = False

    def callback(
        self, pcm: bytes | None, _frames: int, times: Mapping[str, float] | None, status: int
    ) -> tuple[None, int]:
        """Take one period from PortAudio."""
        self.timing.take(times, self._ring.end, is_xrun=bool(status & portaudio.INPUT_OVERFLOW))
        self.take(_SILENCE if pcm is None else pcm)
        return _RESULT

    def take(self, pcm: bytes) -> None:
        """Take one period of 20 ms, or several at once."""
        if pcm.strip(b"\0"):
            self.sounded_at = self.called_at
        # In this order: a mute between the two must count as one that came meanwhile.
        mutes, is_muted = self._mutes, self._is_muted
        # Without the lock: readers and mute must not wait for the canceller. Only this thread moves the ring's end.
        heard = self._cancelled(bytes(len(pcm)) if is_muted else pcm, is_muted=is_muted)
        frames: list[tuple[bytes, int]] = []
        with self._lock:
            # If the microphone was muted meanwhile, these samples must not be kept.
            heard = heard if mutes == self._mutes else bytes(len(pcm))
            self._ring.write(heard)
            self._frame += heard
            while len(self._frame) >= 2 * FRAME:
                frame = bytes(self._frame[: 2 * FRAME])
                del self._frame[: 2 * FRAME]
                frames.append((frame, self._ring.end - len(self._frame) // 2))
        for frame, end in frames:
            for hear in self._hearers:
                hear(frame, end)
        self._notice()

    def _cancelled(self, heard: bytes, *, is_muted: bool) -> bytes:
        if self._echo is None:
            return heard
        if is_muted:
            # The canceller would mistake this silence for a room without echo.
            self._echo.pause()
            return heard
        size = 2 * PERIOD
        begin = self._ring.end
        return b"".join(self._echo.take(heard[at : at + size], begin + at // 2) for at in range(0, len(heard), size))
