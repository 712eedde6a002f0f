"""Link: one WebSocket to the service. Dials, configures, sends in order, receives, and reports its end once."""

import asyncio
import importlib
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgevoice import threads
from edgevoice.core.facts import FAILURES, LinkLost, SessionExpires
from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import NAMELESS, WRITTEN, Arrival, Downlink, status_of
from edgevoice.core.protocol.history import History
from edgevoice.core.protocol.progress import Progress
from edgevoice.core.protocol.turn_transcripts import TurnTranscripts
from edgevoice.errors import LinkError, ServiceUnreachable
from edgevoice.journal import tell
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.frames import within_limits
from edgevoice.realtime.redaction import Redactor, secrets_in
from edgevoice.realtime.tcp import has_unsent, let_go

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from edgevoice.realtime.incoming import Incoming

_log = logging.getLogger(__name__)

# The library's debug lines contain the key and every word of a session: they must reach no log, whatever its level.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.INFO)

_DIALLING = "edgevoice.realtime.dial"
"""What dials, and the libraries under it: loaded at the first dial."""

_MOST_WAITING = 1000
"""Frames that may wait to be sent: more than 40 s of audio. A slower network is unusable."""

_MOST_LATE = 100
"""Changes of a session that may be made while it is opened."""

_CLOSE_S = 1.0
"""How long the other side may take for the closing handshake."""

_OPTIONS: Mapping[str, Any] = {
    "max_size": wire.LARGEST_AUDIO_FRAME,  # the library's own limit is 1 MiB
    "max_queue": 1,  # frames; the library's own limit of 16 is a quarter of a gigabyte of such frames
    "compression": None,  # audio in base64 does not compress: it would cost CPU and save nothing
    "open_timeout": None,  # `connect_s` is for all of it
    "close_timeout": 2 * _CLOSE_S,  # longer than `_close` waits, which cleans up better
    "ping_interval": None,  # see `outgoing.ping`
    "user_agent_header": None,
    "logger": _library_log,
}


Said = tuple[Role, str]
"""Whose words, and the words."""


async def nothing_earlier() -> Sequence[Said]:
    """Return nothing: a conversation that knows of no earlier ones."""
    return ()


def _log_loss(error: LinkError) -> None:
    tell(_log, logging.WARNING, "link-lost", code=error.code, problem=error.line())


@dataclass(frozen=True, slots=True)
class _Limits:
    connect_s: float
    pong_s: float


