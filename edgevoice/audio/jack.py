"""Removes JACK's database before PortAudio starts, because the remains of a killed process can block it forever.

Debian's PortAudio asks for a JACK server whenever it starts, and so does ALSA's plugin for JACK. Before libjack looks
for a server it opens a Berkeley DB in shared memory, one for each user. A process that is killed at that moment leaves
the database locked, and every later process waits for the lock until the machine restarts.
"""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from edgevoice.store.folders import MEMORY

_PROCESSES = Path("/proc")


@contextlib.contextmanager
def without_left_database(folder: Path = MEMORY) -> Iterator[None]:
    """Remove this user's database from ``folder``, and let PortAudio start within this context.

    The database is kept if a JACK server runs, which alone has any use for it, or if some process has it open: a
    process that is just opening it would never return if it was removed meanwhile. So the caller must use a timeout.
    """
    path = folder / f"jack_db-{os.getuid()}"
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileExistsError):
                path.mkdir(0o770)
            # Any user may create that name, as a link or as a folder of their own: neither is touched.
            place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            opened.callback(os.close, place)
            if os.fstat(place).st_uid == os.getuid():
                _remove(place, path)
                fcntl.flock(place, fcntl.LOCK_SH)
        yield


def _remove(place: int, path: Path) -> None:
    """Remove the folder's content, unless another of our processes is inside `without_left_database`."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _server_runs(path.parent) and not _is_open(path):
            for file in path.iterdir():
                os.unlink(file.name, dir_fd=place)


def _server_runs(folder: Path) -> bool:
    """Whether anything listens on a JACK server's socket; a server that was killed leaves its socket behind."""
    for path in folder.glob("jack_*"):
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
                # Any other answer than these two comes from a server, including one with a full queue.
                asked.setblocking(False)
                if asked.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT):
                    return True
    return False


def _is_open(path: Path) -> bool:
    """Whether a process of this user has the database mapped; other users have a database of their own."""
    sought = os.fsencode(path) + b"/"
    for maps in _PROCESSES.glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            if sought in maps.read_bytes():
                return True
    return False
