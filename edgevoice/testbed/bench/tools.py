"""`edgevoice bench tools`: what tools cost the box: the time around a call, lost sound, and memory.

Ten tools of different kinds, and two MCP servers where the extra `mcp` is installed, are called all the time beside the
whole box on the virtual card. The time around a call is all that is not the tool's own: from the order to its first
line, and from its last line to the report. Memory is that of real daemons with different settings, some seconds after
they listen.
"""

import asyncio
import hashlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from edgevoice import extras
from edgevoice.box.context import BoxContext
from edgevoice.box.mcp_servers import mcp_source
from edgevoice.core.facts import ToolCall, ToolFinished
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.settings.schema import Settings
from edgevoice.testbed.bench.idle import rss_mb, running_daemon
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.virtual import VirtualCard
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.tool import ToolContext

_TOOLS: Final = 10
_MCP_SERVERS: Final = ("first", "second")
_MCP_START_S: Final = 60.0
_SETTLING_S: Final = 8.0
_ANSWER_LIMIT_S: Final = 30.0

# A server needs no SDK: the client, whose cost is measured, is the official one.
_SERVER: Final = """\
import json, sys

for line in sys.stdin:
    asked = json.loads(line)
    method, result = asked.get("method"), {}
    if method == "initialize":
        about = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
        result = {**about, "serverInfo": {"name": "bench", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "echo", "description": "Echo.", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": "echo"}]}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""

_FILE: Final = "from edgevoice import tool\n" + "".join(
    f'\n\n@tool\ndef bench_{number}(text: str) -> str:\n    """Return a text."""\n    return text\n'
    for number in range(_TOOLS)
)


@dataclass
class _Timed(Observer):
    """When each call was ordered, began, ended and was reported, in monotonic seconds."""

    asked: dict[str, float] = field(default_factory=dict)
    own: dict[str, tuple[float, float]] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, asyncio.Event] = field(default_factory=dict)

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - the clock of the calls counts
        """Take the report of a call."""
        if isinstance(notice, ToolFinished) and notice.call_id in self.waiting:
            self.answered[notice.call_id] = time.monotonic()
            self.waiting[notice.call_id].set()

    async def call(self, run: Callable[[ToolCall], None], call: ToolCall) -> None:
        """Order a call and wait for its report."""
        answered = self.waiting[call.call_id] = asyncio.Event()
        self.asked[call.call_id] = time.monotonic()
        run(call)
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            await answered.wait()
        del self.waiting[call.call_id]

    def dispatch_ms(self) -> dict[str, float]:
        """Return the time around the calls of the ten tools."""
        around = [
            1000 * (self.answered[call_id] - self.asked[call_id] - (ended - began))
            for call_id, (began, ended) in self.own.items()
            if call_id in self.answered
        ]
        return p50_p95(around, digits=2)


def _functions(timed: _Timed) -> list[Callable[..., Any]]:
    """Return ten tools: in the loop and in threads, waiting and computing."""

    @contextmanager
    def own_time(context: ToolContext) -> Iterator[None]:
        began = time.monotonic()
        yield
        timed.own[context.call_id] = began, time.monotonic()

    def made(number: int) -> Callable[..., Any]:
        async def wait_in_loop(context: ToolContext, text: str = "") -> str:
            """Wait in the loop, as a tool that asks another program."""
            with own_time(context):
                await asyncio.sleep(0.02 * (number + 1))
            return text

        def wait_in_thread(context: ToolContext, text: str = "") -> str:
            """Wait in a thread, as a tool that asks a web service."""
            with own_time(context):
                context.wait_cancelled(0.02 * (number + 1))
            return text

        def compute(context: ToolContext, text: str = "") -> str:
            """Compute for some milliseconds, without holding the interpreter for longer than Python does."""
            with own_time(context):
                for _ in range(20):
                    text = hashlib.sha256((text * 8).encode()).hexdigest()
            return text

        function = (wait_in_loop, wait_in_thread, compute)[number % 3]
        function.__name__ = f"bench_{number}"
        return function

    return [made(number) for number in range(_TOOLS)]


def measure(seconds: int, *, as_json: bool) -> int:
    """Let tools run beside the box for ``seconds``, and daemons with different settings start; print the figures.

    Return the exit status.
    """
    has_mcp = extras.has("mcp")
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as scratch:
        folder = Path(scratch)
        server = folder / "server.py"
        server.write_text(_SERVER, encoding="utf-8")
        report = asyncio.run(_beside_the_sound(folder / "stage", seconds, _mcp_settings(server) if has_mcp else {}))
        if not as_json:
            print(f"{report['calls']} calls, {report['xruns']} xruns", file=sys.stderr)
        memory = _memory(folder, server if has_mcp else None, is_quiet=as_json)
    report["daemon_rss_delta_mb"] = round(memory["tools"] - memory["off"], 1)
    report["rss_mb"] = memory
    show(report, as_json=as_json)
    return 0


# --- beside the sound ------------------------------------------------------------------------------------------------


def _mcp_settings(server: Path) -> dict[str, Any]:
    return {"servers": {name: {"command": sys.executable, "args": [str(server)]} for name in _MCP_SERVERS}}


async def _beside_the_sound(folder: Path, seconds: int, mcp: dict[str, Any]) -> dict[str, Any]:
    timed = _Timed()
    source = FunctionSource(_functions(timed), name="bench")
    contexts: list[BoxContext] = []

    def equip(settings: Settings, context: BoxContext) -> BoxContext:
        contexts.append(replace(context, http=source, mcp=mcp_source(settings.mcp, os.environ)))
        return contexts[-1]

    def nobody() -> Endpoint:
        return local(folder / "nobody.sock", _nothing_to_prepare)

    names = [tool.definition.name for tool in source.tools()]
    settings = {"tools": {"calls_at_once": 16}, "mcp": mcp}
    async with set_stage(folder, changes=settings, observers=[timed], endpoint=nobody, equip=equip) as stage:
        servers: list[str] = []
        if (offered := contexts[-1].mcp) is not None:
            await offered.known(_MCP_START_S)
            servers = [tool.definition.name for tool in offered.tools()]
        xruns = stage.parts.xruns
        until = time.monotonic() + seconds
        numbers = itertools.count()
        async with asyncio.TaskGroup() as group:
            for place, name in enumerate([*names, *servers]):
                group.create_task(_call_all_the_time(timed, stage, name, numbers, until, 0.05 * (place % 4 + 1)))
        return {
            "dispatch_ms": timed.dispatch_ms(),
            "xruns": stage.parts.xruns - xruns,
            "seconds": seconds,
            "calls": len(timed.answered),
            "mcp_servers": len(servers),
            "child_rss_mb": rss_mb(offered.process.pid) if offered is not None and offered.process.pid else None,
        }


async def _call_all_the_time(
    timed: _Timed, stage: Stage, name: str, numbers: Iterator[int], until: float, pause_s: float
) -> None:
    while time.monotonic() < until:
        await timed.call(stage.parts.tools.run, ToolCall(f"c{next(numbers)}", name, '{"text": "one two three"}'))
        await asyncio.sleep(pause_s)


async def _nothing_to_prepare() -> None:
    """Prepare nothing: nobody is dialled."""


# --- memory ----------------------------------------------------------------------------------------------------------


def _memory(folder: Path, server: Path | None, *, is_quiet: bool) -> dict[str, float]:
    """Return the resident memory of daemons with different settings, in MB.

    "without" has no tools at all, "off" is as the box comes; "memory" has memory and personas, "tools" ten tools of the
    owner and, where there is the SDK, two MCP servers.
    """
    own = folder / "tools"
    own.mkdir(mode=0o755)
    (own / "bench.py").write_text(_FILE, encoding="utf-8")
    (own / "bench.py").chmod(0o644)
    servers = (
        ""
        if server is None
        else "".join(
            f'[mcp.servers.{name}]\ncommand = "{sys.executable}"\nargs = ["{server}"]\n' for name in _MCP_SERVERS
        )
    )
    settings = {
        "without": "[tools]\nenabled = []\n",
        "off": "",
        "memory": "[memory]\nenabled = true\n[personas]\nenabled = true\n",
        "tools": f'[tools]\nfolder = "{own}"\n{servers}',
    }
    found: dict[str, float] = {}
    with VirtualCard() as card:
        for name, more in settings.items():
            state = folder / f"daemon-{name}"
            state.mkdir()
            with running_daemon(card, state, more) as (process, _):
                time.sleep(_SETTLING_S)
                found[name] = rss_mb(process.pid)
            if not is_quiet:
                print(f"{name}: {found[name]} MB", file=sys.stderr)
    return found
