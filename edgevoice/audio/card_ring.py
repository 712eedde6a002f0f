"""Card ring: a card's buffer, addressed by the speaker's positions, and written again up to the converter."""

import errno
import math
import time

import numpy as np
import numpy.typing as npt

from edgevoice.audio.alsa import AlsaError, Pcm, PcmState
from edgevoice.audio.doubler import Doubler
from edgevoice.audio.rendering_time import RenderingTime
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.errors import DeviceBusy

_BUFFER_MS = 80
PERIOD_MS = 10

_LEAST_BUFFER_MS = 40
"""The shortest ring that will do: a first sound is written up to 30 ms ahead of the converter."""

MARGIN = FAR_END_HZ // 1000
"""Samples, 1 ms, that are left to the converter when the ring is looked at to be written again."""

_LEAST_MARGIN = MARGIN * 3 // 4
"""The same at the moment of the writing, 0.75 ms: a card fetches some samples ahead, one of a Pi 0.67 ms at 48 kHz."""

_MOST_MARGIN = 5 * MARGIN
"""The same with the time that rendering takes: what the converter reaches meanwhile is too late."""

_RATES = (FAR_END_HZ, 2 * FAR_END_HZ)
"""The rates at which a card is tried: the answers' own, or twice that, which most cards on a Pi do and nothing else.

Not through ALSA's converter: it cannot be rewound.
"""

_RINGS = ("Hardware PCM", "edgevoice virtual sound card")
"""How ALSA describes what has a ring of its own. A sound server's plugin has none: it lets itself be rewound, but has
sent on what it was given.
"""

_SHARED = ("Direct Stream Mixing", "Direct Snoop")
"""What stands before a card that several programs use: it knows the position only to a period of 20 ms."""

_PROBE_S = 0.004

_Samples = npt.NDArray[np.int16]


def require_ring(chain: str) -> None:
    """Raise ``AlsaError`` unless what ALSA describes so is a card of its own."""
    if not any(ring in chain for ring in _RINGS) or any(shared in chain for shared in _SHARED):
        raise AlsaError(0, "it is not a card of its own, but a sound server or a mixer")


class RingUnavailable(DeviceBusy):
    """This device cannot be written again: PortAudio has to play on it."""


