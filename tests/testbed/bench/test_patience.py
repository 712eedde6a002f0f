"""A bench that waits in vain says for what."""

import asyncio

import pytest

from edgevoice.testbed.bench.patience import NotInTime, in_time
from tests import virtual_time


async def wait(seconds: float) -> None:
    async with in_time("the effect of an order", 2.5):
        await asyncio.sleep(seconds)


def test_what_comes_in_time_passes() -> None:
    virtual_time.run(wait(2.4))


def test_what_does_not_come_is_named_in_one_line() -> None:
    with pytest.raises(NotInTime) as refused:
        virtual_time.run(wait(2.6))

    line = refused.value.line()
    assert line.startswith("the bench waited for the effect of an order, which did not come within 2.5 s")
    assert "\n" not in line


def test_the_innermost_wait_is_the_one_that_is_named() -> None:
    async def nested() -> None:
        async with in_time("everything", 9.0):
            await wait(5.0)

    with pytest.raises(NotInTime, match="the effect of an order"):
        virtual_time.run(nested())


def test_a_library_that_gives_up_by_itself_is_named_too() -> None:
    async def give_up() -> None:
        async with in_time("a connection", 9.0):
            raise TimeoutError("timed out")

    with pytest.raises(NotInTime, match="a connection"):
        virtual_time.run(give_up())
