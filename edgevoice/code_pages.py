"""Code pages: gives back to the kernel what only the start has needed of the libraries, half of 50 MB.

What is needed again is mapped again from the kernel's cache, in microseconds; the rest is what a machine that runs
short of memory drops first.
"""

import ctypes
import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SMAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"(?P<begin>[0-9a-f]+)-(?P<end>[0-9a-f]+) r-[x-]p [0-9a-f]+ [0-9a-f:]+ [1-9]\d* +/.*\.so")
"""Code or constants of a file (proc_pid_smaps(5)), which this process may not write; the file's maker may not either.
"""


def give_back() -> None:
    """Unmap all code and constants that can be read again from their file.

    Does nothing where the kernel does not say which those are.
    """
    madvise = getattr(ctypes.CDLL(None), "madvise", None)
    if madvise is None:
        return
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    try:
        described = _SMAPS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for begin, end in unchanged_code(described):
        madvise(begin, end - begin, mmap.MADV_DONTNEED)


def unchanged_code(described: str) -> Iterator[tuple[int, int]]:
    """Yield begin and end of all mapped code and constants of libraries of which no page differs from its file."""
    place: tuple[int, int] | None = None
    for line in described.splitlines():
        name, _, value = line.partition(":")
        if "-" in name.partition(" ")[0]:
            found = _MAPPING.match(line)
            place = (int(found["begin"], 16), int(found["end"], 16)) if found is not None else None
        elif name in {"Anonymous", "Swap"} and value.split()[0] != "0":
            place = None  # changed pages, which may be swapped out, or shared with a child so that they are not private
        elif name == "Swap" and place is not None:
            yield place
