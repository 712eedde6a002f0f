"""A connection to one server while the child runs: made, watched, and made again after growing delays."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import httpx2
import msgspec
from mcp import Client, MCPError
from mcp.client._transport import TransportStreams
from mcp.client.session import IncomingMessage
from mcp_types import CONNECTION_CLOSED, CallToolResult, Implementation, TextContent, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from edgevoice.core.backoff import Backoff
from edgevoice.core.printable import one_line
from edgevoice.mcp.child.http import http_transport
from edgevoice.mcp.child.sieve import Sieve
from edgevoice.mcp.child.stdio import stdio_transport
from edgevoice.mcp.child.traffic import TOO_LONG, Flooded, Traffic
from edgevoice.mcp.definitions import AnnouncedTool, Catalogue, catalogue_of
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.wire import RESULT_LIMIT_BYTES, Lost, Offered, Started, ToProgram

START_LIMIT_S: Final = 90.0
"""How long a server may take until its tools are known: `npx` and `uvx` may download it first, and on a Zero 2 W a
server that is made with the SDK loads for some 25 s.
"""

_ANSWER_LIMIT_S: Final = 30.0
"""How long it may take to list its tools once it is connected: less than a second, but on a busy machine this process
waits until the sound has been served.
"""

_AGAIN: Final = Backoff(first_s=1, factor=2, limit_s=300)
_SETTLED_S: Final = 60.0
"""A connection that has lasted that long has recovered: the delays begin anew."""

_CLOSED: Final = (CONNECTION_CLOSED, "Connection closed")
"""The SDK's own error for a connection that has ended. Many servers use its code, -32000, for any error of theirs."""

_BETWEEN_LISTS_S: Final = 1.0
_MOST_PAGES: Final = 20
_LONGEST_PROBLEM: Final = 200


class CallRefused(Exception):
    """A call has no result; the text is one line for the model."""


