"""Both buttons held shut the machine down; a refusal is one line with its remedy, and the box runs on.

No test can shut a machine down: logind is asked on a bus of the test's own.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgevoice.core.orders import CloseLink, ShutDown
from edgevoice.host.power import PowerOff
from tests.private_bus import private_bus
from tests.waiting import eventually

ALLOWED = ("echo", 's "yes"')
LOGIND = Path(__file__).with_name("small_logind.py")
REMEDY = "Run sudo scripts/setup again"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["fields"]["problem"] for record in caplog.records if record.name.startswith("edgevoice")]


def ordered(power: PowerOff, is_done: Callable[[], bool]) -> None:
    async def scene() -> None:
        running = asyncio.create_task(power.run(lambda _fact: None))
        power.observe(CloseLink(), 0.0)
        power.observe(ShutDown(), 0.0)
        await eventually(is_done)
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(scene())


def test_a_box_that_stops_takes_the_question_with_it(tmp_path: Path) -> None:
    process = tmp_path / "process"
    slow = ("sh", "-c", f"echo $$ >{process}; exec sleep 60")

    async def scene() -> None:
        running = asyncio.create_task(PowerOff(ALLOWED, slow).run(lambda _fact: None))
        await eventually(lambda: process.exists() and process.read_text().endswith("\n"))
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
        with pytest.raises(ProcessLookupError):
            os.kill(int(process.read_text()), 0)

    asyncio.run(scene())


def test_the_machine_is_shut_down_by_the_command(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mark = tmp_path / "down"
    ordered(PowerOff(("touch", str(mark)), ALLOWED), mark.exists)

    assert told(caplog) == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("sh", "-c", "echo 'Access denied.' >&2; exit 1"), "the machine is not shut down: Access denied. Run"),
        (("false",), "the machine is not shut down: no reason given. Run"),
        (
            ("/nowhere/busctl",),
            "the machine is not shut down: /nowhere/busctl cannot be started: No such file or directory. Run",
        ),
    ],
)
def test_a_refusal_is_one_line_with_its_remedy(
    command: tuple[str, ...], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    ordered(PowerOff(command, ALLOWED), lambda: bool(told(caplog)))

    (problem,) = told(caplog)
    assert problem.startswith(reason)
    assert REMEDY in problem


@contextmanager
def logind(folder: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[str]"]:
    """A logind of the test's own, in place of the system's for every child of this process."""
    daemon = shutil.which("dbus-daemon")
    if daemon is None or shutil.which("busctl") is None:
        pytest.skip("dbus-daemon or busctl is not installed")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={folder}/bus")
    with private_bus(daemon, folder, "DBUS_SYSTEM_BUS_ADDRESS") as start:
        yield start(sys.executable, str(LOGIND), answer)


def test_logind_is_asked_to_shut_down_and_for_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    with logind(tmp_path, "yes", monkeypatch) as manager:
        asking = manager.stdout
        assert asking is not None
        reader = threading.Thread(target=lambda: asked.append(asking.readline()))
        reader.start()
        ordered(PowerOff(), lambda: bool(asked))
        reader.join()

    assert asked == ["PowerOff False\n"]
    assert told(caplog) == []


def test_a_box_that_logind_would_refuse_says_so_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with logind(tmp_path, "challenge", monkeypatch):
        ordered(PowerOff(), lambda: len(told(caplog)) == 2)

    first, refused = told(caplog)
    assert first.startswith('the buttons cannot shut down: logind answers s "challenge". ')
    assert refused.startswith("the machine is not shut down: Call failed: Access denied. ")
    assert REMEDY in first
    assert REMEDY in refused


def test_a_machine_without_logind_says_so_when_the_box_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    if shutil.which("busctl") is None:
        pytest.skip("busctl is not installed")
    ordered(PowerOff(("true",)), lambda: bool(told(caplog)))

    assert told(caplog)[0].startswith("the buttons cannot shut down: ")
