"""The child: whatever it does, this process goes on, answers every call, and leaves no process behind."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from edgevoice.core.backoff import Backoff
from edgevoice.errors import ToolRefused
from edgevoice.mcp import process as process_module
from edgevoice.mcp.process import McpProcess
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.wire import TO_PROGRAM_LIMIT, Lost, Offered
from tests.mcp.living import LIMIT_S as LONG_S
from tests.mcp.living import SMALL, living
from tests.test_children import is_running
from tests.waiting import LIMIT_S, eventually, until

pytestmark = pytest.mark.long

FAKE = """
import json, os, sys, time
def send(**message):
    content = json.dumps(message).encode()
    sys.stdout.buffer.write(len(content).to_bytes(4, "big") + content)
    sys.stdout.buffer.flush()
def read():
    size = int.from_bytes(sys.stdin.buffer.read(4), "big")
    return json.loads(sys.stdin.buffer.read(size)) if size else sys.exit()
def offer(server="news"):
    send(type="Offered", server=server, tools=[{"name": "news__go", "description": "", "parameters": {}}])
"""
READY = "send(type='SdkLoaded'); read(); offer()\n"
ANSWERS = "send(type='Answered', id=read()['id'], result={'went': True})\n"


class Watched:
    def __init__(self) -> None:
        self.offers = 0
        self.losses: list[Lost] = []

    def offered(self, server: str, message: Offered) -> None:
        self.offers += 1

    def lost(self, server: str, message: Lost) -> None:
        self.losses.append(message)


@asynccontextmanager
async def child(script: str) -> AsyncIterator[tuple[McpProcess, Watched]]:
    """Run a child that does what a script says, and is started again at once if it ends."""
    watched = Watched()
    servers = {"news": McpServer(command="news")}
    process = McpProcess(servers, watched, command=[sys.executable, "-I", "-c", FAKE + script])
    running = asyncio.ensure_future(process.run())
    try:
        yield process, watched
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_AGAIN", Backoff(first_s=0.01, factor=1, limit_s=0.01))


def problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.fields["problem"] for record in caplog.records if record.msg == "mcp-process-ended"]  # type: ignore[attr-defined]


def test_a_call_is_answered_and_many_at_once_each_by_its_own_answer() -> None:
    echo = (
        READY
        + "calls = [read() for _ in range(5)]\n"
        + ("for call in reversed(calls): send(type='Answered', id=call['id'], result=call['arguments'])\nread()")
    )

    async def scene() -> list[bytes]:
        async with child(echo) as (process, watched):
            await eventually(lambda: watched.offers == 1)
            return await asyncio.gather(*(process.call("news", "news__go", {"n": n}) for n in range(5)))

    assert [msgspec.json.decode(each) for each in asyncio.run(scene())] == [{"n": n} for n in range(5)]


def test_a_call_is_refused_at_once_while_there_is_no_child() -> None:
    async def scene() -> None:
        async with child("time.sleep(60)") as (process, _):
            process.retry()
            with pytest.raises(ToolRefused, match="the server news is not running; try again later"):
                await process.call("news", "news__go", {})

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("sys.exit(1)", "it ended before it was ready; what it wrote is in the log"),
        (READY + "sys.exit(1)", "it ended"),
        (READY + "os.kill(os.getpid(), 9)", "it ended"),
        (READY + f"sys.stdout.buffer.write(({TO_PROGRAM_LIMIT + 1}).to_bytes(4, 'big'))", "a frame of 524289 bytes"),
        (READY + "sys.stdout.buffer.write(b'x' * 10_000_000)", "a frame of"),
        (READY + "send(type='Nonsense')", "a frame that is not a message"),
        (READY + "sys.stdout.buffer.write(b'\\0\\0\\0\\2{]')", "a frame that is not a message"),
        (READY + "sys.stdout.buffer.write(b'\\0\\0')", "half a frame"),
        (READY + "offer('weather')\ntime.sleep(60)", "it speaks of what it was not given"),
        (READY + "while True: offer()", "it sends without end"),
        ("offer()\ntime.sleep(60)", "it ended before it was ready"),
    ],
)
def test_a_child_that_misbehaves_is_replaced_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture, script: str, problem: str
) -> None:
    caplog.set_level(logging.INFO, "edgevoice")

    async def scene() -> Watched:
        async with child(script) as (_, watched):
            await eventually(lambda: len(problems(caplog)) >= 2)
            return watched

    watched = asyncio.run(scene())

    assert all(each.startswith(problem) for each in problems(caplog))
    assert watched.losses[0].is_gone


def test_the_loop_keeps_its_pace_while_the_child_floods(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "edgevoice")

    async def scene() -> int:
        turns = 0
        async with child(READY + "while True: offer()"):
            while not problems(caplog):
                turns += 1
                await asyncio.sleep(0)
        return turns

    assert asyncio.run(scene()) > process_module._MOST_FRAMES


def test_a_child_that_is_not_ready_in_time_is_replaced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "edgevoice")
    monkeypatch.setattr(process_module, "START_LIMIT_S", 0.05)

    async def scene() -> None:
        async with child("time.sleep(60)"):
            await eventually(lambda: problems(caplog) != [])

    asyncio.run(scene())

    assert problems(caplog)[0] == "it was not ready within 0.05 s"


def test_a_child_that_cannot_be_started_is_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "edgevoice")

    async def scene() -> None:
        process = McpProcess({"news": McpServer(command="news")}, Watched(), command=["/nonexistent"])
        running = asyncio.ensure_future(process.run())
        await eventually(lambda: len(problems(caplog)) >= 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scene())

    assert problems(caplog)[0] == "it cannot be started: No such file or directory"


def test_a_call_that_the_childs_end_interrupts_is_answered() -> None:
    async def scene() -> None:
        async with child(READY + "read(); sys.exit(1)") as (process, watched):
            await eventually(lambda: watched.offers == 1)
            with pytest.raises(ToolRefused, match="the process for MCP servers ended during the call"):
                await process.call("news", "news__go", {})

    asyncio.run(scene())


def test_a_cancelled_call_is_cancelled_in_the_child(tmp_path: Path) -> None:
    note = tmp_path / "note"
    cancels = READY + f"call, end = read(), read()\nopen({str(note)!r}, 'w').write(end['type'] + str(end['id']))\n"

    async def scene() -> None:
        async with child(cancels + "send(type='Answered', id=end['id'], error='cancelled'); read()") as (
            process,
            watched,
        ):
            await eventually(lambda: watched.offers == 1)
            calling = asyncio.ensure_future(process.call("news", "news__go", {}))
            await asyncio.sleep(0)
            calling.cancel()
            await eventually(lambda: note.exists() and note.read_text() == "CancelCall1")
            await eventually(lambda: process._overdue == {})
            assert watched.losses == []

    asyncio.run(scene())


@pytest.mark.parametrize("hangs", ["time.sleep(60)", "while True: pass"])
def test_a_child_that_does_not_confirm_a_cancellation_hangs_and_is_replaced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    caplog.set_level(logging.INFO, "edgevoice")
    monkeypatch.setattr(process_module, "_ANSWER_LIMIT_S", 0.05)

    async def scene() -> None:
        async with child(READY + hangs) as (process, watched):
            await eventually(lambda: watched.offers == 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await process.call("news", "news__go", {})
            await eventually(lambda: watched.offers == 2)

    asyncio.run(scene())

    assert problems(caplog) == ["it no longer answers"]


def test_a_child_that_does_not_read_is_replaced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "edgevoice")
    monkeypatch.setattr(process_module, "_MOST_UNREAD_BYTES", 100_000)

    async def scene() -> None:
        async with child(READY + "time.sleep(60)") as (process, watched):
            await eventually(lambda: watched.offers == 1)
            first = asyncio.ensure_future(process.call("news", "news__go", {"x": "x" * 99_000}))
            await asyncio.sleep(0)
            with pytest.raises(ToolRefused, match="is not running"):
                await process.call("news", "news__go", {"x": "x" * 99_000})
            with pytest.raises(ToolRefused, match="ended during the call"):
                await first
            await eventually(lambda: problems(caplog) != [])

    asyncio.run(scene())

    assert problems(caplog)[0] == "it no longer reads"


def test_without_the_sdk_one_line_says_how_to_add_it_and_nothing_is_started(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "has", lambda _module: False)
    watched = Watched()

    asyncio.run(McpProcess({"news": McpServer(command="news")}, watched, command=["/nonexistent"]).run())

    (record,) = caplog.records
    assert record.msg == "mcp-unavailable"
    assert "which is not installed. Add it: " in record.fields["problem"]  # type: ignore[attr-defined]
    assert watched.losses[0].problem == "the SDK is not installed"


# --- the real child --------------------------------------------------------------------------------------------------


def descendants(pid: int) -> set[int]:
    children: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        children |= {int(each) for each in (task / "children").read_text().split()}
    return children | {grandchild for each in children for grandchild in descendants(each)}


def test_a_child_that_hangs_is_killed_with_the_servers_that_ignore_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    server = McpServer(command=sys.executable, args=("-I", str(SMALL), "stubborn"), timeout_s=0.5)
    with living({"stubborn": server}) as tools:
        child = tools.source.process.pid
        assert child is not None
        started = descendants(child)
        assert len(started) == 2
        os.kill(child, signal.SIGSTOP)

        # Only for this call: a busy machine needs longer to confirm that the later ones are cancelled.
        with monkeypatch.context() as patch:
            patch.setattr(process_module, "_ANSWER_LIMIT_S", 0.1)
            assert tools.call("stubborn__echo") == {"error": "stubborn__echo did not answer within 0.5 seconds"}

        until(lambda: not any(is_running(pid) for pid in (child, *started)))
        until(lambda: tools.tools_of("stubborn") != [], LONG_S)
        until(lambda: tools.call("stubborn__echo", words="again") == {"text": "again"}, LONG_S)
        assert tools.log.of("mcp-process-ended", "it no longer answers")


PROGRAM = """
import asyncio, sys
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.source import McpSource

async def main():
    server = McpServer(command=sys.executable, args=("-I", sys.argv[1], "stubborn"))
    source = McpSource({"stubborn": server})
    running = asyncio.ensure_future(source.run())
    await source.known(60)
    print("known", *source.states["stubborn"].tools, flush=True)
    await running

asyncio.run(main())
"""


def test_nothing_is_left_of_a_program_that_is_killed() -> None:
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, str(SMALL)], stdout=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stdout.readline().startswith(b"known stubborn__echo")
    started = descendants(program.pid)
    assert len(started) == 3

    program.kill()
    program.wait()
    program.stdout.close()

    until(lambda: not any(is_running(pid) for pid in started), 3 * LIMIT_S)
