"""Heap: has the C library (glibc) keep little of what the program has freed. Does nothing with another C library."""

import ctypes
from functools import cache
from typing import Any, Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 128 << 10
"""glibc's own values at first (malloc.h), which it raises as soon as something large was freed."""


def keep_little() -> None:
    """Have what is large given back as soon as it is freed, and all threads share one heap; call it at the start.

    Else each thread has a heap of its own, with free memory that no other thread may use.
    """
    mallopt = getattr(_library(), "mallopt", None)
    if mallopt is not None:
        for parameter, value in (
            (_M_ARENA_MAX, 1),
            (_M_MMAP_THRESHOLD, _LARGE_BYTES),
            (_M_TRIM_THRESHOLD, _LARGE_BYTES),
        ):
            mallopt(parameter, value)


def trim() -> None:
    """Give back what is free now: a millisecond, in which other threads may have to wait for memory."""
    malloc_trim = getattr(_library(), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


@cache
def _library() -> Any:
    return ctypes.CDLL(None)
