"""Children get no key, and end when they are asked to, or are killed with all that they have started."""

import asyncio
import sys
from pathlib import Path

import pytest

from edgevoice import children
from tests.waiting import eventually


def test_a_child_does_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEVOICE_API_KEY", "secret")

    assert "EDGEVOICE_API_KEY" not in children.environment()
    assert "PATH" in children.environment()


def test_a_child_multiplies_matrices_in_one_thread_unless_the_user_wants_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert children.environment()["OPENBLAS_NUM_THREADS"] == "1"

    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert children.environment()["OPENBLAS_NUM_THREADS"] == "2"


def test_a_child_that_does_not_end_is_killed_with_what_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], stdout=subprocess.DEVNULL)\n"
        "print(helper.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(children, "_STOP_TIMEOUT_S", 0.05)

    async def scene() -> tuple[int | None, int]:
        child = await children.start([sys.executable, "-c", stubborn])
        assert child.stdout is not None
        helper = int(await child.stdout.readline())
        await children.end(child)
        return child.returncode, helper

    status, helper = asyncio.run(scene())

    assert status == -9
    asyncio.run(eventually(lambda: not is_running(helper)))


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or while it was read
        return False


def test_a_group_that_is_gone_is_no_error() -> None:
    async def scene() -> int:
        child = await children.start([sys.executable, "-c", ""])
        await child.wait()
        return child.pid

    children.kill_group(asyncio.run(scene()))


def test_a_module_runs_with_this_interpreter() -> None:
    assert children.python("edgevoice.local", "--help") == [sys.executable, "-P", "-m", "edgevoice.local", "--help"]
