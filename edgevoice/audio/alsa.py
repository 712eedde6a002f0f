"""ALSA: one PCM of libasound, opened without blocking, whose written frames can be taken back.

Most calls keep the interpreter: they take microseconds, and to give it away and wait for it again beside a busy thread
would take longer than the 1 ms before the converter in which a cut is written. Only opening and closing let others run.
"""

import contextlib
import ctypes
import os
from collections.abc import Callable
from enum import IntEnum
from functools import cache

_SONAME = "libasound.so.2"

_NONBLOCK = 1
_S16_LE = 2
_RW_INTERLEAVED = 3
_DUMPED_MOST = 16_384

_PLAYBACK, _CAPTURE = 0, 1


class AlsaError(OSError):
    """A call of libasound failed; ``errno`` is the kernel's."""


class PcmState(IntEnum):
    """The states of a PCM that matter here (``snd_pcm_state_t``)."""

    RUNNING = 3
    XRUN = 4
    SUSPENDED = 7
    DISCONNECTED = 8


class Pcm:
    """A mono s16 PCM called ``name``, for playback or else for capture; raises ``AlsaError`` if it does not open.

    All counts are in frames of the card. Its methods may be called from several threads that share a lock.
    """

    def __init__(self, name: str, *, is_playback: bool = True) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        stream = _PLAYBACK if is_playback else _CAPTURE
        opened = _slow_library().snd_pcm_open(ctypes.byref(self._handle), name.encode(), stream, _NONBLOCK)
        self._check(opened, f"opening {name}")
        self.buffer = 0

    def configure(self, rate_hz: int, *, channels: int, period: int, buffer: int, runs_free: bool) -> None:
        """Set exactly this rate and these channels, and a period and a buffer near those wanted.

        A stream that ``runs_free`` does not stop when it has played everything: it goes on with silence, or where the
        card does not write silence, with its ring once more.
        """
        library, handle = self._library, self._handle
        with _Parameters("hw") as parameters:
            self._check(library.snd_pcm_hw_params_any(handle, parameters), "asking what the card can do")
            for name, value in (("access", _RW_INTERLEAVED), ("format", _S16_LE), ("channels", channels)):
                setter = getattr(library, f"snd_pcm_hw_params_set_{name}")
                self._check(setter(handle, parameters, value), f"setting {name} to {value}")
            self._check(library.snd_pcm_hw_params_set_rate(handle, parameters, rate_hz, 0), f"a rate of {rate_hz} Hz")
            near = ctypes.c_ulong(period), ctypes.c_ulong(buffer)
            set_period, set_buffer = (
                library.snd_pcm_hw_params_set_period_size_near,
                library.snd_pcm_hw_params_set_buffer_size_near,
            )
            self._check(set_period(handle, parameters, ctypes.byref(near[0]), None), "setting the period")
            self._check(set_buffer(handle, parameters, ctypes.byref(near[1])), "setting the buffer")
            self._check(library.snd_pcm_hw_params(handle, parameters), f"configuring {rate_hz} Hz")
            self.buffer = near[1].value
        self._configure_software(runs_free=runs_free)

    def _configure_software(self, *, runs_free: bool) -> None:
        library, handle = self._library, self._handle
        with _Parameters("sw") as parameters:
            boundary = ctypes.c_ulong()
            self._check(library.snd_pcm_sw_params_current(handle, parameters), "reading the stream's parameters")
            self._check(library.snd_pcm_sw_params_get_boundary(parameters, ctypes.byref(boundary)), "the boundary")
            never = boundary.value
            wanted = {"start_threshold": never, "stop_threshold": never if runs_free else self.buffer}
            wanted["silence_size"] = never if runs_free else 0
            for name, value in wanted.items():
                setter = getattr(library, f"snd_pcm_sw_params_set_{name}")
                self._check(setter(handle, parameters, value), f"setting {name}")
            self._check(library.snd_pcm_sw_params(handle, parameters), "setting the stream's parameters")

    def most_channels(self) -> int:
        """Return with how many channels the stream can be opened at most."""
        library, most = self._library, ctypes.c_uint()
        with _Parameters("hw") as parameters:
            self._check(library.snd_pcm_hw_params_any(self._handle, parameters), "asking what the card can do")
            asked = library.snd_pcm_hw_params_get_channels_max(parameters, ctypes.byref(most))
            self._check(asked, "asking for its channels")
        return most.value

    def prepare(self) -> None:
        """Empty the ring, so that the stream can be started, or started again after an xrun."""
        self._check(self._library.snd_pcm_prepare(self._handle), "preparing the stream")

    def start(self) -> None:
        """Start the converter."""
        self._check(self._library.snd_pcm_start(self._handle), "starting the stream")

    @property
    def state(self) -> int:
        """The stream's state, one of `PcmState` or another of ALSA's numbers."""
        return int(self._library.snd_pcm_state(self._handle))

    def available(self) -> int:
        """Return how many frames may be written, or read; more than the ring has if the converter is ahead."""
        return int(self._check(self._library.snd_pcm_avail(self._handle), "asking for the position"))

    def captured(self, lost: Callable[[], None]) -> int:
        """Return how many frames can be read; a stream that has stopped begins again with 0, and ``lost`` is called.

        It stops when nobody has read for too long, or when the machine sleeps. ``AlsaError`` if the device is gone.
        """
        try:
            available = self.available()
        except AlsaError as error:
            if self.state not in {PcmState.XRUN, PcmState.SUSPENDED}:
                raise error from None
            available = -1
        if self.state == PcmState.DISCONNECTED:
            raise AlsaError(0, "the device was unplugged")
        if available >= 0 and self.state == PcmState.RUNNING:
            return available
        lost()
        self.prepare()
        self.start()
        return 0

    def wait(self, limit_ms: int) -> None:
        """Wait until a period may be read, or for so long; others run meanwhile. An error shows with the next call."""
        _slow_library().snd_pcm_wait(self._handle, limit_ms)

    def delay(self) -> int:
        """Return how many frames lie between the last one written and the converter; negative if it is ahead of it."""
        delay = ctypes.c_long()
        self._check(self._library.snd_pcm_delay(self._handle, ctypes.byref(delay)), "asking for the delay")
        return delay.value

    def rewind(self, frames: int) -> int:
        """Take back the last frames written; return how many that were: the converter may have been quicker."""
        return int(self._check(self._library.snd_pcm_rewind(self._handle, frames), "rewinding"))

    def forward(self, frames: int) -> int:
        """Leave out frames: they keep what the ring holds there; return how many that were."""
        return int(self._check(self._library.snd_pcm_forward(self._handle, frames), "moving on"))

    def write(self, pcm: bytes, frames: int) -> int:
        """Write frames of s16; return how many the ring took."""
        return int(self._check(self._library.snd_pcm_writei(self._handle, pcm, frames), "writing"))

    def read(self, frames: int, bytes_per_frame: int) -> bytes:
        """Return up to so many captured frames."""
        place = ctypes.create_string_buffer(frames * bytes_per_frame)
        got = int(self._check(self._library.snd_pcm_readi(self._handle, place, frames), "reading"))
        return place.raw[: got * bytes_per_frame]

    def chain(self) -> str:
        """Return ALSA's own description of the plugins and the card behind this PCM."""
        library, output, text = self._library, ctypes.c_void_p(), ctypes.c_char_p()
        self._check(library.snd_output_buffer_open(ctypes.byref(output)), "describing the stream")
        try:
            self._check(library.snd_pcm_dump(self._handle, output), "describing the stream")
            size = library.snd_output_buffer_string(output, ctypes.byref(text))
            return ctypes.string_at(text, min(size, _DUMPED_MOST)).decode(errors="replace")
        finally:
            library.snd_output_close(output)

    def close(self) -> None:
        """Stop at once and close."""
        if self._handle.value:
            _slow_library().snd_pcm_close(self._handle)
            self._handle = ctypes.c_void_p()

    def _check(self, result: int, doing: str) -> int:
        if result < 0:
            raise AlsaError(-result, f"{doing}: {os.strerror(-result)}")
        return result


