import asyncio
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local import process as process_module
from edgevoice.local.process import LocalServiceProcess, running_socket
from tests.local.client import HEADERS, QUERY, Client, dialled_unix
from tests.waiting import eventually


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie is as good as gone: nobody is left to answer.
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


async def greet(process: LocalServiceProcess) -> None:
    async with dialled_unix(str(process.socket_path), process.uri) as client:
        await client.until("session.created")


def test_the_child_answers_is_replaced_when_it_dies_and_ends_with_its_context() -> None:
    async def scene() -> None:
        async with LocalServiceProcess(announcement="Hello.") as process:
            assert process.pid is None
            folder = process.socket_path.parent
            assert folder.stat().st_mode & 0o777 == 0o700
            await asyncio.gather(process.ensure(), process.ensure())
            first = process.pid
            assert first is not None
            await greet(process)
            await process.ensure()
            assert process.pid == first

            os.kill(first, signal.SIGKILL)
            await eventually(lambda: process.pid is None)
            await process.ensure()
            second = process.pid
            assert second not in {None, first}
            await greet(process)

            began = time.monotonic()
        assert time.monotonic() - began < 1.5
        assert second is not None
        assert not is_alive(second)
        assert not folder.exists()

    asyncio.run(scene())


def test_signals_and_the_end_of_its_parent_end_it_within_a_second(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    async def started(*options: str) -> tuple[Process, str]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edgevoice.local", *options, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        assert child.stdout is not None
        told, ready = [(await child.stdout.readline()).decode().split() for _ in range(2)]
        assert ready == ["ready"]
        return child, told[-1]

    async def ended(child: Process, client: Client, end: Callable[[], object]) -> None:
        await client.until("session.created")
        began = time.monotonic()
        end()
        await child.wait()
        assert time.monotonic() - began < 1.0
        assert child.returncode == 0
        _, errors = await child.communicate()
        assert errors == b""

    async def scenes() -> None:
        (on_port, url), (on_path, told) = await asyncio.gather(
            started("--port", "0"), started("--unix", path, "--until-stdin-closes")
        )
        assert told == path
        assert on_path.stdin is not None
        async with connect(url + QUERY, additional_headers=HEADERS) as socket:
            await ended(on_port, Client(socket), lambda: on_port.send_signal(signal.SIGINT))
        async with dialled_unix(path, "ws://localhost/api/v1/realtime/session") as client:
            await ended(on_path, client, on_path.stdin.close)

    asyncio.run(scenes())


def test_others_of_the_same_user_find_the_child_while_it_takes_connections(
    near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(near))

    async def scene() -> None:
        assert running_socket(near) is None
        async with LocalServiceProcess() as process:
            assert running_socket(near) is None
            await process.ensure()
            assert running_socket(near) == process.socket_path

            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            await eventually(lambda: process.pid is None)
            assert process.socket_path.exists()
            assert running_socket(near) is None

    asyncio.run(scene())


def test_a_child_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    async def scene() -> None:
        async with LocalServiceProcess() as process:
            with pytest.raises(LocalServiceUnavailable, match="before it was ready"):
                await process.ensure()
            assert process.pid is None

    asyncio.run(scene())


def test_a_missing_package_is_told_without_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(process_module._PACKAGES, "no_such_module_of_ours", "no-such-package")

    async def scene() -> None:
        async with LocalServiceProcess() as process:
            with pytest.raises(LocalServiceUnavailable, match="no-such-package"):
                await process.ensure()

    asyncio.run(scene())


def test_the_daemon_does_not_load_the_models_to_hold_the_child() -> None:
    heavy = ["numpy", "hibari", "pocketsphinx", "onnxruntime", "websockets"]
    check = f"import sys, edgevoice.local.process; assert not sys.modules.keys() & set({heavy})"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_the_child_does_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEVOICE_API_KEY", "secret")

    assert "EDGEVOICE_API_KEY" not in process_module._environment()
    assert "PATH" in process_module._environment()
