"""A finished session is freed at once: garbage that waits for the collector is memory that a Pi does not have.

A box talks every few minutes, and a full collection of 50,000 objects comes every five to ten.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from edgevoice.core.protocol.downlink import Downlink
from tests.realtime.services import Caller, Service, Talker, obliging
from tests.waiting import eventually

Ending = Callable[[Caller], Awaitable[object]]


async def closing(talker: Talker) -> None:
    await talker.accept()
    await talker.connection.close(1001, "enough")


async def breaking(talker: Talker) -> None:
    await talker.accept()
    talker.connection.transport.abort()


async def refusing(talker: Talker) -> None:
    await talker.say({"type": "error", "error": {"code": "invalid_value", "message": "no such voice"}})
    await talker.listen_to_the_end()


async def vanishing(talker: Talker) -> None:
    talker.connection.transport.abort()


async def hang_up(caller: Caller) -> None:
    await caller.opened()
    caller.link.send_audio(b"\0\0")
    caller.link.close()


async def hang_up_while_dialling(caller: Caller) -> None:
    caller.link.open()
    await asyncio.sleep(0)
    caller.link.close()


async def be_lost(caller: Caller) -> None:
    caller.link.open()
    await caller.lost()


@pytest.mark.parametrize(
    ("service", "ending"),
    [
        (obliging, hang_up),
        (obliging, hang_up_while_dialling),
        (closing, be_lost),
        (breaking, be_lost),
        (refusing, be_lost),
        (vanishing, be_lost),
    ],
)
def test_a_session_that_is_over_leaves_nothing_for_the_collector(
    service: Callable[[Talker], Awaitable[None]], ending: Ending
) -> None:
    async def live() -> None:
        async with Service(service).listening() as url, Caller(url).running() as caller:
            gc.collect()
            gc.disable()
            try:
                await ending(caller)
                await eventually(lambda: not sessions(), 3)
            finally:
                gc.enable()

    asyncio.run(live())


def sessions() -> list[Downlink]:
    return [each for each in gc.get_objects() if type(each) is Downlink]
