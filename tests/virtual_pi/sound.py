"""The guest's room: plays speech into the loopback microphone, and records what the loopback DAC plays.

Two cards of the kernel's snd-aloop, each with two ends: the box has ``Mic`` and ``DAC`` as its sound cards, and this is
the other end. Standard library only. Times are monotonic seconds of the guest.
"""

import subprocess
import threading
import time
import wave
from array import array
from pathlib import Path

from tests.virtual_pi.board import Refused, hurry, run

RATE_HZ, CHANNELS = 48_000, 2
"""The two cards' capabilities, as the image declares them."""

CHUNK_S = 0.02
_CHUNK_BYTES = round(RATE_HZ * CHUNK_S) * CHANNELS * 2
_LOUD = 150
"""A peak above this, of 32,767, is sound: the quietest syllables are a few hundred, and silence is zero."""

_BETWEEN_SENTENCES_S = 0.6
"""A longer silence is not a speaker's pause."""


def say(recording: Path) -> tuple[float, float]:
    """Say a recording into the microphone; return when it began and ended."""
    began = time.monotonic()
    run("chrt", "--rr", "6", "aplay", "--quiet", "--device=hw:Mic,0", str(recording), limit_s=60)
    return began, time.monotonic()


class Tape:
    """Everything the DAC plays from `start` on, with the time of each 20 ms."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # The time at which each 20 ms ended, and its peak.
        self.peaks: list[tuple[float, int]] = []
        self._recorder: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """Begin the recording."""
        command = ["chrt", "--rr", "6", "arecord", "--quiet", "--device=hw:DAC,1", "--file-type=raw", "--format=S16_LE"]
        period = round(RATE_HZ * CHUNK_S)
        command += [f"--rate={RATE_HZ}", f"--channels={CHANNELS}", f"--period-size={period}", "--buffer-size=48000"]
        self._recorder = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
        self._thread.start()

    def is_loud(self, within_s: float = 0.05) -> bool:
        """Return whether anything is audible now."""
        return any(peak > _LOUD for _, peak in self.peaks[-round(within_s / CHUNK_S) :])

    def loud_at(self, since: float) -> float:
        """Return when something first sounded since then."""
        return next(at for at, peak in [*self.peaks] if at > since and peak > _LOUD)

    def loud_s(self, since: float, until: float = float("inf")) -> float:
        """Return for how many seconds something sounded in a span."""
        return CHUNK_S * sum(peak > _LOUD for at, peak in [*self.peaks] if since < at <= until)

    def is_quiet_for(self, seconds: float) -> bool:
        """Return whether there has been silence for this long."""
        return not self.is_loud(seconds)

    def silent_from(self, since: float) -> float:
        """Return when, ``since`` then, the sound ended that is followed by a silence longer than any pause."""
        end, quiet_since = since, since
        for at, peak in [*self.peaks]:
            if at <= since:
                continue
            if peak > _LOUD:
                end = quiet_since = at
            elif at - quiet_since > _BETWEEN_SENTENCES_S:
                return end
        raise Refused("the sound never ended")

    def close(self) -> None:
        """End the recording."""
        if self._recorder is not None:
            self._recorder.terminate()
            self._thread.join(5)

    def _listen(self) -> None:
        hurry()
        assert self._recorder is not None
        assert self._recorder.stdout is not None
        with wave.open(str(self._file), "wb") as kept:
            kept.setnchannels(1)
            kept.setsampwidth(2)
            kept.setframerate(RATE_HZ)
            chunk = b""
            while piece := self._recorder.stdout.read(_CHUNK_BYTES - len(chunk)):
                chunk += piece
                if len(chunk) == _CHUNK_BYTES:
                    left = array("h", chunk)[::CHANNELS]
                    loudest, lowest = max(left), min(left)
                    self.peaks.append((time.monotonic(), max(loudest, -lowest)))
                    kept.writeframesraw(left.tobytes())
                    chunk = b""
