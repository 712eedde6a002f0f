"""What only the start has needed of the libraries is no longer resident, and everything works as before."""

import subprocess
import sys

from edgevoice.code_pages import unchanged_code

_HEAD = "7f0000000000-7f0000003000 r-xp 00001000 fd:00 77 /usr/lib/one.so.1"
_WRITTEN = "7f0000004000-7f0000005000 rw-p 00004000 fd:00 77 /usr/lib/one.so.1"
_PATCHED = "7f0000006000-7f0000009000 r-xp 00001000 fd:00 78 /usr/lib/two.so"
_SWAPPED = "7f000000c000-7f000000f000 r-xp 00001000 fd:00 80 /usr/lib/three.so"
_MADE = "7f000000a000-7f000000b000 r-xp 00000000 00:00 0 "
_PROGRAM = "550000000000-550000003000 r-xp 00001000 fd:00 79 /usr/bin/python3"


def mapping(head: str, *, changed_kb: int = 0, swapped_kb: int = 0) -> str:
    # Pages that were changed before a fork are dirty, but shared: only as anonymous ones are they known.
    changed = f"Shared_Dirty: {changed_kb} kB\nPrivate_Dirty: 0 kB\nAnonymous: {changed_kb} kB"
    return f"{head}\nSize: 12 kB\nRss: 12 kB\n{changed}\nSwap: {swapped_kb} kB\nVmFlags: rd ex mr mw\n"


def test_only_code_of_libraries_that_nobody_has_changed_is_given_back() -> None:
    described = "".join(
        [
            mapping(_HEAD),
            mapping(_WRITTEN),
            mapping(_PATCHED, changed_kb=4),
            mapping(_SWAPPED, swapped_kb=4),
            mapping(_MADE),
            mapping(_PROGRAM),
        ]
    )

    assert list(unchanged_code(described)) == [(0x7F0000000000, 0x7F0000003000)]


def test_what_was_given_back_is_not_resident_and_comes_again_when_it_is_needed() -> None:
    program = """
import numpy
from edgevoice.code_pages import give_back

def resident_kb():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssFile"))

before = resident_kb()
give_back()
print(before, resident_kb(), numpy.linalg.det(numpy.eye(30)).item())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    before_kb, after_kb, determinant = map(float, done.stdout.split())

    assert before_kb - after_kb > 3000
    assert determinant == 1
