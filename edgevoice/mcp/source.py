"""The tools of MCP servers, as they are at this moment; ``ToolSource`` of `tools.tool`. Imports no SDK."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgevoice.journal import tell
from edgevoice.mcp.definitions import offered_name
from edgevoice.mcp.process import McpProcess
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.wire import Lost, Offered, OfferedTool
from edgevoice.tools.tool import ToolContext, ToolDefinition, decode_arguments

_log = logging.getLogger(__name__)


class ServerTool:
    """A tool of a server; ``Tool`` of `tools.tool`. Whether the arguments fit is for the server to say."""

    def __init__(self, server: str, definition: ToolDefinition, process: McpProcess) -> None:
        self._server = server
        self._process = process
        self.definition = definition

    def check(self, arguments: str) -> dict[str, Any]:
        """Return the arguments, parsed from JSON text; raises ``ToolRefused`` for anything but an object."""
        return decode_arguments(arguments)

    def call(self, arguments: dict[str, Any], context: ToolContext) -> Awaitable[Any]:  # noqa: ARG002 - by cancelling
        """Begin the call; whoever cancels it cancels it at the server."""
        return self._process.call(self._server, self.definition.name, arguments)


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is known of a server: the names of its tools and what is to be said of them, or why it cannot be reached."""

    tools: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    problem: str = ""


class McpSource:
    """``ToolSource`` of all servers; their tools come and go while `run` runs.

    ``problems`` are servers that cannot be tried at all, by name, with the reason: a secret is missing.
    """

    name = "mcp"

    def __init__(
        self,
        servers: Mapping[str, McpServer],
        *,
        problems: Mapping[str, str] | None = None,
        process: Callable[[Mapping[str, McpServer], "McpSource"], McpProcess] = McpProcess,
    ) -> None:
        self._process = process(servers, self)
        self._servers = servers
        self._problems = dict(problems or {})
        self._tools: dict[str, tuple[ServerTool, ...]] = dict.fromkeys(servers, ())
        self._states: dict[str, ServerState] = {
            name: ServerState(problem=each) for name, each in self._problems.items()
        }
        self._changed: list[Callable[[], None]] = []
        self._known = asyncio.Event()

    @property
    def states(self) -> Mapping[str, ServerState]:
        """What is known so far, by the server's name."""
        return self._states

    @property
    def process(self) -> McpProcess:
        """The child process."""
        return self._process

    def tools(self) -> Sequence[ServerTool]:
        """Return the tools of all servers that can be reached, in the order of the settings."""
        return [tool for tools in self._tools.values() for tool in tools]

    def may_offer(self, name: str) -> bool:
        """Return whether a tool of that name would belong to one of the servers."""
        return name.partition("__")[0] in {*self._servers, *self._problems}

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change in what the servers offer."""
        self._changed.append(changed)

    async def run(self) -> None:
        """Keep in touch with the servers until cancelled; return at once if none can be tried."""
        self._states = {name: ServerState(problem=each) for name, each in self._problems.items()}
        self._tools = dict.fromkeys(self._servers, ())
        for name, problem in self._problems.items():
            tell(_log, logging.ERROR, "mcp-server-unusable", server=name, problem=problem)
        if self._servers:
            await self._process.run()

    def retry(self) -> None:
        """Try at once to reach the servers that could not be reached."""
        self._process.retry()

    async def known(self, limit_s: float) -> None:
        """Wait until each server has offered its tools or could not be reached, for ``limit_s`` seconds at most."""
        try:
            async with asyncio.timeout(limit_s):
                while not self._servers.keys() <= self._states.keys():
                    self._known.clear()
                    await self._known.wait()
        except TimeoutError:
            return

    # --- what the process reports -------------------------------------------------------------------------------------

    def offered(self, server: str, message: Offered) -> None:
        """Take all tools of a server that is connected."""
        kept = {tool.definition.name: tool for tool in self._tools[server]}
        names = tuple(each.name for each in message.tools)
        state = ServerState(names, message.remarks)
        if self._states.get(server) != state:
            tell(_log, logging.INFO, "mcp-server-ready", server=server, tools=len(names))
            for remark in message.remarks:
                tell(_log, logging.WARNING, "mcp-tool-left-out", server=server, problem=remark)
        self._states[server] = state
        definitions = [_definition(server, self._servers[server], each) for each in message.tools]
        self._set(
            server,
            tuple(
                kept[each.name]
                if each.name in kept and kept[each.name].definition == each
                else ServerTool(server, each, self._process)
                for each in definitions
            ),
        )

    def lost(self, server: str, message: Lost) -> None:
        """Note that a server cannot be reached; its tools go away unless it is likely to be back at once."""
        known = self._states.get(server)
        if known is None or known.problem != message.problem:
            # A server that stays away is tried for ever, and logged once.
            tell(
                _log,
                logging.WARNING,
                "mcp-server-lost",
                server=server,
                again_s=round(message.again_s, 1),
                problem=message.problem,
            )
        self._states[server] = ServerState(problem=message.problem)
        if message.is_gone:
            self._set(server, ())
        self._known.set()

    def _set(self, server: str, tools: tuple[ServerTool, ...]) -> None:
        before, self._tools[server] = self._tools[server], tools
        self._known.set()
        if before != tools:
            for changed in self._changed:
                changed()


def _definition(name: str, server: McpServer, offered: OfferedTool) -> ToolDefinition:
    asks = {offered_name(name, each) for each in server.requires_approval}
    return ToolDefinition(
        offered.name, offered.description, offered.parameters, offered.name in asks, timeout_s=server.timeout_s
    )
