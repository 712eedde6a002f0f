"""What the program has freed goes back to the system; each in a process of its own, whose heap is small."""

import subprocess
import sys

_RESIDENT = """
from edgevoice import heap

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) / 256
"""


def run(program: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", _RESIDENT + program], capture_output=True, text=True, check=True, timeout=60
    )
    return [float(word) for word in done.stdout.split()]


def test_what_is_free_between_things_in_use_is_given_back() -> None:
    # The last block keeps the end of the heap in use: only what lies before it is free.
    held, trimmed = run(
        "blocks = [b'x' * 65_000 for _ in range(320)]\n"
        "del blocks[:-1]\n"
        "print(resident_mb())\n"
        "heap.trim()\n"
        "print(resident_mb())"
    )

    assert held - trimmed > 15


_LARGE_AFTER_LARGER = """
larger = bytearray(b"x" * 30_000_000)
del larger
before = resident_mb()
blocks = [b"x" * 1_000_000 for _ in range(20)]
del blocks[:-1]
print(resident_mb() - before)
"""


def test_what_is_large_is_given_back_when_it_is_freed_even_after_something_larger_was() -> None:
    (kept,) = run(_LARGE_AFTER_LARGER)
    (little,) = run("heap.keep_little()\n" + _LARGE_AFTER_LARGER)

    assert kept > 15, "as the C library does by itself"
    assert little < 5


_FURTHER_HEAPS = """
import threading
ready = threading.Barrier(5)
def work():
    kept = [bytearray(1000) for _ in range(100)]
    ready.wait()
    ready.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
ready.wait()
with open("/proc/self/maps") as file:
    reserved = [line.split()[0].split("-") for line in file if " ---p " in line]
# glibc reserves 64 MB for each further heap.
print(sum(int(end, 16) - int(begin, 16) > 32_000_000 for begin, end in reserved))
ready.wait()
"""


def test_threads_share_one_heap() -> None:
    (of_their_own,) = run(_FURTHER_HEAPS)
    (shared,) = run("heap.keep_little()\n" + _FURTHER_HEAPS)

    assert of_their_own >= 4, "as the C library does by itself"
    assert shared == 0
