"""The socket's file and who may use it: its owner, root, and the members of its group."""

import os
import socket
import struct
from pathlib import Path
from typing import Final

from edgevoice.errors import ControlUnavailable

_SO_PEERGROUPS: Final = 59
"""<asm-generic/socket.h>; Python has no name for it."""

_CREDENTIALS: Final = struct.Struct("3i")
_MOST_GROUPS_BYTES: Final = 1024
"""The most that Python's getsockopt takes, enough for 256 groups; asked for more, it refuses."""

_WAITING: Final = 16


def open_socket(place: Path, *, group: int | None) -> socket.socket:
    """Return a socket that listens at ``place``: for its owner alone, or for the members of a group, too.

    A socket that a box left there when it was killed is replaced. Raises ``ControlUnavailable``.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(place)
        # Nobody can connect before `listen`, so nobody profits from the mode in between.
        listening.bind(str(place))
        # A new file has our own group already, and the unit's filter refuses every chown.
        if group is not None and place.stat().st_gid != group:
            os.chown(place, -1, group)
        place.chmod(0o600 if group is None else 0o660)
        listening.listen(_WAITING)
    except OSError as error:
        listening.close()
        if isinstance(error, ControlUnavailable):
            raise
        raise ControlUnavailable(
            f"the control socket {place} cannot be opened: {error.strerror or error}",
            remedy="Look at the folder: it must be writable by the user that runs the box.",
        ) from error
    return listening


def _remove_abandoned(place: Path) -> None:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as asking:
            asking.connect(str(place))
    except FileNotFoundError:
        return
    except ConnectionRefusedError:
        place.unlink(missing_ok=True)
        return
    except BlockingIOError:
        pass  # somebody listens, and has much to do
    raise ControlUnavailable(
        f"another box of this user has the control socket {place}", remedy="Stop the other one, or ignore this."
    )


def is_welcome(connected: socket.socket, *, group: int | None) -> bool:
    """Return whether the process at the other end belongs to root, to our own user, or to the group.

    The file's mode says the same; this holds even where the folder was opened to others by mistake.
    """
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, primary = _CREDENTIALS.unpack(credentials)
    if user in {0, os.geteuid()}:
        return True
    return group is not None and (group == primary or group in _groups(connected))


def _groups(connected: socket.socket) -> tuple[int, ...]:
    try:
        found = connected.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS_BYTES)
    except OSError:
        return ()
    return tuple(number for (number,) in struct.iter_unpack("I", found))