class CardRing:
    """Implements ``ring.Ring`` on one PCM, open and running; all but ``close`` with the speaker's lock held.

    ``position`` is the speaker's at the first sample. ``runs_free``: the card needs nothing in silence. ``rate_hz`` is
    the card's rate. Methods raise ``AlsaError`` if the card is gone.
    """

    def __init__(self, name: str) -> None:
        """Open, and try whether it can be rewound; otherwise raise ``RingUnavailable``."""
        self.runs_free = True
        self.rate_hz = 0
        self.xruns = 0
        self._looked_s: float | None = None
        self._rendering = RenderingTime()
        problem = ""
        for rate_hz in _RATES:
            try:
                self._pcm = Pcm(name)
            except AlsaError as error:
                raise RingUnavailable(f'"{name}" does not open: {error.strerror}') from error
            try:
                self._open(rate_hz)
            except AlsaError as error:
                problem = str(error.strerror)
                self._pcm.close()
                continue
            self.rate_hz = rate_hz
            return
        raise RingUnavailable(f'"{name}" cannot be written again: {problem}')

    def _open(self, rate_hz: int) -> None:
        self._ratio = rate_hz // FAR_END_HZ
        self._doubler = Doubler() if self._ratio > 1 else None
        buffer, period = rate_hz * _BUFFER_MS // 1000, rate_hz * PERIOD_MS // 1000
        self._pcm.configure(rate_hz, channels=1, period=period, buffer=buffer, runs_free=True)
        require_ring(self._pcm.chain())
        if self.size < FAR_END_HZ * _LEAST_BUFFER_MS // 1000:
            held_ms = self.size * 1000 // FAR_END_HZ
            raise AlsaError(0, f"its ring holds {held_ms} ms of sound, and at least {_LEAST_BUFFER_MS} are needed")
        self._end = 0
        self._begin(0)
        self._try()

    def _begin(self, position: int) -> None:
        """Fill the ring with zeros and start it; its first sample is number ``position``."""
        self._pcm.prepare()
        self._end = position
        self._put(np.zeros(self._pcm.buffer // self._ratio, np.int16))
        self._pcm.start()

    def _try(self) -> None:
        time.sleep(_PROBE_S)
        held = self._pcm.buffer - self._pcm.available()
        wanted = (held // 2) & ~1
        got = self._pcm.rewind(wanted)
        regained = held - (self._pcm.buffer - self._pcm.available())
        # Some plugins claim what they did not do: only the position proves it.
        if wanted == 0 or got != wanted or regained < wanted:
            raise AlsaError(0, "ALSA does not take back what was written")
        self._end -= got // self._ratio
        self._put(np.zeros(got // self._ratio, np.int16))

    @property
    def depth(self) -> int:
        """For how many samples beyond its reach the card is written: a longer ring is not filled."""
        return min(self.size, FAR_END_HZ * _BUFFER_MS // 1000) - _MOST_MARGIN

    @property
    def size(self) -> int:
        """How many samples the card holds, and plays again unless it is given others."""
        return self._pcm.buffer // self._ratio

    def renumber(self, position: int) -> None:
        """Give the first sample that can still be replaced this number: the card has had only zeros so far."""
        self._end += position - self.reach()

    def reach(self, ahead: int = 0) -> int:
        """Return the position ``ahead`` of the first at which the card can still be given other samples now."""
        self._looked_s = None
        return self._converter() + MARGIN + ahead

    def reach_in_time(self) -> int:
        """Return the first position at which it still can be once they have been rendered."""
        at = self._converter()
        self._looked_s = time.monotonic()
        return at + min(MARGIN + math.ceil(self._rendering.expected_s * FAR_END_HZ), _MOST_MARGIN)

    def emitted(self) -> tuple[int, float]:
        """Return which sample the card emits now, and when that is, in monotonic seconds."""
        delay = self._pcm.delay()
        return self._end - delay // self._ratio, time.monotonic()

    def write_in_time(self, samples: _Samples, position: int, *, spare: int = 0) -> bool:
        """Write, unless the card has been quicker, to ``spare`` samples: then return false, and leave it as it was."""
        before = None if self._doubler is None else self._doubler.mark()
        pcm = self._converted(samples, position)
        if position < self._converter() + _LEAST_MARGIN + spare:
            if self._doubler is not None and before is not None:
                self._doubler.restore(before)
            return False
        self._write(pcm, position)
        return True

    def write(self, samples: _Samples, position: int) -> None:
        """Give the card ``samples`` from ``position`` on, in place of everything that it has from there."""
        pcm = self._converted(samples, position)
        if self._looked_s is not None:
            self._rendering.took(time.monotonic() - self._looked_s)
            self._looked_s = None
        self._write(pcm, position)

    def close(self) -> None:
        """Stop at once."""
        self._pcm.close()

    def _put(self, samples: _Samples) -> None:
        self._write(self._converted(samples, self._end), self._end)

    def _converted(self, samples: _Samples, position: int) -> _Samples:
        """Return ``samples`` at the card's rate, as they follow what it has before ``position``."""
        if self._doubler is None:
            return samples
        if position > self._end:
            self._doubler.clear()
        else:
            self._doubler.take_back(self._end - position)
        return self._doubler.process(samples)

    def _write(self, pcm: _Samples, position: int) -> None:
        """Write frames of the card from ``position`` on."""
        if position > self._end:
            self._move_on(position)
        elif position < self._end:
            self._go_back(position)
            # The converter may have been quicker than the rendering: what it has emitted cannot be replaced.
            pcm = pcm[max(0, self._end - position) * self._ratio :]
        written = self._pcm.write(pcm.tobytes(), len(pcm))
        self._end += written // self._ratio
        missing = (len(pcm) - written) // self._ratio
        if missing and self._doubler is not None:
            self._doubler.take_back(missing)

    def _move_on(self, position: int) -> None:
        wanted = (position - self._end) * self._ratio
        got = self._pcm.forward(wanted)
        self._end = position
        if got < wanted:  # then the gap is filled in the usual way
            self._pcm.write(bytes(2 * (wanted - got)), wanted - got)

    def _go_back(self, position: int) -> None:
        got = self._pcm.rewind((self._end - position) * self._ratio)
        if got % self._ratio:
            self._pcm.forward(1)
        self._end -= got // self._ratio

    def _converter(self) -> int:
        """Return which sample the converter takes next."""
        held = self._held()
        if held < 0:
            # Before ALSA's count of frames comes round, in half a day on a 32-bit system.
            self._move_on(self._end + -held // self._ratio)
            held = 0
        return self._end - held // self._ratio

    def _held(self) -> int:
        """Return how many frames the converter has before it; start it again if it has stopped."""
        try:
            available = self._pcm.available()
        except AlsaError as error:
            if error.errno not in {errno.EPIPE, errno.ESTRPIPE}:
                raise
            available = -1
        state = self._pcm.state
        if state == PcmState.DISCONNECTED:
            raise AlsaError(errno.ENODEV, "the card was unplugged")
        if available < 0 or state != PcmState.RUNNING:
            # An xrun, which only a card that does not run free has, or a machine that was asleep.
            self.runs_free = self.runs_free and state == PcmState.SUSPENDED
            self.xruns += 1
            self._begin(self._end)
            available = self._pcm.available()
        return self._pcm.buffer - available
