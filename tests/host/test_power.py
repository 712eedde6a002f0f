"""Both buttons held shut the machine down; a refusal is one line with its remedy, and the box runs on."""

import asyncio
import threading
from pathlib import Path

import pytest

from edgevoice.core.orders import CloseLink, ShutDown
from edgevoice.host.power import PowerOff
from tests.waiting import eventually


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["fields"]["problem"] for record in caplog.records if record.name.startswith("edgevoice")]


def ordered(power: PowerOff, done: object = None) -> None:
    async def scene() -> None:
        running = asyncio.create_task(power.run(lambda _fact: None))
        power.observe(CloseLink(), 0.0)
        power.observe(ShutDown(), 0.0)
        await eventually(lambda: done() if callable(done) else True)
        assert not running.done()
        running.cancel()
        # Otherwise asyncio warns, perhaps in the next test, that a child has ended after its loop.
        for thread in threading.enumerate():
            if thread.name.startswith("asyncio-waitpid"):
                await asyncio.to_thread(thread.join, 5)

    asyncio.run(scene())


def test_the_machine_is_shut_down_by_the_command(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mark = tmp_path / "down"
    ordered(PowerOff(("touch", str(mark))), mark.exists)

    assert told(caplog) == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("sh", "-c", "echo 'Access denied.' >&2; exit 1"), "the machine is not shut down: Access denied. Allow it"),
        (("false",), "the machine is not shut down: no reason given. Allow it"),
        (("/nowhere/systemctl",), "/nowhere/systemctl cannot be started: No such file or directory. Allow it"),
    ],
)
def test_a_refusal_is_one_line_with_its_remedy(
    command: tuple[str, ...], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    ordered(PowerOff(command), lambda: bool(told(caplog)))

    (problem,) = told(caplog)
    assert problem.startswith(reason)
    assert "49-edgevoice-poweroff.rules" in problem


def test_by_default_logind_is_asked_without_a_password() -> None:
    assert PowerOff()._command == ("systemctl", "--no-ask-password", "poweroff")
