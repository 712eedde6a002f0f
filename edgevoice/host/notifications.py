"""Notifications: messages to systemd by its own library, which is called only while its socket takes them at once.

``sd_notify`` waits for a manager that does not read, and holds the interpreter's lock meanwhile: nothing of the box
would run, not even in another thread.
"""

import logging
import os
import select
import socket
import threading
from functools import cache
from typing import Final

try:
    from systemd import daemon
except ImportError:
    # It is built against systemd's headers, which a PC that only tries out the box may not have.
    daemon = None

from edgevoice import threads
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_LOOK_AGAIN_MS: Final = 1000
"""How long a thread waits for the socket without looking whether it is still the same."""


class Notifications:
    """Sends to ``NOTIFY_SOCKET``, in order; does nothing without one. Create one for a process.

    While the manager does not read, the newest message of each kind waits, for a thread to send it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, str] = {}

    def send(self, message: str) -> bool:
        """Send a message, or let it wait; never block. Return whether it was sent."""
        if "NOTIFY_SOCKET" not in os.environ:
            return True
        if daemon is None:
            _say_what_is_missing()
            return True
        with self._lock:
            if not self._waiting and _takes_more(timeout_ms=0):
                _notify(message)
                return True
            is_first = not self._waiting
            kind = message.partition("=")[0]
            # The last of its kind is what holds, and comes after what was sent before it.
            self._waiting.pop(kind, None)
            self._waiting[kind] = message
        if is_first:
            problem = "the service manager does not read notifications; the box goes on, and sends the newest later"
            tell(_log, logging.WARNING, "service-manager-deaf", message=kind, problem=problem)
            threads.start(self._send_waiting, name="notifications")
        return False

    def _send_waiting(self) -> None:
        while True:
            if not _takes_more(_LOOK_AGAIN_MS):
                continue
            with self._lock:
                _notify(self._waiting.pop(next(iter(self._waiting))))
                if not self._waiting:
                    return


def _takes_more(timeout_ms: int) -> bool:
    """Return whether the manager's queue has space for a message within that time, or cannot be asked."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as asking:
        try:
            # Only of a connected socket does the kernel say whether its peer's queue is full.
            asking.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        except OSError:
            return True  # sending will say what is wrong
        poll = select.poll()
        poll.register(asking, select.POLLOUT)
        return bool(poll.poll(timeout_ms))


def _notify(message: str) -> None:
    """Send to ``NOTIFY_SOCKET``; a socket that refuses, as while systemd re-executes, must not end the box."""
    try:
        daemon.notify(message)
    except OSError as error:
        tell(_log, logging.WARNING, "service-manager-deaf", message=message.partition("=")[0], problem=str(error))


@cache
def _say_what_is_missing() -> None:
    """Log once that systemd expects notifications which cannot be sent."""
    problem = (
        "the package systemd-python is missing, so systemd receives no notifications: pip install 'edgevoice[systemd]'"
    )
    tell(_log, logging.WARNING, "service-manager-deaf", problem=problem)
