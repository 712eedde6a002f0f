"""Notifications: messages to systemd by the protocol of sd_notify(3), sent only if its socket takes them at once.

The function of that name waits for a manager that does not read, also one whose queue another service has filled since
it was asked, and holds the interpreter's lock meanwhile: nothing of the box would run, not even in another thread.
"""

import logging
import os
import select
import socket
import threading
from typing import Final

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
        with self._lock:
            if not self._waiting and _sent(message):
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
            _wait_for_space()
            with self._lock:
                kind = next(iter(self._waiting))
                if _sent(self._waiting[kind]):
                    del self._waiting[kind]
                if not self._waiting:
                    return


def _sent(message: str) -> bool:
    """Send to ``NOTIFY_SOCKET``; return whether its queue had space.

    A socket that refuses, as while systemd re-executes, must not end the box: the log says so, and the message is over.
    """
    try:
        with _connected() as connection:
            connection.send(message.encode())
    except BlockingIOError:
        return False
    except OSError as error:
        tell(_log, logging.WARNING, "service-manager-deaf", message=message.partition("=")[0], problem=str(error))
    return True


def _wait_for_space() -> None:
    """Wait until the manager's queue seems to have space, or for some time; whoever sends then sees whether it has."""
    try:
        with _connected() as connection:
            poll = select.poll()
            poll.register(connection, select.POLLOUT)
            poll.poll(_LOOK_AGAIN_MS)
    except OSError:
        return  # sending will say what is wrong


def _connected() -> socket.socket:
    """Return a socket to the manager, which never blocks. Raises ``OSError``."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        # Only of a connected socket does the kernel say whether its peer's queue is full.
        connection.connect(f"\0{address[1:]}" if address.startswith("@") else address)
    except OSError:
        connection.close()
        raise
    return connection
