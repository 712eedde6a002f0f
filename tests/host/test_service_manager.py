"""Notifications to systemd, on a real NOTIFY_SOCKET."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TurnEnded
from edgevoice.core.notices import PhaseEntered
from edgevoice.core.orders import Light, ShowLight
from edgevoice.host import service_manager
from edgevoice.host.service_manager import ServiceManager, watchdog_interval_s
from tests.host.small_systemd import Systemd
from tests.waiting import LIMIT_S


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    path = tmp_path / "notify"
    manager = Systemd(path)
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    yield manager
    manager.close()


def test_start_and_stop_are_reported(systemd: Systemd) -> None:
    manager = ServiceManager()
    manager.ready()
    manager.stopping()

    assert systemd.told() == ["READY=1", "STATUS=idle", "STOPPING=1"]


def test_a_fault_before_the_first_conversation_is_shown_for_as_long_as_it_lasts(systemd: Systemd) -> None:
    manager = ServiceManager()
    manager.observe(ShowLight(Light.FAULT, "microphone"), 0.0)
    manager.ready()
    manager.observe(ShowLight(Light.IDLE), 1.0)
    manager.observe(ShowLight(Light.FAULT, "speaker"), 2.0)
    manager.observe(ShowLight(Light.IDLE), 3.0)

    shown = [message for message in systemd.told() if message.startswith("STATUS=")]
    assert shown == ["STATUS=fault: microphone", "STATUS=idle", "STATUS=fault: speaker", "STATUS=idle"]


def test_the_phase_is_shown_once_for_each_change(systemd: Systemd) -> None:
    manager = ServiceManager()

    for phase in (Phase.CONNECTING, Phase.CONNECTING, Phase.LISTENING, Phase.IDLE, Phase.IDLE):
        manager.observe(PhaseEntered(phase), 0.0)

    assert systemd.told() == ["STATUS=connecting", "STATUS=listening", "STATUS=idle"]


def test_only_a_fault_is_shown_with_its_reason(systemd: Systemd) -> None:
    manager = ServiceManager()

    manager.observe(ShowLight(Light.LISTENING), 0.0)
    manager.observe(ShowLight(Light.FAULT, "key-refused"), 0.0)
    manager.observe(ShowLight(Light.FAULT, "key-refused"), 1.0)
    manager.observe(TurnEnded(), 2.0)
    manager.show_status("idle")

    assert systemd.told() == ["STATUS=fault: key-refused", "STATUS=idle"]


def test_a_fault_that_ends_during_startup_is_no_longer_shown(systemd: Systemd) -> None:
    manager = ServiceManager()
    manager.observe(ShowLight(Light.FAULT, "microphone"), 0.0)
    manager.observe(ShowLight(Light.IDLE), 1.0)
    manager.ready()

    assert systemd.told() == ["STATUS=fault: microphone", "STATUS=", "READY=1", "STATUS=idle"]


def test_when_the_fault_is_over_the_phase_is_shown_again(systemd: Systemd) -> None:
    manager = ServiceManager()

    manager.observe(PhaseEntered(Phase.IDLE), 0.0)
    manager.observe(ShowLight(Light.FAULT, "speaker"), 0.0)
    manager.observe(ShowLight(Light.IDLE), 1.0)

    assert systemd.told() == ["STATUS=idle", "STATUS=fault: speaker", "STATUS=idle"]


def test_the_result_of_a_reload_follows_the_status_until_nothing_is_left_to_do(systemd: Systemd) -> None:
    manager = ServiceManager()
    manager.observe(PhaseEntered(Phase.IDLE), 0.0)
    manager.reload(lambda: "restart needed for speaker")
    manager.observe(PhaseEntered(Phase.LISTENING), 1.0)
    manager.reload(str)

    assert [each for each in systemd.told() if each.startswith("STATUS")] == [
        "STATUS=idle",
        "STATUS=idle; restart needed for speaker",
        "STATUS=listening; restart needed for speaker",
        "STATUS=listening",
    ]


def test_a_silent_part_is_checked_again_long_before_the_next_half_period(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setattr(service_manager, "_LOOK_AGAIN_S", 0.01)
    began = time.monotonic()

    assert feed(lambda: (began if time.monotonic() - began > 0.05 else began - 4,), systemd, 1) == ["WATCHDOG=1"]
    assert time.monotonic() - began < 5


def feed(proofs: Callable[[], tuple[float, ...]], systemd: Systemd, count: int) -> list[str]:
    """Run the feeder until systemd has received that many messages."""

    async def live() -> list[str]:
        feeding = asyncio.create_task(ServiceManager().feed_watchdog(proofs, freshness_s=3.0))
        try:
            return await systemd.hear(count)
        finally:
            feeding.cancel()

    return asyncio.run(live())


def test_the_watchdog_is_fed_at_half_its_period_while_everything_responds(systemd: Systemd) -> None:
    began = time.monotonic()

    assert feed(lambda: (time.monotonic(), time.monotonic() - 2.9), systemd, 6) == ["WATCHDOG=1"] * 6
    assert time.monotonic() - began >= 5 * 0.01


def test_the_watchdog_is_not_fed_while_a_part_is_silent(systemd: Systemd) -> None:
    asked: list[bool] = []

    def proofs() -> tuple[float, ...]:
        is_deaf = len(asked) < 5
        asked.append(is_deaf)
        now = time.monotonic()
        return (now, now - 3.5 if is_deaf else now)

    assert feed(proofs, systemd, 1) == ["WATCHDOG=1"]
    assert asked == [True] * 5 + [False]


def test_the_watchdog_is_not_fed_while_the_loop_is_blocked(systemd: Systemd) -> None:
    async def live() -> tuple[list[str], list[str]]:
        feeding = asyncio.create_task(ServiceManager().feed_watchdog(lambda: (time.monotonic(),)))
        await systemd.hear(2)
        systemd.told()
        end = time.monotonic() + 0.2  # ten periods
        while time.monotonic() < end:
            pass
        starved = systemd.told()
        fed = await systemd.hear(2)
        feeding.cancel()
        return starved, fed

    assert asyncio.run(live()) == ([], ["WATCHDOG=1"] * 2)


def test_without_a_watchdog_there_is_nothing_to_feed(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC")

    asyncio.run(asyncio.wait_for(ServiceManager().feed_watchdog(lambda: (time.monotonic(),)), LIMIT_S))

    assert systemd.told() == []


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    manager = ServiceManager()

    manager.ready()
    manager.observe(PhaseEntered(Phase.LISTENING), 0.0)
    manager.stopping()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_period_is_read_as_the_manual_says(environment: dict[str, str], expected: float | None) -> None:
    assert watchdog_interval_s(environment) == expected


def test_the_daemon_can_be_imported_without_systemds_library() -> None:
    check = (
        "import sys; sys.modules['systemd'] = None; import edgevoice.box.daemon; "
        "from edgevoice.host.service_manager import ServiceManager; print(ServiceManager().ready())"
    )

    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout, done.stderr) == ("None\n", "")


def test_a_reload_is_announced_before_its_work_and_reported_done_after_it(systemd: Systemd) -> None:
    begun: list[str] = []

    def work() -> str:
        begun.extend(systemd.told())
        return "restart needed for speaker"

    before_us = time.monotonic_ns() // 1000
    ServiceManager().reload(work)

    (message,) = begun
    told, since = message.split("\n")
    assert told == "RELOADING=1"
    assert before_us <= int(since.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    assert systemd.told() == ["READY=1", "STATUS=restart needed for speaker"]


def test_a_phase_that_began_during_startup_is_shown_after_a_fault(systemd: Systemd) -> None:
    manager = ServiceManager()
    manager.observe(PhaseEntered(Phase.LISTENING), 0.0)
    manager.ready()
    manager.observe(ShowLight(Light.FAULT, "speaker"), 1.0)
    manager.observe(ShowLight(Light.LISTENING), 2.0)

    assert systemd.told() == ["STATUS=listening", "READY=1", "STATUS=fault: speaker", "STATUS=listening"]
