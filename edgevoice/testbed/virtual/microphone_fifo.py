"""The FIFO by which a virtual microphone is given its sound. Holds 1 MiB: 32 s of one channel at 16 kHz."""

import contextlib
import fcntl
import os
import struct
import termios
from pathlib import Path
from typing import Final

from edgevoice.errors import EdgevoiceError

_FIFO_BYTES: Final = 1 << 20  # the most an unprivileged process may have: /proc/sys/fs/pipe-max-size
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class MicrophoneFull(EdgevoiceError, BlockingIOError):
    """The virtual microphone cannot hold that much; none of it was accepted."""

    code = "virtual-microphone-full"
    remedy = "Say it in smaller pieces, and wait until unheard_s has fallen."


class MicrophoneFifo:
    """A new FIFO at ``path``, until ``close``; making it raises ``OSError``."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path, mode=0o600)
        # Opened to read and write, although it is only written to: it then opens without a reader, and keeps unread
        # data.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(PermissionError):  # a user with many pipes keeps the usual 64 KiB: 2 s
            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, _FIFO_BYTES)
        self._last_page_bytes = 0

    def close(self) -> None:
        """Close it; what was not read is lost."""
        os.close(self._descriptor)

    @property
    def waiting_bytes(self) -> int:
        """Return how much has not been read yet."""
        count: int = struct.unpack("i", fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)))[0]
        return count

    def pour(self, raw: memoryview) -> None:
        """Write all of it, or nothing: ``MicrophoneFull`` if it does not fit."""
        waiting_bytes = self.waiting_bytes
        # The kernel counts in pages: the first may be half read, the last half written.
        room = fcntl.fcntl(self._descriptor, fcntl.F_GETPIPE_SZ) - 2 * _PAGE_BYTES - waiting_bytes
        if len(raw) > room:
            raise MicrophoneFull(f"the virtual microphone can hold {room} more bytes, not {len(raw)}")
        # It also begins a new page for a write that does not fit in the last one, so that small pieces would waste up
        # to half of the pipe; filled page by page, it holds its full size.
        if not waiting_bytes:
            self._last_page_bytes = 0
        while raw:
            written = os.write(self._descriptor, raw[: _PAGE_BYTES - self._last_page_bytes])
            self._last_page_bytes = (self._last_page_bytes + written) % _PAGE_BYTES
            raw = raw[written:]
