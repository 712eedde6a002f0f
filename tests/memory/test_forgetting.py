"""Whoever holds the mute button for long is forgotten, even if the disk fails once."""

import asyncio

import pytest

from edgevoice.core.orders import CloseLink, ForgetEverything
from edgevoice.errors import StorageUnavailable
from edgevoice.memory.forgetting import Forgetting
from tests.waiting import eventually


def test_it_forgets_each_time_it_is_told_and_logs_what_it_cannot_delete(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    forgotten: list[int] = []

    async def forget() -> None:
        forgotten.append(len(forgotten))
        if len(forgotten) == 1:
            raise StorageUnavailable("the disk is full")

    async def scene() -> None:
        forgetting = Forgetting(forget)
        running = asyncio.create_task(forgetting.run(lambda _fact: None))
        forgetting.observe(CloseLink(), 0.0)
        await asyncio.sleep(0)
        assert forgotten == []
        forgetting.observe(ForgetEverything(), 0.0)
        await eventually(lambda: len(caplog.records) == 1)
        forgetting.observe(ForgetEverything(), 0.0)
        await eventually(lambda: len(caplog.records) == 2)
        running.cancel()

    asyncio.run(scene())

    assert [record.msg for record in caplog.records] == ["not-forgotten", "forgotten"]
    assert forgotten == [0, 1]
