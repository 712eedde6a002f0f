"""The simulated board, from inside the guest: presses its buttons, watches its lights. Standard library only.

The lines are those of the kernel's gpio-sim. What the box drives is read where the simulator shows it, in sysfs, and a
button is pressed by the pull of its line: no code of the box or of GPIO Zero lies between.
"""

import contextlib
import fcntl
import itertools
import os
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LISTENING, SPEAKING, STATUS, TALK, MUTE = 17, 27, 22, 23, 24
"""The defaults of the settings: three lights, two buttons."""

_LOOK_S = 0.02
_TURN_S = 0.05
_SAMPLE_S = 0.0007
"""Not a divisor of the 10 ms of a period of the PWM."""


_GET_LINE = 0xC250B407
"""GPIO_V2_GET_LINE_IOCTL of <linux/gpio.h>."""

_LINE_REQUEST = struct.Struct("=64I 32s QI5I240x II5Ii")
"""``struct gpio_v2_line_request``: offsets, consumer, configuration, number of offsets, and the descriptor."""

_INPUT = 1 << 2


class Refused(AssertionError):
    """A check fails; the text says why."""


def run(*command: str, limit_s: float = 60.0, may_fail: bool = False) -> str:
    """Run a program of the guest and return its output; ``Refused`` with its message if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=limit_s, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode and not may_fail:
        words = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Refused(f"{' '.join(command[:3])} ends with {done.returncode}: {' '.join(words)}")
    return done.stdout


def until(is_so: Callable[[], object], limit_s: float, what: str, *, pause_s: float = 0.02) -> float:
    """Wait until the condition holds and return the seconds it took; ``Refused`` if it never does.

    It is checked every ``pause_s``: in emulation, a condition that starts a program is expensive.
    """
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > limit_s:
            raise Refused(f"within {limit_s:g} s: {what}")
        time.sleep(pause_s)
    return time.monotonic() - began


def hurry() -> None:
    """Give this thread priority over the box's ordinary ones, so that changes are seen in time; not its children."""
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(5))


class Lights:
    """The history of the board's lights: when each went on or off. Times are monotonic seconds of ``clock``."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.changes: dict[int, list[tuple[float, int]]] = {light: [] for light in (LISTENING, SPEAKING, STATUS)}

    def is_lit(self, light: int, seconds: float) -> bool:
        """Return whether a light has been on without a break for this long."""
        return self._stays(light, 1, seconds)

    def is_dark(self, light: int, seconds: float) -> bool:
        """Return whether a light has been off without a break for this long."""
        return self._stays(light, 0, seconds)

    def was_lit(self, light: int, since: float, seconds: float = 0.0) -> bool:
        """Return whether a light was on at some time since then, for at least this long."""
        changes = [*self.changes[light], (self._clock(), 0)]
        return any(
            level and end > since and end - max(at, since) >= seconds
            for (at, level), (end, _) in itertools.pairwise(changes)
        )

    def lit_at(self, light: int, since: float) -> float:
        """Return when a light first went on since then."""
        return next(at for at, level in self.changes[light] if level and at >= since)

    def say_ready(self) -> bool:
        """Return whether the box shows that it waits for the wake word."""
        return self.is_lit(STATUS, 1.0) and self.is_dark(LISTENING, 1.0) and self.is_dark(SPEAKING, 1.0)

    def say_muted(self) -> bool:
        """Return whether the box shows that it is muted: a flash and a long dark interval, twice."""
        last = self.changes[STATUS][-5:]
        spans = [(level, end - at) for (at, level), (end, _) in itertools.pairwise(last)]
        is_rhythm = all((0.05 <= span <= 0.2) if level else (1.7 <= span <= 2.1) for level, span in spans)
        # It must still be flashing.
        return len(last) == 5 and is_rhythm and self._clock() - last[-1][0] <= 2.1

    def _stays(self, light: int, level: int, seconds: float) -> bool:
        if not self.changes[light]:
            return False
        at, now = self.changes[light][-1]
        return now == level and self._clock() - at >= seconds


class Board:
    """The chip of 28 lines that the image makes at boot, whose lights are watched from now on."""

    def __init__(self) -> None:
        self._chip = next(Path("/sys/devices/platform").glob("gpio-sim.*/gpiochip*/sim_gpio0")).parent
        self.lights = Lights()
        threading.Thread(target=self._watch, daemon=True).start()

    def press(self, button: int, seconds: float = 0.15) -> float:
        """Press a button for a while and return the monotonic time at which it went down."""
        began = time.monotonic()
        self.close(button)
        time.sleep(seconds)
        self.open(button)
        return began

    def close(self, line: int) -> None:
        """Close the contact between a line and ground."""
        self._pull(line, "pull-down")

    def open(self, line: int) -> None:
        """Open the contact, so that the line is what its resistor makes it: high."""
        self._pull(line, "pull-up")

    def turn(self, first: int, second: int) -> None:
        """Turn a rotary encoder by one step: the contact of the first line closes and opens before the other's."""
        for move, line in ((self.close, first), (self.close, second), (self.open, first), (self.open, second)):
            move(line)
            time.sleep(_TURN_S)

    def share(self, line: int, seconds: float) -> float:
        """Return for which share of a time a line is high: how bright an LED looks that is dimmed by PWM."""
        levels = []
        ends = time.monotonic() + seconds
        with (self._chip / f"sim_gpio{line}" / "value").open("rb", buffering=0) as file:
            while time.monotonic() < ends:
                levels.append(int(os.pread(file.fileno(), 4, 0)))
                time.sleep(_SAMPLE_S)
        return sum(levels) / len(levels)

    def _pull(self, line: int, pull: str) -> None:
        (self._chip / f"sim_gpio{line}" / "pull").write_text(pull)

    def _watch(self) -> None:
        hurry()
        files = {
            light: os.open(self._chip / f"sim_gpio{light}" / "value", os.O_RDONLY) for light in self.lights.changes
        }
        levels = dict.fromkeys(files, -1)
        while True:
            for light, file in files.items():
                level = int(os.pread(file, 4, 0))
                if level != levels[light]:
                    levels[light] = level
                    self.lights.changes[light].append((time.monotonic(), level))
            time.sleep(_LOOK_S)


@contextlib.contextmanager
def taken(line: int) -> Iterator[None]:
    """Have a line of the box's chip belong to another program meanwhile."""
    with Path("/dev/gpiochip0").open("rb", buffering=0) as chip:
        request = bytearray(_LINE_REQUEST.pack(line, *[0] * 63, b"another program", _INPUT, *[0] * 6, 1, 0, *[0] * 6))
        fcntl.ioctl(chip, _GET_LINE, request)
    descriptor = int(_LINE_REQUEST.unpack(request)[-1])
    try:
        yield
    finally:
        os.close(descriptor)