class _Parameters:
    """Memory for a stream's parameters, whose size only the library knows; ``kind`` is "hw" or "sw"."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._place = ctypes.c_void_p()

    def __enter__(self) -> ctypes.c_void_p:
        if getattr(_library(), f"snd_pcm_{self._kind}_params_malloc")(ctypes.byref(self._place)) < 0:
            raise MemoryError("no memory for a stream's parameters")
        return self._place

    def __exit__(self, *_error: object) -> None:
        getattr(_library(), f"snd_pcm_{self._kind}_params_free")(self._place)


def capture_channels(name: str) -> int:
    """Return with how many channels a capture device can be opened at most; raise ``AlsaError`` if it does not open."""
    pcm = Pcm(name, is_playback=False)
    try:
        return pcm.most_channels()
    finally:
        pcm.close()


def forget_configuration() -> None:
    """Have ALSA read its configuration anew when it is next needed; what is open keeps its own."""
    # Without ALSA there is nothing to forget.
    with contextlib.suppress(OSError):
        _slow_library().snd_config_update_free_global()


@cache
def _slow_library() -> ctypes.CDLL:
    """Return libasound for calls that may take long: other threads run meanwhile."""
    library = ctypes.CDLL(_SONAME)
    library.snd_pcm_open.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    library.snd_pcm_close.argtypes = [ctypes.c_void_p]
    library.snd_pcm_wait.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library


@cache
def _library() -> ctypes.PyDLL:
    """Return libasound for calls of microseconds; raise ``AlsaError`` if it is not installed."""
    try:
        library = ctypes.PyDLL(_SONAME)
    except OSError as error:
        raise AlsaError(0, f"{_SONAME} does not load: {error}") from error
    pointer, count, number = ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int
    hw, sw = "snd_pcm_hw_params_set_", "snd_pcm_sw_params_"
    signatures: dict[str, list[type[object]]] = {
        **{f"{hw}{name}": [pointer, pointer, number] for name in ("access", "format")},
        f"{hw}channels": [pointer, pointer, ctypes.c_uint],
        "snd_pcm_hw_params_get_channels_max": [pointer, pointer],
        f"{hw}rate": [pointer, pointer, ctypes.c_uint, number],
        f"{hw}period_size_near": [pointer, pointer, pointer, pointer],
        f"{hw}buffer_size_near": [pointer, pointer, pointer],
        **{f"snd_pcm_{name}": [pointer, pointer] for name in ("hw_params_any", "hw_params", "sw_params", "delay")},
        **{f"snd_pcm_{name}": [pointer] for name in ("prepare", "start", "state", "avail")},
        **{f"{sw}set_{name}": [pointer, pointer, count] for name in ("start_threshold", "stop_threshold")},
        f"{sw}set_silence_size": [pointer, pointer, count],
        **{f"{sw}{name}": [pointer, pointer] for name in ("current", "get_boundary")},
        **{f"snd_pcm_{name}": [pointer, count] for name in ("rewind", "forward")},
        **{f"snd_pcm_{name}": [pointer, pointer, count] for name in ("writei", "readi")},
        **{f"snd_pcm_{kind}_params_{name}": [pointer] for kind in ("hw", "sw") for name in ("malloc", "free")},
        "snd_pcm_dump": [pointer, pointer],
        "snd_output_buffer_string": [pointer, pointer],
        **{f"snd_output_{name}": [pointer] for name in ("buffer_open", "close")},
    }
    for name, arguments in signatures.items():
        function = getattr(library, name)
        function.argtypes = arguments
        is_count = name.endswith(("_avail", "rewind", "forward", "writei", "readi"))
        function.restype = None if name.endswith("_free") else ctypes.c_long if is_count else number
    library.snd_output_buffer_string.restype = ctypes.c_size_t
    return library
