"""Checks of the MCP servers: connects to each as the box does, and reports what it offers. Calls no tool."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from edgevoice.box.mcp_servers import mcp_source
from edgevoice.doctor.findings import Finding, doubtful, fine, wrong
from edgevoice.extras import has, how_to_add
from edgevoice.mcp.source import McpSource, ServerState
from edgevoice.settings.mcp import McpSettings

_WAIT_S: Final = 120.0
"""`npx` and `uvx` download a server the first time. On a Zero 2 W the SDK takes some 25 s to load, here and in a server
that uses it.
"""

_QUICK_S: Final = 40.0
"""Whoever looks quickly, as the page does, learns of a server that loads slowly, and not of one that downloads."""

_MOST_NAMES: Final = 6


def examine_servers(
    settings: McpSettings, environment: Mapping[str, str], *, is_quick: bool = False
) -> Iterable[Finding]:
    """Connect to every server for a moment, all at once, and judge what came of it."""
    source = mcp_source(settings, environment)
    if source is None:
        return
    if not has("mcp"):
        for name in settings.servers:
            yield wrong(_line(name), "the SDK for MCP servers is not installed", how_to_add("mcp"))
        return
    asyncio.run(_meet(source, _QUICK_S if is_quick else _WAIT_S))
    for name in settings.servers:
        yield judge_server(name, source.states.get(name), is_quick=is_quick)


def judge_server(name: str, state: ServerState | None, *, is_quick: bool = False) -> Finding:
    """Report the tools of a server, or why there are none; ``None`` stands for one that has not answered yet."""
    line, setting = _line(name), f"mcp.servers.{name}"
    if state is None and is_quick:
        return doubtful(
            line, f"not ready within {_QUICK_S:g} s", "The first start may download it: run the doctor without --quick."
        )
    if state is None:
        return wrong(line, f"not ready within {_WAIT_S:g} s", f"Start it by hand, as {setting} says, to see why.")
    if state.problem:
        return wrong(line, state.problem.rstrip("."), f"Check {setting}, and that the server itself works.")
    names = ", ".join(state.tools[:_MOST_NAMES])
    more = len(state.tools) - _MOST_NAMES
    text = f"{len(state.tools)} tools: {names}{f' and {more} more' if more > 0 else ''}" if state.tools else "no tools"
    if state.remarks:
        return doubtful(line, f"{text}; {'; '.join(state.remarks)}", _left_out(setting, state.remarks))
    if not state.tools:
        return doubtful(line, text, f"Check {setting}: the server runs, and offers nothing.")
    return fine(line, text, tools=len(state.tools))


def _left_out(setting: str, remarks: Iterable[str]) -> str:
    if any(" is left out: " in remark for remark in remarks):
        return f"List the tools that you want in {setting}.allow; only the server's author can correct a tool."
    return f"Correct {setting}.allow, or leave it out."


def _line(name: str) -> str:
    return f"MCP {name}"


async def _meet(source: McpSource, wait_s: float) -> None:
    running = asyncio.ensure_future(source.run())
    await source.known(wait_s)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