class ServerConnection:
    """One server. ``report`` receives what the program is to know of it."""

    def __init__(self, name: str, server: McpServer, report: Callable[[ToProgram], None]) -> None:
        self._name = name
        self._server = server
        self._report = report
        self._client: Client | None = None
        self._sieve = Sieve()
        self._catalogue = Catalogue((), {}, ())
        self._is_gone = False
        self._turned = asyncio.Event()
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Connect, and again after each loss, until cancelled."""
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            began = loop.time()
            problem, was_ready = await self._once()
            attempt = 0 if loop.time() - began > _SETTLED_S else attempt
            again_s = _AGAIN.delay_s(attempt, random.random)
            # A server that worked until now is given one try before its tools are withdrawn.
            self._is_gone = attempt > 0 or not was_ready
            if self._is_gone:
                self._catalogue = Catalogue((), {}, ())
            self._report(Lost(self._name, problem, again_s, self._is_gone))
            self._turn()
            attempt += 1
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), again_s)

    def retry(self) -> None:
        """End the delay before the next try."""
        self._wanted.set()

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> msgspec.Raw:
        """Return what a tool returns, as JSON; raises ``CallRefused``.

        Waits while a server that worked until now is being restarted. A call that the server's end interrupts is not
        repeated: it may have had its effect.
        """
        while (client := self._client) is None:
            if self._is_gone or not self._catalogue.own_names:
                raise CallRefused(f"the server {self._name} cannot be reached; try again later")
            await self._turned.wait()
        own_name = self._catalogue.own_names.get(tool)
        if own_name is None:
            raise CallRefused(f"the server {self._name} no longer has this tool")
        calling = asyncio.ensure_future(client.call_tool(own_name, dict(arguments)))
        ending = asyncio.ensure_future(self._turned.wait())
        try:
            await asyncio.wait({calling, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not calling.done():
                raise CallRefused(self._ended_meanwhile)
            return _result_of(calling.result())
        except (MCPError, ValueError, RuntimeError, httpx2.HTTPError) as error:
            # It may be gone: listing its tools shows that.
            self._changed.set()
            raise CallRefused(self._refusal(error)) from error
        except asyncio.CancelledError:
            if not calling.cancelled():
                # Its time is over; a server that hangs is found out in the same way.
                self._changed.set()
            raise
        finally:
            calling.cancel()
            ending.cancel()
            await asyncio.gather(calling, ending, return_exceptions=True)

    def _refusal(self, error: Exception) -> str:
        if TOO_LONG in str(error):
            return TOO_LONG
        if isinstance(error, MCPError) and (error.code, str(error)) != _CLOSED:
            return f"the server {self._name} refused the call: {error}"
        is_gone = isinstance(error, MCPError | httpx2.HTTPError)
        return self._ended_meanwhile if is_gone else f"the answer of the server {self._name} is not valid"

    @property
    def _ended_meanwhile(self) -> str:
        return f"the server {self._name} ended during the call"

    async def _once(self) -> tuple[str, bool]:
        """Connect, and stay connected; return what ended that, and whether the server was ready until then."""
        was_ready = False
        traffic = Traffic(asyncio.get_running_loop().time)
        try:
            async with asyncio.timeout(START_LIMIT_S) as limit, self._connected(traffic) as client:
                await self._list(client)
                limit.reschedule(None)
                # An older server refuses the newer protocol's first request; what ends the connection comes later.
                traffic.hint = ""
                self._client, self._is_gone, was_ready = client, False, True
                self._turn()
                await self._keep(client, traffic)
        except TimeoutError:
            problem = "it does not answer" if was_ready else f"it was not ready within {START_LIMIT_S:g} s"
        except Exception as error:  # noqa: BLE001 - what a server causes, in whichever library, ends its own connection
            problem = _problem(error, self._server)
        else:
            problem = ""
        finally:
            self._client = None
        return self._without_secrets(traffic.hint or problem or "the connection ended"), was_ready

    @asynccontextmanager
    async def _connected(self, traffic: Traffic) -> AsyncGenerator[Client]:
        async def heard(message: IncomingMessage) -> None:
            if isinstance(message, ToolListChangedNotification):
                self._changed.set()

        def started(group: int) -> None:
            self._report(Started(self._name, group))

        server = self._server
        transport = stdio_transport(server, traffic, started) if server.command else http_transport(server, traffic)
        about = Implementation(name="edgevoice", version=version("edgevoice"))
        sifted = self._sifted(transport)
        async with Client(sifted, message_handler=heard, cache=None, client_info=about) as client:
            self._sieve.version = client.protocol_version
            yield client

    @asynccontextmanager
    async def _sifted(
        self, transport: AbstractAsyncContextManager[TransportStreams]
    ) -> AsyncGenerator[TransportStreams]:
        self._sieve = Sieve()
        async with transport as (incoming, outgoing):
            yield self._sieve.over(incoming), outgoing

    async def _keep(self, client: Client, traffic: Traffic) -> None:
        """List the tools again whenever they may have changed, until the connection ends."""
        listening = asyncio.ensure_future(self._listen(client))
        ending = asyncio.ensure_future(traffic.ended.wait())
        try:
            while not ending.done():
                changing = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({ending, changing}, return_when=asyncio.FIRST_COMPLETED)
                changing.cancel()
                if not ending.done():
                    self._changed.clear()
                    async with asyncio.timeout(_ANSWER_LIMIT_S):
                        await self._list(client)
                    # However often it announces a change.
                    await asyncio.wait({ending}, timeout=_BETWEEN_LISTS_S)
        finally:
            for task in (listening, ending):
                task.cancel()
            await asyncio.gather(listening, ending, return_exceptions=True)

    async def _listen(self, client: Client) -> None:
        """Have a server of the newer protocol announce changes; the older one does so unasked."""
        tools = client.server_capabilities.tools
        if tools is None or not tools.list_changed or client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        for attempt in itertools.count():
            with contextlib.suppress(MCPError, RuntimeError, TimeoutError):
                async with client.listen(tools_list_changed=True) as changes:
                    async for _ in changes:
                        self._changed.set()
            # The stream has ended: so has the server, perhaps.
            await asyncio.sleep(_AGAIN.delay_s(attempt, random.random))
            self._changed.set()

    async def _list(self, client: Client) -> None:
        """Ask for the tools, and report them if they are others than before."""
        announced: list[AnnouncedTool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            announced += [AnnouncedTool(each.name, each.description or "", each.input_schema) for each in page.tools]
            announced += self._sieve.left_out()
            cursor = page.next_cursor
            if cursor is None:
                break
        catalogue = catalogue_of(self._name, announced, self._server.allow)
        if self._client is None or catalogue != self._catalogue:
            self._catalogue = catalogue
            self._report(Offered(self._name, catalogue.tools, catalogue.remarks))

    def _turn(self) -> None:
        """Wake whoever waits for the connection to begin or to end."""
        self._turned.set()
        self._turned = asyncio.Event()

    def _without_secrets(self, text: str) -> str:
        line = one_line(text)
        for secret in self._server.secrets():
            line = line.replace(secret, "(hidden)") if secret else line
        return line[:_LONGEST_PROBLEM]


def _result_of(result: CallToolResult) -> msgspec.Raw:
    """Return a result as JSON for the model: its data if there are any, else its text. Raises ``CallRefused``."""
    texts = [block.text if isinstance(block, TextContent) else f"({block.type})" for block in result.content]
    text = "\n".join(texts)
    if result.is_error:
        raise CallRefused(text or "the tool failed")
    data = result.structured_content if result.structured_content is not None else {"text": text}
    try:
        encoded = msgspec.json.encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CallRefused("the server's answer cannot be read") from error
    if len(encoded) > RESULT_LIMIT_BYTES:
        raise CallRefused(f"the answer is too long: {len(encoded)} bytes, at most {RESULT_LIMIT_BYTES}")
    return msgspec.Raw(encoded)


def _problem(error: BaseException, server: McpServer) -> str:
    """Return what ended a connection, in our words: of a server's own text, only the error of the protocol."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case FileNotFoundError():
            return f"there is no program {server.command}"
        case PermissionError():
            return f"{server.command} may not be run by this user"
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return "nothing answers at its address"
        case httpx2.HTTPError():
            return f"the connection failed: {type(error).__name__}"
        case MCPError():
            return f"it answered with an error: {error}"
        case Flooded():
            return str(error)
        case OSError(strerror=why):
            return f"it cannot be started: {why}"
        case _:
            return f"it does not speak the protocol ({type(error).__name__})"
