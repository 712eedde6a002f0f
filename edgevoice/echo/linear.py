"""Linear canceller: libspeexdsp's adaptive filter through ctypes. It subtracts the echo and never mutes the talker.

That is why it comes before the wake word: a suppressor has better echo figures but swallows the word.
"""

import ctypes
import weakref
from functools import cache

import numpy as np

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, Samples, one_block
from edgevoice.errors import EchoUnavailable

SONAME = "libspeexdsp.so.1"

TAIL = 4480
"""Samples of the room's echo that the filter can hold: 280 ms, including the bulk of the delay."""

_SET_SAMPLING_RATE = 24
"""SPEEX_ECHO_SET_SAMPLING_RATE in speex_echo.h."""


class LinearCanceller:
    """An adaptive filter of ``tail`` samples; ``close`` frees its memory, at the latest when the object is destroyed.

    Raises EchoUnavailable if the library is not installed.
    """

    def __init__(self, *, tail: int = TAIL) -> None:
        self._library = _library()
        self._state = self._library.speex_echo_state_init(BLOCK, tail)
        if not self._state:
            raise EchoUnavailable(f"{SONAME} gave no canceller of {tail} samples")
        rate = ctypes.c_int(NEAR_END_HZ)
        self._library.speex_echo_ctl(self._state, _SET_SAMPLING_RATE, ctypes.byref(rate))
        self.close = weakref.finalize(self, self._library.speex_echo_state_destroy, self._state)

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return the near-end without the echo; see ``EchoCanceller.process``. ValueError after ``close``."""
        if not self.close.alive:
            raise ValueError("the canceller has been closed")
        near, far = one_block(near), one_block(far)
        cleaned = np.empty(BLOCK, np.int16)
        self._library.speex_echo_cancellation(self._state, near.ctypes.data, far.ctypes.data, cleaned.ctypes.data)
        return cleaned

    def reset(self) -> None:
        """Forget the room. ValueError after ``close``."""
        if not self.close.alive:
            raise ValueError("the canceller has been closed")
        self._library.speex_echo_state_reset(self._state)


@cache
def _library() -> ctypes.PyDLL:
    try:
        # PyDLL keeps the interpreter's lock: releasing it for these few microseconds could cost the audio callback a
        # whole switch interval before it gets the lock back.
        library = ctypes.PyDLL(SONAME)
    except OSError as error:
        raise EchoUnavailable(f"{SONAME} is not installed") from error
    address = ctypes.c_void_p
    library.speex_echo_state_init.argtypes = [ctypes.c_int, ctypes.c_int]
    library.speex_echo_state_init.restype = address
    library.speex_echo_ctl.argtypes = [address, ctypes.c_int, address]
    library.speex_echo_ctl.restype = ctypes.c_int
    library.speex_echo_cancellation.argtypes = [address, address, address, address]
    library.speex_echo_cancellation.restype = None
    library.speex_echo_state_reset.argtypes = [address]
    library.speex_echo_state_reset.restype = None
    library.speex_echo_state_destroy.argtypes = [address]
    library.speex_echo_state_destroy.restype = None
    return library
