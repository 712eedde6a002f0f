import asyncio
import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from edgevoice.core.backoff import Backoff
from edgevoice.errors import LocalServiceStarting, LocalServiceUnavailable, StorageUnavailable
from edgevoice.local import process as process_module
from edgevoice.local.process import LocalServiceProcess, running_socket
from edgevoice.store.folders import HeldFolder
from tests.local.client import HEADERS, QUERY, Client, dialled_unix
from tests.waiting import LIMIT_S, eventually


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie counts as gone: no process is left to answer.
    return " Z " not in Path(f"/proc/{pid}/stat").read_text()


async def greet(process: LocalServiceProcess) -> None:
    async with dialled_unix(str(process.socket_path), process.uri) as client:
        await client.until("session.created")


def test_the_child_answers_is_replaced_if_it_dies_and_ends_with_its_context() -> None:
    async def scene() -> None:
        async with LocalServiceProcess(announcement=lambda: "Hello.") as process:
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

        assert second is not None
        assert not is_alive(second)
        assert not folder.exists()

    asyncio.run(scene())


def test_the_child_ends_by_itself_on_a_signal_or_its_parents_death(
    tmp_path: Path,
) -> None:
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
        end()
        async with asyncio.timeout(6 * LIMIT_S):
            await child.wait()
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


def test_other_processes_of_the_same_user_find_the_child_while_it_accepts_connections(
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


def test_the_next_service_removes_what_a_killed_one_left_but_nothing_that_may_be_in_use(
    near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(near))

    async def scene() -> None:
        async with LocalServiceProcess() as first, LocalServiceProcess() as second:
            assert first.socket_path.parent.exists()
            assert second.socket_path.parent.exists()

    dead, answering, loading = (near / f"edgevoice-local-{name}" for name in ("dead", "answering", "loading"))
    with contextlib.ExitStack() as sockets:
        for folder in (dead, answering, loading):
            folder.mkdir()
        for folder in (dead, answering):
            listening = sockets.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(str(folder / "realtime.sock"))
            listening.listen()
            if folder is dead:
                listening.close()

        asyncio.run(scene())

    assert not dead.exists()
    assert answering.exists()
    assert loading.exists()
    long_ago = time.time() - 2 * process_module.START_LIMIT_S
    os.utime(loading, (long_ago, long_ago))
    asyncio.run(scene())
    assert not list(near.glob("edgevoice-local-*"))


def test_a_child_that_cannot_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    async def scene() -> None:
        async with LocalServiceProcess() as process:
            with pytest.raises(LocalServiceUnavailable, match="before it was ready"):
                await process.ensure()
            assert process.pid is None

    asyncio.run(scene())


def test_a_missing_package_is_reported_without_starting_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(process_module._PACKAGES, "no_such_module_of_ours", "no-such-package")

    async def scene() -> None:
        async with LocalServiceProcess() as process:
            with pytest.raises(LocalServiceUnavailable, match="no-such-package"):
                await process.ensure()

    asyncio.run(scene())


def test_the_daemon_does_not_load_the_models_to_hold_the_child() -> None:
    heavy = ["numpy", "hibari", "hama", "onnxruntime", "websockets"]
    check = f"import sys, edgevoice.local.process; assert not sys.modules.keys() & set({heavy})"
    subprocess.run([sys.executable, "-c", check], check=True)


# --- a child that loads slowly, or not at all ------------------------------------------------------------------------

SLOW_CHILD = """
import pathlib, sys, time
log, delay_s = pathlib.Path(sys.argv[1]), float(sys.argv[2])
with log.open("a") as file:
    file.write("started\\n")
deadline = time.monotonic() + delay_s
while time.monotonic() < deadline and not log.with_suffix(".go").exists():
    time.sleep(0.005)
print("ready", flush=True)
sys.stdin.read()
"""


class Slow(LocalServiceProcess):
    """A child that gets ready when it is let, or after ``delay_s``."""

    def __init__(self, folder: Path, *, delay_s: float = 60, start_limit_s: float = 60) -> None:
        super().__init__(start_limit_s=start_limit_s)
        self.log = folder / "log"
        self._delay_s = delay_s

    def _command(self) -> list[str]:
        return [sys.executable, "-S", "-c", SLOW_CHILD, str(self.log), str(self._delay_s)]

    @property
    def starts(self) -> int:
        return self.log.read_text().count("started") if self.log.exists() else 0

    def let_get_ready(self) -> None:
        self.log.with_suffix(".go").touch()


def test_the_child_keeps_loading_for_the_next_caller_when_one_gives_up(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Slow(tmp_path) as process:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await process.ensure()
            await eventually(lambda: process.starts == 1)
            assert process.pid is None

            process.let_get_ready()
            await process.ensure()
            assert process.pid is not None
            assert process.starts == 1
            folder = process.socket_path.parent
            assert folder.is_dir()
        assert not folder.exists()
        assert process.pid is None

    asyncio.run(scene())


def test_a_client_that_connects_while_the_child_loads_learns_that_it_is_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "PATIENCE_S", 0.01)

    async def scene() -> None:
        async with Slow(tmp_path) as process:
            for _ in range(3):
                with pytest.raises(LocalServiceStarting, match="still loading") as starting:
                    await process.prepare()
                assert starting.value.is_retriable
            process.let_get_ready()
            await process.ensure()
            await process.prepare()
            assert process.starts == 1

    asyncio.run(scene())


def test_a_child_that_hangs_is_abandoned_after_its_limit_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_AGAIN", Backoff(first_s=0.01, factor=2, limit_s=0.02))

    async def scene() -> None:
        async with Slow(tmp_path, start_limit_s=0.3) as process:
            with pytest.raises(LocalServiceUnavailable, match=r"not ready within 0\.3 s"):
                await process.ensure()
            process._start_limit_s = LIMIT_S
            process.let_get_ready()
            # It restarts without a client.
            await eventually(lambda: process.starts >= 2 and process.pid is not None)

    asyncio.run(scene())


def test_until_the_next_attempt_callers_get_the_last_failure_immediately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_AGAIN", Backoff(first_s=60, factor=2, limit_s=60))

    async def scene() -> None:
        async with Slow(tmp_path, start_limit_s=0.05) as process:
            for ask in (process.ensure, process.prepare, process.ensure):
                with pytest.raises(LocalServiceUnavailable, match="not ready within"):
                    await ask()
            assert process.starts <= 1

    asyncio.run(scene())


def test_a_child_that_is_still_loading_ends_with_the_context(tmp_path: Path) -> None:
    pids: list[int] = []

    async def scene() -> None:
        async with Slow(tmp_path) as process:
            started = process._started

            async def noted() -> Process:
                create = asyncio.create_subprocess_exec

                async def creating(*arguments: Any, **options: Any) -> Process:
                    child = await create(*arguments, **options)
                    pids.append(child.pid)
                    return child

                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(asyncio, "create_subprocess_exec", creating)
                    return await started()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(process, "_started", noted)
                waiting = asyncio.ensure_future(process.ensure())
                await eventually(lambda: process.starts == 1)
        with pytest.raises(LocalServiceUnavailable, match="is stopping"):
            await waiting

    asyncio.run(scene())
    assert len(pids) == 1
    assert not is_alive(pids[0])


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory. Stop other programs"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "temporarily unavailable. Stop other"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "directory. `edgevoice doctor` says"),
    ],
)
def test_a_process_that_cannot_be_started_is_one_line_and_is_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: OSError, words: str
) -> None:
    monkeypatch.setattr(process_module, "_AGAIN", Backoff(first_s=0.01, factor=2, limit_s=0.01))
    create = asyncio.create_subprocess_exec

    async def fail(*_arguments: object, **_options: object) -> Process:
        monkeypatch.setattr(asyncio, "create_subprocess_exec", create)
        raise failure

    monkeypatch.setattr(asyncio, "create_subprocess_exec", fail)

    async def scene() -> None:
        async with Slow(tmp_path, delay_s=0) as process:
            with pytest.raises(LocalServiceUnavailable) as refused:
                await process.ensure()
            assert words in refused.value.line()
            assert "\n" not in refused.value.line()
            await eventually(lambda: process.pid is not None)

    asyncio.run(scene())


