"""Low latency: has PortAudio keep little in the card.

PyAudio always asks for what the device suggests, so that is changed.
"""

import contextlib
import ctypes

_SONAME = "libportaudio.so.2"

PERIOD = 120
"""Frames per callback, 5 ms at 24 kHz, where a card keeps only two of them: a cut is silent after 15 ms."""


class _DeviceInfo(ctypes.Structure):
    """PortAudio's ``PaDeviceInfo``."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("host", ctypes.c_int),
        ("inputs", ctypes.c_int),
        ("outputs", ctypes.c_int),
        ("low_input_s", ctypes.c_double),
        ("low_output_s", ctypes.c_double),
        ("high_input_s", ctypes.c_double),
        ("high_output_s", ctypes.c_double),
        ("rate_hz", ctypes.c_double),
    )


def suggest_output_latency(index: int, seconds: float) -> None:
    """Have the device with this index suggest this latency to whoever opens it; without the library do nothing."""
    with contextlib.suppress(OSError):
        library = ctypes.PyDLL(_SONAME)
        library.Pa_GetDeviceInfo.restype = ctypes.POINTER(_DeviceInfo)
        info = library.Pa_GetDeviceInfo(index)
        if info:
            info.contents.low_output_s = seconds
