"""The parts of `bench tools` that need no sound; the whole takes minutes and is judged by people."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from edgevoice.core.facts import Event, ToolCall, ToolFinished
from edgevoice.testbed.bench.tools import _FILE, _SERVER, _TOOLS, _functions, _Timed
from edgevoice.tools.folder import FolderSource
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner


def test_the_time_around_a_call_is_what_is_not_the_tools_own() -> None:
    timed = _Timed(asked={"a": 1.0, "b": 2.0}, own={"a": (1.002, 1.502), "b": (2.0, 2.1)}, answered={"a": 1.505})

    assert timed.dispatch_ms() == {"p50": 5.0, "p95": 5.0}


def test_the_ten_tools_of_the_bench_run_and_are_timed() -> None:
    timed = _Timed()

    async def scene() -> list[Event]:
        reported: list[Event] = []

        def report(event: Event) -> None:
            reported.append(event)
            assert isinstance(event, ToolFinished)
            timed.observe(event, 0.0)

        source = FunctionSource(_functions(timed))
        runner = ToolRunner(Registry([source]), report, ToolLimits(calls_at_once=16))
        names = [tool.definition.name for tool in source.tools()]
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(timed.call(runner.run, ToolCall(name, name, '{"text": "one"}')))
        return reported

    reported = asyncio.run(scene())

    assert len(reported) == _TOOLS == len(timed.own)
    assert not any("error" in each.output for each in reported if isinstance(each, ToolFinished))
    assert all(figure >= 0 for figure in timed.dispatch_ms().values())


def test_the_file_of_tools_for_the_measured_daemon_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "bench.py").write_text(_FILE, encoding="utf-8")
    (tmp_path / "bench.py").chmod(0o644)
    tmp_path.chmod(0o755)
    source = FolderSource(tmp_path, owners={os.getuid()})

    asyncio.run(source.load())

    assert len(source.tools()) == _TOOLS


def test_the_server_of_tools_answers_as_the_protocol_says(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(_SERVER, encoding="utf-8")
    asked = [
        {"id": 1, "method": "initialize"},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ]

    ended = subprocess.run(
        [sys.executable, str(server)],
        input="".join(json.dumps(each) + "\n" for each in asked),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    assert (first["id"], first["result"]["serverInfo"]["name"]) == (1, "bench")
    assert [tool["name"] for tool in second["result"]["tools"]] == ["echo"]
