"""MCP servers: connects to the owner's servers of tools once the box listens. Without one, nothing is loaded."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import with_secrets
from edgevoice.settings.mcp import McpServerSettings, McpSettings

if TYPE_CHECKING:
    from edgevoice.mcp.server import McpServer
    from edgevoice.mcp.source import McpSource


class McpServers(Observer):
    """Runs the servers' tools, its ``source``, beside the conversation.

    ``listening`` waits until the wake word is loaded: starting servers takes seconds of a core.
    """

    def __init__(self, source: "McpSource", listening: Callable[[], Awaitable[None]]) -> None:
        self._source = source
        self._listening = listening

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - at any time
        """Try at once to reach what cannot be reached when somebody begins to talk."""
        if notice == PhaseEntered(Phase.CONNECTING):
            self._source.retry()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Keep in touch with the servers."""
        await self._listening()
        await self._source.run()


def mcp_source(settings: McpSettings, environment: Mapping[str, str]) -> "McpSource | None":
    """Return the tools of the servers in the settings, ``None`` without a server; starts nothing.

    A server whose secret is not stored is left out, and the log says so once the rest runs.
    """
    if not settings.servers:
        return None
    # Loaded only if configured.
    from edgevoice.mcp.source import McpSource  # noqa: PLC0415

    servers: dict[str, McpServer] = {}
    problems: dict[str, str] = {}
    for name, each in settings.all_servers().items():
        try:
            servers[name] = server_of(each, environment)
        except SettingsInvalid as error:
            problems[name] = error.line()
    return McpSource(servers, problems=problems)


def server_of(settings: McpServerSettings, environment: Mapping[str, str]) -> "McpServer":
    """Return a server with its secrets; raises ``SettingsInvalid`` for one that is not stored."""
    from edgevoice.mcp.server import McpServer  # noqa: PLC0415

    return McpServer(
        command=settings.command or "",
        args=settings.args,
        env={name: with_secrets(value, environment) for name, value in settings.env.items()},
        url=settings.url or "",
        headers={name: with_secrets(value, environment) for name, value in settings.headers.items()},
        allow=settings.allow,
        requires_approval=settings.requires_approval,
        timeout_s=settings.timeout_s,
    )
