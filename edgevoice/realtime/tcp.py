"""TCP: connects to whichever address answers, and drops a connection without sending another byte. No protocol."""

import array
import asyncio
import errno
import fcntl
import itertools
import socket
import struct
from collections.abc import Iterable
from typing import Any

NEXT_ADDRESS_S = 0.25
"""How long one address may delay the next: the value that RFC 8305, section 5, recommends."""

_SIOCOUTQNSD = 0x894B
"""Asks Linux how much of a TCP socket's queue has not been sent (linux/sockios.h), not counting data on the wire."""

_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}

_AddressInfo = tuple[int, int, int, str, Any]


async def open_tcp(host: str, port: int) -> socket.socket:
    """Return a socket connected to the first of the host's addresses that answers (RFC 8305).

    Each address gets a quarter of a second before the next one is tried in parallel, and IPv6 and IPv4 alternate: an
    address that swallows packets, or to which there is no route, costs no more than that. Raises ``OSError``, which
    includes ``socket.gaierror``; asyncio's own implementation leaks a socket when it is cancelled.
    """
    loop = asyncio.get_running_loop()
    waiting = _alternately(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    attempts: list[asyncio.Task[socket.socket]] = []
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while winner is None:
            if waiting:
                attempts.append(loop.create_task(_connect(waiting.pop(0))))
            running = [attempt for attempt in attempts if not attempt.done()]
            if running:
                limit_s = NEXT_ADDRESS_S if waiting else None
                await asyncio.wait(running, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            elif not waiting:
                raise _most_telling(attempts)
            winner = next((attempt for attempt in attempts if attempt.done() and attempt.exception() is None), None)
        return winner.result()
    finally:
        for attempt in attempts:
            if attempt is not winner:
                attempt.cancel()
                attempt.add_done_callback(_close_unwanted)


def _alternately(found: Iterable[_AddressInfo]) -> list[_AddressInfo]:
    """Return the resolver's addresses in its order, but alternating between IPv6 and IPv4."""
    families: dict[int, list[_AddressInfo]] = {}
    for info in found:
        families.setdefault(info[0], []).append(info)
    turns = itertools.zip_longest(*families.values())
    return [info for turn in turns for info in turn if info is not None]


async def _connect(info: _AddressInfo) -> socket.socket:
    family, kind, protocol, _, address = info
    connected = socket.socket(family, kind, protocol)
    try:
        connected.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connected, address)
    except BaseException:
        connected.close()
        raise
    return connected


def _close_unwanted(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


def _most_telling(attempts: Iterable[asyncio.Task[socket.socket]]) -> BaseException:
    """Return the failure of an address that has a route, if any: that IPv6 fails on a box without IPv6 says nothing."""
    failures = [failure for attempt in attempts if (failure := attempt.exception()) is not None]
    return min(failures, key=lambda failure: isinstance(failure, OSError) and failure.errno in _NO_WAY)


# --- the end ---------------------------------------------------------------------------------------------------------


def has_unsent(transport: asyncio.Transport) -> bool:
    """Return whether something that was written has not left this machine yet."""
    if transport.get_write_buffer_size() > 0:
        return True
    connected = transport.get_extra_info("socket")
    if connected.fileno() < 0 or connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return False  # closed, or between two processes of one machine, where written data has arrived
    waiting = array.array("i", [0])
    fcntl.ioctl(connected.fileno(), _SIOCOUTQNSD, waiting)
    return waiting[0] > 0


def let_go(transport: asyncio.Transport) -> None:
    """Close a connection with a reset, so that nothing more leaves, not even what the kernel has queued."""
    connected = transport.get_extra_info("socket")
    if connected.fileno() >= 0:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
