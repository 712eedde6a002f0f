"""Where the page listens: on the sockets that systemd holds for it, else on its own."""

import os
import socket
from collections.abc import Mapping
from typing import Final

from edgevoice.errors import EdgevoiceError

_FIRST: Final = 3
"""The number of the first descriptor that systemd passes: sd_listen_fds(3)."""

_WAITING: Final = 16


class PageUnavailable(EdgevoiceError, OSError):
    """The page cannot be served, or not be switched on."""

    code = "page-unavailable"
    remedy = "Choose another page.port; `ss -ltnp` shows which program has this one."


def given_sockets(environment: Mapping[str, str]) -> list[socket.socket]:
    """Return the sockets that systemd has opened for this process, none if it was started otherwise."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(environment.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=number) for number in range(_FIRST, _FIRST + count)]


def open_sockets(port: int, *, lan: bool) -> list[socket.socket]:
    """Return sockets that listen on ``port``: on this machine's own address, with ``lan`` on all of them.

    Raises ``PageUnavailable``.
    """
    addresses = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")] if lan else []  # noqa: S104 - the owner's choice
    addresses = addresses or [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    opened: list[socket.socket] = []
    problem: OSError | None = None
    for family, address in addresses:
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((address, port))
            listening.listen(_WAITING)
        except OSError as error:
            # A machine without IPv6 is served by IPv4 alone.
            listening.close()
            problem = problem or error
            continue
        opened.append(listening)
        port = port or listening.getsockname()[1]
    if not opened:
        raise PageUnavailable(f"the page cannot listen on port {port}: {problem.strerror if problem else ''}")
    return opened
