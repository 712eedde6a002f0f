"""The compiled library: found beside the sources or in the cache, compiled into the cache if there is a compiler."""

import ctypes
import platform
from pathlib import Path
from typing import Any, Final

from edgevoice.errors import WakeWordUnavailable, of_machine
from edgevoice.store.files import make_once
from edgevoice.wakeword.kernel.compile import FOLDER, NotCompiled, compile_library, name_for

_VERSION: Final = 2
"""KERNEL_VERSION of kernel.h, which the calls below are written for."""

FLOATS: Final = ctypes.POINTER(ctypes.c_float)
WHOLE: Final = ctypes.POINTER(ctypes.c_int8)


class KernelUnavailable(WakeWordUnavailable):
    """The kernel cannot be used here; onnxruntime computes the same, with 35 MB more memory."""

    code = "wakeword-kernel"
    remedy = "Install a compiler, `sudo apt-get install gcc libc6-dev`, or run scripts/setup again, which brings one."


class Convolution(ctypes.Structure):
    """``struct convolution`` of kernel.h."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("reach_time", "reach_bands", "channels_in", "channels_out")),
        *((name, ctypes.c_int32) for name in ("is_rectified", "pool_time", "pool_bands")),
        ("leak", ctypes.c_float),
        ("floor", ctypes.c_float),
        *((name, FLOATS) for name in ("weights", "bias", "scale", "shift")),
    )


class Dense(ctypes.Structure):
    """``struct dense`` of kernel.h."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("inputs", "outputs", "is_normalised")),
        ("epsilon", ctypes.c_float),
        *((name, FLOATS) for name in ("weights", "bias", "gain", "offset")),
    )


class MapLayer(ctypes.Structure):
    """``struct map_layer`` of kernel.h."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("channels_in", "channels_out", "is_across", "step")),
        ("weights", FLOATS),
        ("whole", WHOLE),
        *((name, FLOATS) for name in ("scale", "bias")),
    )


def is_compiled(cache: Path) -> bool:
    """Return whether the library of these sources is there, or must be compiled first."""
    name = name_for(platform.machine())
    return (FOLDER / name).is_file() or (cache / name).is_file()


def open_library(cache: Path) -> ctypes.CDLL:
    """Return the library of these sources, compiled into ``cache`` if it is not there. Raises ``KernelUnavailable``."""
    machine = platform.machine()
    name = name_for(machine)
    shipped, own = FOLDER / name, cache / name
    try:
        if not shipped.is_file():
            make_once(own, lambda draft: compile_library(draft, machine))
        return _load(shipped if shipped.is_file() else own)
    except NotCompiled as error:
        raise KernelUnavailable(f"the wake word's kernel is not compiled: {error}") from error
    except OSError as error:
        if (trouble := of_machine(error)) is not None:
            problem = f"the wake word's kernel cannot be used: {trouble}"
            raise KernelUnavailable(problem, remedy=trouble.remedy) from error
        raise KernelUnavailable(
            f"the wake word's kernel cannot be used: {error.strerror or error}",
            remedy=f"Remove wakeword-kernel-* from {cache}, and let the service write there.",
        ) from error


def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    pointer, number = ctypes.c_void_p, ctypes.c_int
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "kernel_version": (number, []),
        "kernel_choose": (number, [number]),
        "network_new": (pointer, [ctypes.POINTER(Convolution), number]),
        "network_free": (None, [pointer]),
        "network_forget": (None, [pointer]),
        "network_step": (None, [pointer, pointer, number, pointer]),
        "mel_new": (pointer, [pointer, pointer, number]),
        "mel_free": (None, [pointer]),
        "mel_frames": (None, [pointer, pointer, number, pointer]),
        "voice_step": (ctypes.c_float, [ctypes.POINTER(Dense), pointer, pointer]),
        "sound_new": (pointer, [pointer, ctypes.POINTER(Dense), pointer, pointer, pointer]),
        "sound_free": (None, [pointer]),
        "sound_forget": (None, [pointer]),
        "sound_take": (None, [pointer, pointer, number, number, pointer, pointer]),
        "events_new": (pointer, [pointer, ctypes.POINTER(MapLayer), pointer]),
        "events_free": (None, [pointer]),
        "events_odds": (ctypes.c_float, [pointer, pointer, number, number, pointer]),
        "dense_scores": (None, [ctypes.POINTER(Dense), number, pointer, number, pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    if library.kernel_version() != _VERSION:
        raise OSError(f"{path} is of another version")
    return library
