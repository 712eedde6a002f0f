"""The parts of an agent, connected as the box connects its own: engine, conversation, link and tools. Opens nothing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgevoice.agent.arguments import shown
from edgevoice.agent.mailbox import Mailbox
from edgevoice.agent.sound import OpenSound, Sound
from edgevoice.agent.wiring import Ends, Toolset, wire
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer
from edgevoice.engine import Engine
from edgevoice.errors import EdgevoiceError
from edgevoice.panel.none import NoPanel
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link, Said
from edgevoice.settings.mcp_rules import is_server_name
from edgevoice.settings.service import ServiceSettings
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner

if TYPE_CHECKING:
    from edgevoice.mcp.server import McpServer
    from edgevoice.mcp.source import McpSource

_FOR_EVER_S = 1e9
"""A program decides on its own when a conversation is over."""


class _Watch(Observer):
    def __init__(self, watch: Callable[[Notice], None]) -> None:
        self._watch = watch

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - what a program sees has no times
        self._watch(notice)


@dataclass(frozen=True, slots=True)
class AgentParts:
    """What an agent consists of while it is open."""

    engine: Engine
    conversation: Conversation
    link: Link
    sound: OpenSound
    tools: ToolRunner


class Toolbox:
    """What the model may call: functions and the tools of MCP servers, and how many seconds each call may take.

    ``allows`` returns whether one may be called at the moment. ``servers_s``: how long a program waits for the servers.
    """

    def __init__(
        self,
        functions: Iterable[Callable[..., Any]],
        timeout_s: float,
        allows: Callable[[str], bool] | None = None,
        servers: "Mapping[str, McpServer] | None" = None,
        servers_s: float = 0.0,
    ) -> None:
        self.functions = FunctionSource(functions)
        self.servers = _source_of(servers) if servers else None
        self.registry = Registry([self.functions, *([self.servers] if self.servers is not None else [])], allows=allows)
        self.timeout_s = timeout_s
        self._servers_s = servers_s

    async def servers_known(self) -> None:
        """Wait for the servers' tools: a program that asks at once expects them, but not for ever if one hangs."""
        if self.servers is not None:
            await self.servers.known(self._servers_s)


def _source_of(servers: Any) -> "McpSource":
    from edgevoice.mcp.server import McpServer  # noqa: PLC0415 - not loaded without a server
    from edgevoice.mcp.source import McpSource  # noqa: PLC0415

    if not isinstance(servers, Mapping):
        raise TypeError(f"mcp_servers={shown(servers)}: it must be a dict of names and McpServers")
    for name, server in servers.items():
        if not isinstance(name, str) or not is_server_name(name):
            raise ValueError(f"mcp_servers has the name {name!r}; it must be letters, digits, - and single _")
        if not isinstance(server, McpServer):
            raise TypeError(f"mcp_servers has {shown(server)} under {name!r}; it must be an McpServer")

    return McpSource(servers)


@dataclass(frozen=True, slots=True)
class Watchers:
    """The callbacks through which an agent observes its parts: every notice, and the error that ends a session.

    ``lost`` receives the error before the notice of what it means.
    """

    notice: Callable[[Notice], None]
    lost: Callable[[EdgevoiceError], None]


def join(
    service: ServiceSettings,
    endpoint: Callable[[], Endpoint],
    session: Callable[[], dict[str, Any]],
    toolbox: Toolbox,
    sound: Sound,
    watchers: Watchers,
    earlier: Callable[[], Awaitable[Sequence[Said]]],
) -> AgentParts:
    """Return the parts; call it in the loop.

    ``earlier`` returns what each session should know of earlier conversations.
    """
    mailbox = Mailbox()
    link = Link(
        endpoint,
        lambda _word: session(),
        mailbox.take,
        connect_s=service.connect_s,
        pong_s=service.pong_s,
        lost=watchers.lost,
        earlier=earlier,
    )
    opened = sound.open(mailbox, link.send_audio, watchers.lost)
    toolset = Toolset(toolbox.registry, ToolLimits(timeout_s=toolbox.timeout_s), service.language)
    ends = Ends(opened.near_end, opened.far_end, NoPanel())
    wired = wire(mailbox, link, ends, toolset, policy_of(service, hears_itself=sound.hears_itself))
    wired.engine.add_observers([_Watch(watchers.notice)])
    return AgentParts(wired.engine, wired.conversation, link, opened, wired.tools)


def policy_of(service: ServiceSettings, *, hears_itself: bool) -> Policy:
    """Return the policy of a program's conversation: the box's, except that it waits for the user indefinitely."""
    return Policy(
        connect_s=service.connect_s,
        no_speech_s=_FOR_EVER_S,
        follow_up_s=_FOR_EVER_S,
        session_s=_FOR_EVER_S,
        may_answer_tools=service.may_answer_tools,
        hears_itself=hears_itself,
        stays_open=True,
    )