class Link:
    """Implements ``ports.Service``: at most one session at a time.

    ``endpoint`` is called for each dial; ``session`` returns the configuration for a wake word. ``take`` receives what
    each frame means, in the loop's thread. ``connect_s`` limits the time from the dial until the session is configured,
    ``pong_s`` how long a ping may go unanswered. ``lost`` receives the error with which a session ends, before ``take``
    receives the fact; it logs the error. ``earlier`` returns what was said in earlier conversations, for each session
    to know.
    """

    def __init__(
        self,
        endpoint: Callable[[], Endpoint],
        session: Callable[[str], dict[str, Any]],
        take: Callable[[list[Arrival]], None],
        *,
        connect_s: float,
        pong_s: float = 10.0,
        lost: Callable[[LinkError], None] = _log_loss,
        earlier: Callable[[], Awaitable[Sequence[Said]]] = nothing_earlier,
    ) -> None:
        self._endpoint = endpoint
        self._session = session
        self._take = take
        self._limits = _Limits(connect_s, pong_s)
        self._lost = lost
        self._earlier = earlier
        self._history = History()
        self._task: asyncio.Task[None] | None = None
        self._outbox: asyncio.Queue[bytes] | None = None
        self._late: list[bytes] = []
        self._failures: asyncio.Queue[BaseException] = asyncio.Queue()
        self._ending: set[asyncio.Task[None]] = set()

    # --- orders ------------------------------------------------------------------------------------------------------

    def open(self, word: str = "", *, resumes: bool = False) -> None:
        """Dial and configure a session for this wake word, and report the result.

        A session that ``resumes`` first receives what was said and answered in the previous one.
        """
        self.close()
        if not resumes:
            self._history.clear()
        self._task = asyncio.get_running_loop().create_task(self._live(word, resumes=resumes), name="link")
        self._task.add_done_callback(self._ended)

    def close(self) -> None:
        """Hang up; nothing more is reported from that session."""
        task, self._task, self._outbox = self._task, None, None
        if task is not None:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()

    def send_audio(self, pcm: bytes) -> None:
        """Send mono s16 samples at 24 kHz."""
        self._send(wire.append_audio(pcm))

    def truncate(self, item_id: str, content_index: int, heard_ms: int) -> None:
        """Report how much of an item was heard."""
        self._history.truncate(item_id, heard_ms)
        if not item_id.startswith(NAMELESS):
            self._send(wire.truncate_item(item_id, content_index, heard_ms))

    def delete(self, item_id: str) -> None:
        """Delete an item from the conversation."""
        self._history.delete(item_id)
        if not item_id.startswith(NAMELESS):
            self._send(wire.delete_item(item_id))

    def extend(self, item_id: str, heard_ms: int | None) -> None:
        """Report that more of an item was heard than reported before, or all of it if ``heard_ms`` is ``None``.

        A service cannot restore what it has truncated: the words are added as an item that follows it.
        """
        words, has_item = self._history.extend(item_id, heard_ms)
        if words:
            after = item_id if has_item and not item_id.startswith(NAMELESS) else ""
            self._send(wire.message(Role.ASSISTANT, words, after=after))

    def cancel(self, response_id: str) -> None:
        """Cancel an answer; one without an id is left to go on, because a bare order could cancel the next one."""
        if not response_id.startswith(NAMELESS):
            self._send(wire.cancel_response(response_id))

    def send_tool_output(self, call_id: str, output: str) -> None:
        """Send a tool's output."""
        self._send(wire.tool_output(call_id, output))

    def add_note(self, text: str) -> None:
        """Add a message that neither side has said."""
        self._send(wire.message("system", text))

    def create_response(self, *, may_call_tools: bool, instructions: str = "", name: str = "") -> None:
        """Ask for an answer; ``instructions`` stand for the session's own in this one answer.

        Some services repeat the ``name`` when they begin it.
        """
        self._send(wire.create_response(may_call_tools=may_call_tools, instructions=instructions, name=name))

    def send_text(self, text: str) -> TranscriptChanged:
        """Add what the user says in writing, and return it as a transcript; an answer has to be asked for."""
        said = TranscriptChanged(Role.USER, f"{WRITTEN} {time.monotonic_ns()}", text, is_final=True)
        self._history.take(said)
        self._send(wire.message(Role.USER, text))
        return said

    def update(self, changes: dict[str, Any]) -> None:
        """Change the session that is open or being opened; ``changes`` is a partial ``session`` object.

        The next one is asked for.
        """
        frame = wire.update_session({"type": "realtime", **changes})
        if self._outbox is None:
            self._late = [*self._late, frame][-_MOST_LATE:]
        self._send(frame)

    async def run(self) -> None:
        """Wait for a bug inside a session and raise it; hang up at the end."""
        try:
            raise await self._failures.get()
        finally:
            self.close()
            await asyncio.gather(*self._ending, return_exceptions=True)

    # --- one session -------------------------------------------------------------------------------------------------

    def _send(self, frame: bytes) -> None:
        if self._outbox is None:
            return  # no session: what was meant for the last one is of no use to the next
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            self._lose(ServiceUnreachable("the send queue is full (1000 frames): the network is too slow"))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failures.put_nowait(error)

    def _lose(self, error: LinkError) -> None:
        """Report the end of the current session, once."""
        self._lost(error)
        self.close()
        self._take([LinkLost(error.code, error.is_retriable)])

    async def _live(self, word: str, *, resumes: bool) -> None:
        try:
            with within_limits():
                await self._session_to_its_end(self._endpoint(), word, resumes=resumes)
        except LinkError as error:
            # Not kept in a local variable: a cancelled task keeps its traceback, and so itself, until the next
            # collection.
            if self._task is asyncio.current_task():
                self._lose(error)

    async def _session_to_its_end(self, endpoint: Endpoint, word: str, *, resumes: bool) -> None:
        if _DIALLING not in sys.modules:
            # In a thread: on a slow Pi it takes a third of a second, and the lights and the sound go on.
            await threads.run(lambda: importlib.import_module(_DIALLING), name="dialling")
        from websockets.exceptions import ConnectionClosed

        from edgevoice.realtime import refusal
        from edgevoice.realtime.dial import dial
        from edgevoice.realtime.incoming import Incoming
        from edgevoice.realtime.outgoing import ping, write

        downlink = Downlink(rewrites=endpoint.rewrites)
        earlier = await self._earlier()
        session, self._late = self._session(word), []
        hide = Redactor((*endpoint.secrets(), *secrets_in(session)))
        async with AsyncExitStack() as opened:
            try:
                async with asyncio.timeout(self._limits.connect_s):
                    await endpoint.prepare()
                    connection = await dial(endpoint, _OPTIONS)
                    # Not used as a context manager: on cancellation, it would close with an internal error (1011).
                    opened.push_async_callback(_close, connection)
                    incoming = Incoming(connection)
                    await connection.send(wire.update_session(session), text=True)
                    configured, expires_at = await self._configured(incoming, downlink, hide)
            except ConnectionClosed as error:
                raise refusal.dial_failure(error, endpoint.host, hide=hide) from error
            except TimeoutError:
                raise ServiceUnreachable(f"{_way(endpoint)} did not open the session") from None
            outbox: asyncio.Queue[bytes] = asyncio.Queue(_MOST_WAITING)
            for frame in self._late:
                outbox.put_nowait(frame)
            for role, text in (*earlier, *(self._history.begin_again() if resumes else ())):
                outbox.put_nowait(wire.message(role, text))
            self._outbox = outbox
            self._take([*downlink.take(configured), *_expiry(expires_at)])
            pinging = ping(connection, endpoint.host, self._limits.pong_s)
            await _beside(self._read(incoming, downlink, hide), pinging, write(connection, outbox))

    @staticmethod
    async def _configured(
        incoming: "Incoming", downlink: Downlink, hide: Redactor
    ) -> tuple[wire.SessionUpdated, float | None]:
        """Wait until the configuration is in force; return that event, and when the session expires.

        The time is in seconds since 1970. An ``error`` event before that ends the dial.
        """
        from edgevoice.realtime import refusal

        expires_at: float | None = None
        while True:
            event = await incoming.next()
            match event:
                case wire.SessionUpdated():
                    return event, event.expires_at or expires_at
                case wire.SessionCreated():
                    expires_at = event.expires_at
                case wire.ServiceError():
                    param = event.error.param if event.error else None
                    raise refusal.setup_refused(event.codes, event.text, param, hide)
                case _:
                    downlink.take(event)

    async def _read(self, incoming: "Incoming", downlink: Downlink, hide: Redactor) -> None:
        from websockets.exceptions import ConnectionClosed

        from edgevoice.realtime import refusal

        progress, transcripts = Progress(), TurnTranscripts()
        try:
            # Waiting frames are read without a pause in which a hang-up could take effect: what one of them means may
            # end this session.
            while self._task is asyncio.current_task():
                event = await incoming.next()
                _look_for_complaint(event, hide)
                self._history.order(event)
                arrivals = downlink.take(event)
                if isinstance(event, wire.SessionUpdated):
                    arrivals += _expiry(event.expires_at)
                for arrival in arrivals:
                    self._history.take(arrival)
                arrivals += transcripts.take(event)
                self._take([*arrivals, *progress.take(event, asyncio.get_running_loop().time())])
        except ConnectionClosed as error:
            raise refusal.closed(error, hide) from error


