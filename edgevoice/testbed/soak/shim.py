"""Fakes the wall clock and the disk of one process by a small library that it loads before all others."""

import struct
from collections.abc import Mapping
from pathlib import Path

from edgevoice.testbed.virtual.compiling import CSources, compiled

_FAULTS = CSources("the soak's faults", "soak.so", (Path(__file__).with_name("faults.c"),), libraries=("-ldl",))
_WORDS = struct.Struct("<qq")  # struct control in faults.c


class Shim:
    """Controls the clock and the disk of the processes that are started with ``environment``.

    ``folder`` holds the switches; ``full`` is the folder whose disk can be filled. Without a compiler:
    ``VirtualCardUnavailable``.
    """

    def __init__(self, folder: Path, full: Path) -> None:
        self._control = folder / "faults.control"
        self._full = full
        self._library = compiled(_FAULTS)
        self._ahead_s = 0
        self._is_full = False
        self._write()

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment variables that the process needs."""
        return {
            "LD_PRELOAD": str(self._library),
            "SOAK_CONTROL": str(self._control),
            "SOAK_FULL_FOLDER": str(self._full.resolve()),
        }

    def set_clock(self, ahead_s: int) -> None:
        """Set the wall clock ahead of the true time from now on; never behind it."""
        if ahead_s < 0:
            raise ValueError(f"the clock cannot be set {-ahead_s} s behind the true time")
        self._ahead_s = ahead_s
        self._write()

    @property
    def ahead_s(self) -> int:
        """By how many seconds the wall clock is ahead."""
        return self._ahead_s

    def fill_disk(self) -> None:
        """Make every write into the folder fail with a full disk."""
        self._is_full = True
        self._write()

    def empty_disk(self) -> None:
        """Make writes into the folder succeed again."""
        self._is_full = False
        self._write()

    def _write(self) -> None:
        # Written in place: the process has the file mapped.
        mode = "r+b" if self._control.exists() else "w+b"
        with self._control.open(mode) as file:
            file.write(_WORDS.pack(self._ahead_s, self._is_full))