def test_without_a_socket_folder_every_caller_gets_an_error_until_the_folder_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "_AGAIN", Backoff(first_s=0.01, factor=2, limit_s=0.01))

    def refuse(_prefix: str, **_named: object) -> HeldFolder:
        raise StorageUnavailable("no temporary folder can be made in /tmp: Read-only file system")

    async def scene() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(process_module, "hold_scratch", refuse)
            entering = Slow(tmp_path, delay_s=0)
            process = await entering.__aenter__()
            assert not process.socket_path.exists()
            with pytest.raises(LocalServiceUnavailable, match=r"no place for its socket: .* Read-only file system"):
                await process.ensure()
        await eventually(lambda: process.pid is not None)
        assert process.socket_path.parent.is_dir()
        await process.__aexit__(None, None, None)

    asyncio.run(scene())


def test_outside_its_context_there_is_no_socket() -> None:
    with pytest.raises(RuntimeError, match="outside its context"):
        _ = LocalServiceProcess().socket_path


def test_a_bug_of_ours_does_not_leave_callers_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with Slow(tmp_path) as process:

            async def fail() -> Process:
                raise ValueError("a fault")

            monkeypatch.setattr(process, "_started", fail)
            with pytest.raises(ValueError, match="a fault"):
                await process.ensure()
            assert isinstance(process._starting and process._starting.exception(), ValueError)

    asyncio.run(scene())
