"""A PCM whose converter moves on between any two calls, as a card's does, and the tape of what it emitted."""

from collections.abc import Iterable, Iterator

import numpy as np

from edgevoice.audio.alsa import AlsaError, PcmState


class FakePcm:
    """Implements ``alsa.Pcm`` at one rate; ``steps`` are the frames that the converter takes before each call.

    Before a look at its position it takes ten times as many: that is when the box renders, and may be held up.
    What it has emitted is silence afterwards, as the kernel leaves a ring that runs free. ``short`` counts frames that
    were refused, ``late`` those that came after the converter.
    """

    def __init__(self, rate_hz: int, buffer: int | None = None) -> None:
        self._rate_hz = rate_hz
        self._wanted = buffer
        self.buffer = 0
        self.emitted = self.written = 0
        self.short = self.late = 0
        self.tape = np.zeros(0, np.int16)
        self.state = PcmState.RUNNING
        self._memory = np.zeros(0, np.int16)
        self._steps: Iterator[int] = iter(())

    def moves(self, steps: Iterable[int]) -> None:
        self._steps = iter(steps)

    def emit(self, frames: int) -> None:
        places = np.arange(self.emitted, self.emitted + frames) % self.buffer
        self.tape = np.concatenate([self.tape, self._memory[places]])
        self._memory[places] = 0
        self.emitted += frames

    def configure(self, rate_hz: int, *, channels: int, period: int, buffer: int, runs_free: bool) -> None:
        assert (channels, runs_free, period < buffer) == (1, True, True)
        if rate_hz != self._rate_hz:
            raise AlsaError(22, f"no rate of {rate_hz} Hz")
        self.buffer = self._wanted or buffer

    def chain(self) -> str:
        return "Hardware PCM card 0"

    def prepare(self) -> None:
        self.emitted = self.written = 0
        self._memory = np.zeros(self.buffer, np.int16)

    def start(self) -> None:
        pass

    def available(self) -> int:
        self._move(10)
        return self.buffer - (self.written - self.emitted)

    def delay(self) -> int:
        self._move()
        return self.written - self.emitted

    def rewind(self, frames: int) -> int:
        self._move()
        back = max(0, min(frames, self.written - self.emitted))
        self.written -= back
        return back

    def forward(self, frames: int) -> int:
        self._move()
        on = max(0, min(frames, self.buffer - (self.written - self.emitted)))
        self.written += on
        return on

    def write(self, pcm: bytes, frames: int) -> int:
        self._move()
        taken = min(frames, self.buffer - (self.written - self.emitted))
        self.short += frames - taken
        self.late += max(0, min(taken, self.emitted - self.written))
        places = np.arange(self.written, self.written + taken) % self.buffer
        self._memory[places] = np.frombuffer(pcm, "<i2")[:taken]
        self.written += taken
        return taken

    def close(self) -> None:
        pass

    def _move(self, times: int = 1) -> None:
        self.emit(times * next(self._steps, 0))
