"""MCP server over standard input and output: any assistant on this machine can use the box, by its control socket.

It is a process of its own (`edgevoice mcp`); the daemon never loads it.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from edgevoice.control.client import Client
from edgevoice.errors import ControlRefused, ControlUnavailable, EdgevoiceError
from edgevoice.extras import has, how_to_add

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

_INSTRUCTIONS: Final = (
    "A smart speaker in the room. `say` and `announce` are heard by everybody there, `ask` also listens to the reply: "
    "use them when the user wants to be told or asked aloud, and not at night."
)

_Which = Annotated[str, "its label, as list_timers shows it; none if it is the only one"]

Reply = dict[str, Any]
Use = Callable[[Client], Awaitable[Reply]]


class McpMissing(EdgevoiceError):
    """The package that speaks the Model Context Protocol is not installed."""

    code = "mcp-missing"


class BoxTools:
    """The box as tools of an assistant; each call connects to the socket, so the box may start later, or again.

    ``refusal`` makes the error whose text the assistant is shown.
    """

    def __init__(self, socket: Path | None = None, refusal: Callable[[str], Exception] = RuntimeError) -> None:
        self._socket = socket
        self._refusal = refusal

    async def say(self, text: Annotated[str, "What to say: short sentences, no markup"]) -> Reply:
        """Say a text aloud, once no conversation is going on; return whether it was heard or interrupted."""
        return await self._use(lambda box: box.say(text, quiet_hours="skip"))

    async def ask(self, question: Annotated[str, "The question, as it is to be spoken"]) -> Reply:
        """Ask somebody in the room a question aloud, and return what was understood of their reply."""
        return await self._use(lambda box: box.ask(question, chime=True, quiet_hours="skip"))

    async def announce(self, text: str, priority: Literal["normal", "urgent"] = "normal") -> Reply:
        """Announce a text aloud after a short sound; an urgent one ends an answer that sounds."""
        return await self._use(lambda box: box.announce(text, priority=priority))

    async def stop(self) -> Reply:
        """Silence what sounds: an alarm, an announcement or an answer."""
        return await self._use(lambda box: box.request("stop"))

    async def status(self) -> Reply:
        """Report what the speaker is doing, and whether its microphone is muted."""
        return await self._use(lambda box: box.status())

    async def volume(self, percent: Annotated[int, "The new volume, 0 to 100"] | None = None) -> Reply:
        """Set the volume; without a percentage, report it."""
        return await self._use(lambda box: box.request("volume", percent=percent))

    async def list_timers(self) -> Reply:
        """List the timers, alarms and reminders that are set."""
        return await self._use(lambda box: box.timers())

    async def set_timer(self, seconds: int, label: str = "") -> Reply:
        """Set a timer that rings in the room after some seconds."""
        return await self._use(lambda box: box.timers("set_timer", seconds=seconds, label=label))

    async def pause_timer(self, label: _Which = "") -> Reply:
        """Pause a timer: what is left of it waits until it is resumed."""
        return await self._use(lambda box: box.timers("pause_timer", **_named(label)))

    async def resume_timer(self, label: _Which = "") -> Reply:
        """Let a paused timer run on for what was left of it."""
        return await self._use(lambda box: box.timers("resume_timer", **_named(label)))

    async def set_alarm(self, time: Annotated[str, "local time of 24 hours: 07:00"], label: str = "") -> Reply:
        """Set an alarm that rings in the room once, at the next such time of day."""
        return await self._use(lambda box: box.timers("set_alarm", time=time, label=label))

    async def cancel_timers(self, label: str) -> Reply:
        """Cancel the timers and the alarms with this label."""
        if not label.strip():
            raise self._refusal("the label is empty: name what to cancel, as list_timers shows it")
        timers = await self._use(lambda box: box.timers("cancel_timers", label=label))
        alarms = await self._use(lambda box: box.timers("cancel_alarms", label=label))
        return {"timers": timers, "alarms": alarms}

    async def why(self) -> Reply:
        """Report what failed last in the speaker, why, and what to do about it."""
        return await self._use(lambda box: box.request("why", most=3))

    def functions(self) -> tuple[Callable[..., Awaitable[Reply]], ...]:
        """Return the tools."""
        speaking = (self.say, self.ask, self.announce, self.stop)
        timers = (self.list_timers, self.set_timer, self.pause_timer, self.resume_timer)
        alarms = (self.set_alarm, self.cancel_timers)
        return (*speaking, *timers, *alarms, self.status, self.volume, self.why)

    async def _use(self, use: Use) -> Reply:
        try:
            async with Client(self._socket) as box:
                reply = await use(box)
        except (ControlUnavailable, ControlRefused) as error:
            raise self._refusal(error.line()) from None
        return {name: value for name, value in reply.items() if name not in {"id", "ok"}}


def _named(label: str) -> Reply:
    """Return the arguments that name a timer: an empty label would name none."""
    return {"label": label} if label.strip() else {}


def server_of(socket: Path | None, version: str) -> "MCPServer":
    """Return the server that uses the box at this control socket. Raises ``McpMissing``."""
    if not has("mcp"):
        raise McpMissing("the package mcp is not installed", remedy=f"Add it: {how_to_add('mcp')}")
    # Half a second and 39 MB: loaded only by this command.
    from mcp.server.mcpserver import MCPServer  # noqa: PLC0415
    from mcp.server.mcpserver.exceptions import ToolError  # noqa: PLC0415

    # Standard output carries the protocol, and standard error belongs to whoever started us: no chatter there.
    server = MCPServer("edgevoice", instructions=_INSTRUCTIONS, version=version, log_level="WARNING")
    for function in BoxTools(socket, ToolError).functions():
        server.tool()(function)
    return server
