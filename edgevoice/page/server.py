"""The page's server: documents, the cookie and one WebSocket for each browser, by the HTTP of ``websockets``."""

import asyncio
import contextlib
import http
import logging
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edgevoice.journal import tell
from edgevoice.page import guard
from edgevoice.page.document import NOTHING, document
from edgevoice.page.session import Means, Session
from edgevoice.page.viewer import Viewer

_log = logging.getLogger(__name__)

LARGEST_FRAME_BYTES: Final = 65_536
MOST_CONNECTIONS: Final = 32
MOST_UNPAIRED: Final = 8
_LOOK_S: Final = 5.0
"""How often a browser that is connected is checked for a pairing that has ended."""

_SEND_BUFFER_BYTES: Final = 65_536
_LAPSED_CODE: Final = 4401


@dataclass(frozen=True, slots=True)
class Access:
    """Who may open the page: ``names`` of this machine, other machines with ``lan``, and for how long with ``days``."""

    names: Collection[str]
    lan: bool
    days: int


class PageServer:
    """Serves the page on sockets that listen already; ``used_at`` is when it was last of use, in the loop's seconds."""

    def __init__(self, means: Means, access: Access) -> None:
        self._means = means
        self._access = access
        self._document = document()
        self._sessions = 0
        self._unpaired = 0
        self.used_at = asyncio.get_running_loop().time()

    async def run(self, sockets: Sequence[socket.socket], *, idle_s: float | None) -> None:
        """Serve until cancelled, or until nobody has used the page for ``idle_s`` seconds."""
        async with contextlib.AsyncExitStack() as opened:
            for each in sockets:
                await opened.enter_async_context(self._serve(each))
            if idle_s is None:
                await asyncio.get_running_loop().create_future()
            while idle_s is not None and (left_s := self._idle_left_s(idle_s)) > 0:  # noqa: ASYNC110 - requests move it
                await asyncio.sleep(left_s)

    def _serve(self, listening: socket.socket) -> Any:
        return serve(
            self._live,
            sock=listening,
            process_request=self._process,
            compression=None,
            server_header=None,
            max_size=LARGEST_FRAME_BYTES,
            max_queue=4,
            write_limit=_SEND_BUFFER_BYTES,
            open_timeout=5,
            ping_interval=20,
            ping_timeout=20,
            close_timeout=2,
        )

    def _idle_left_s(self, idle_s: float) -> float:
        now = asyncio.get_running_loop().time()
        if self._sessions:
            self.used_at = now
        return self.used_at + idle_s - now

    # --- HTTP ---------------------------------------------------------------------------------------------------------

    def _process(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer a request; ``None`` lets a WebSocket of ours begin."""
        self.used_at = asyncio.get_running_loop().time()
        peer = str(connection.remote_address[0]) if connection.remote_address else ""
        if not self._access.lan and not guard.is_of_this_machine(peer):
            return _plain(403, "This page is for this machine alone. Its owner can set page.lan = true.")
        try:
            host = request.headers.get("Host")
            cookie = guard.cookie_in(request.headers.get("Cookie"))
            origin = request.headers.get("Origin")
            agent = request.headers.get("User-Agent", "")
        except LookupError:  # a header twice
            return _plain(400, "A header stands there twice.")
        if not guard.is_our_host(host, self._access.names):
            return _plain(421, "This is another machine's name. Use this one's, its address, or add it to page.names.")
        match request.path:
            case "/":
                return _response(200, self._document.content, self._document.policy, "text/html; charset=utf-8")
            case "/enter":
                return self._enter(request.headers.get("X-Edgevoice-Ticket", ""), agent)
            case "/leave" if request.headers.get("X-Edgevoice-Ticket") == "leave":
                return _with_cookie(guard.cookie_to_set("", 0))
            case "/live":
                return self._admit(origin, host, cookie)
            case _:
                return _plain(404, "There is nothing here.")

    def _enter(self, ticket: str, agent: str) -> Response:
        # Another site cannot set this header: its browser would ask first, and be refused.
        if not self._means.tickets.redeem(ticket):
            return _plain(403, "This ticket is not valid, or not any longer.")
        cookie = self._means.pairings.add(agent)
        tell(_log, logging.INFO, "browser-paired")
        return _with_cookie(guard.cookie_to_set(cookie, self._access.days))

    def _admit(self, origin: str | None, host: str | None, cookie: str) -> Response | None:
        if not guard.is_our_origin(origin, host):
            tell(_log, logging.WARNING, "page-refused", problem="a page of another site has tried to connect")
            return _plain(403, "Only this page may connect.")
        is_paired = bool(cookie) and self._means.pairings.find(cookie) is not None
        if self._sessions >= MOST_CONNECTIONS or (not is_paired and self._unpaired >= MOST_UNPAIRED):
            return _plain(503, "Too many browsers are connected.")
        return None

    # --- the WebSocket ------------------------------------------------------------------------------------------------

    async def _live(self, connection: ServerConnection) -> None:
        cookie = guard.cookie_in(connection.request.headers.get("Cookie") if connection.request else None)
        viewer = Viewer(_Sent(connection))
        session = Session(self._means, viewer, cookie)
        is_paired = session.is_paired
        self._sessions += 1
        self._unpaired += not is_paired
        sending = asyncio.ensure_future(viewer.run())
        watching = asyncio.ensure_future(self._watch_pairing(connection, session, viewer, is_paired=is_paired))
        answering: set[asyncio.Task[None]] = set()
        try:
            state = "paired" if is_paired else "lapsed" if cookie else "unpaired"
            viewer.send_fields(event="page", state=state)
            if is_paired:
                self._means.link.add(viewer)
            async for message in connection:
                # Side by side: a doctor that takes its time must not keep the stop button waiting.
                task = asyncio.ensure_future(session.answer(message))
                answering.add(task)
                task.add_done_callback(answering.discard)
        except ConnectionClosed:
            pass  # it left without a goodbye, or sent too much
        finally:
            self._means.link.remove(viewer)
            self._sessions -= 1
            self._unpaired -= not is_paired
            for each in (sending, watching, *answering):
                each.cancel()
            await asyncio.gather(sending, watching, *answering, return_exceptions=True)
            await session.close()

    async def _watch_pairing(
        self, connection: ServerConnection, session: Session, viewer: Viewer, *, is_paired: bool
    ) -> None:
        """End the connection of a browser whose pairing was revoked, or has expired."""
        while is_paired and session.is_paired:  # noqa: ASYNC110 - another process revokes, in a file
            await asyncio.sleep(_LOOK_S)
        if is_paired:
            self._means.link.remove(viewer)
            await connection.close(_LAPSED_CODE, "the pairing has ended")


class _Sent:
    """A connection as a viewer uses it."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        # A browser that stops reading is noticed when this is full, not when the kernel's 2.5 MB are.
        if (own := connection.transport.get_extra_info("socket")) is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)

    async def send(self, message: str) -> None:
        await self._connection.send(message)

    def drop(self) -> None:
        tell(_log, logging.WARNING, "viewer-dropped", problem="a browser did not read what it was sent")
        self._connection.transport.abort()


def _response(status: int, content: bytes, policy: str, kind: str) -> Response:
    headers = Headers(guard.headers_for(policy))
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(content))
    headers["Connection"] = "close"
    return Response(status, http.HTTPStatus(status).phrase, headers, content)


def _plain(status: int, text: str) -> Response:
    return _response(status, f"{text}\n".encode(), NOTHING, "text/plain; charset=utf-8")


def _with_cookie(value: str) -> Response:
    response = _response(200, b"", NOTHING, "text/plain; charset=utf-8")
    response.headers["Set-Cookie"] = value
    return response
