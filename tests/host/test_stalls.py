"""A stalled loop is reported with its length, and systemd's watchdog is not fed meanwhile."""

import asyncio
import logging

import pytest

from edgevoice.host.stalls import StallWatch
from tests import virtual_time
from tests.waiting import eventually


def test_a_stall_is_reported_with_its_length(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        loop = asyncio.get_running_loop()
        blocked_s = 0.0
        watching = asyncio.ensure_future(StallWatch(2.0, lambda: loop.time() + blocked_s).run(print))
        await asyncio.sleep(0.5)
        blocked_s = 8.0  # no other task has run meanwhile
        await eventually(lambda: bool(caplog.records))
        watching.cancel()

    with caplog.at_level(logging.WARNING, "edgevoice"):
        virtual_time.run(live())

    record = caplog.records[0]
    assert record.msg == "loop-stalled"
    assert vars(record)["fields"]["seconds"] == 8.0


def test_a_loop_that_is_on_time_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.2  # a step of 0.5 s at most, and 0.7 s of other work: less than the limit
        return now

    async def live() -> None:
        watching = asyncio.ensure_future(StallWatch(1.0, clock).run(print))
        await asyncio.wait([watching], timeout=0.6)
        watching.cancel()

    with caplog.at_level(logging.WARNING, "edgevoice"):
        asyncio.run(live())

    assert now > 3
    assert not caplog.records


def test_only_a_stall_longer_than_the_limit_is_logged_and_the_next_one_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [0.0, 3.0, 10.0, 13.25, 20.0, 25.0, 30.0]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        if len(slept) == 3:
            raise asyncio.CancelledError
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)

    with caplog.at_level(logging.WARNING, "edgevoice"), pytest.raises(asyncio.CancelledError):
        asyncio.run(StallWatch(2.0, lambda: readings.pop(0)).run(print))

    assert slept == [1.0] * 3
    assert [record.name for record in caplog.records] == ["edgevoice.host.stalls"] * 2
    fields = [vars(record)["fields"] for record in caplog.records]
    assert fields == [{"seconds": 2.2, "limit_s": 2.0}, {"seconds": 4.0, "limit_s": 2.0}]