def _expiry(expires_at: float | None) -> list[Arrival]:
    """Return how long the session still lasts: the service says until when, by a clock that may differ from ours."""
    return [] if expires_at is None else [SessionExpires(expires_at - time.time())]


def _look_for_complaint(event: wire.ServerEvent, hide: Redactor) -> None:
    """Log what the service complains about, in any event; raise what the session does not survive."""
    match event:
        case wire.ServiceError():
            complaint = event.error or wire.ErrorBody(message=event.text)
            code = event.code
        case wire.ResponseDone(response=response) if status_of(response.status) in FAILURES:
            complaint = response.trouble()
            code = complaint.code or complaint.type or response.status or ""
        case _:
            return
    from edgevoice.realtime import refusal

    problem = refusal.passing(complaint.codes)
    why = {"param": refusal.plain(complaint.param, hide)} if complaint.param else {}
    if problem is not None:
        why["problem"] = problem.line()
    tell(_log, logging.WARNING, "service-complains", code=refusal.plain(code, hide), **why)
    if (end := refusal.fatal(complaint.codes, complaint.message or "", hide)) is not None:
        raise end


def _way(endpoint: Endpoint) -> str:
    return f"{endpoint.host} through the proxy {endpoint.proxy}" if endpoint.proxy else endpoint.host


async def _close(connection: "ClientConnection") -> None:
    """Close the session properly; if the other side does not read what was sent, drop that and the connection.

    The light is off: what was said before must not reach a service that reads it later.
    """
    if has_unsent(connection.transport):
        let_go(connection.transport)
    try:
        async with asyncio.timeout(_CLOSE_S):
            await connection.close()
    except TimeoutError:
        let_go(connection.transport)


async def _beside(reader: Coroutine[Any, Any, None], *works: Coroutine[Any, Any, None]) -> None:
    """Run the reader to its end and the others beside it; if one of them broke the link, raise its error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        # Not a task of its own: after a hang-up it must not read one more frame.
        await reader
    except LinkError:
        for task in tasks:
            if task.done():
                task.result()
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
