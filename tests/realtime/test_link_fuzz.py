"""A link whose service sends anything at all, over a real WebSocket: it reports its end once, or continues."""

import asyncio

import pytest

from edgevoice.core.facts import LinkLost, LinkOpened
from edgevoice.core.notices import Role, TranscriptChanged
from tests.core.fuzz import Mutator
from tests.realtime.services import Caller, Service, Talker
from tests.waiting import eventually

SEEDS = range(25)
MARK = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "mark", "transcript": "Still here"}
HEARD_MARK = TranscriptChanged(Role.USER, "mark", "Still here", is_final=True)


async def send_nonsense(talker: Talker, seed: int) -> None:
    for frame, _ in Mutator(seed).session():
        await talker.connection.send(frame)


async def call(service: Service) -> list[object]:
    """Connect, and return all reports until the service's last event or the end of the session."""
    before = asyncio.all_tasks()
    async with service.listening() as url:
        caller = Caller(url, connect_s=2.0)
        async with caller.running():
            caller.link.open()
            await eventually(lambda: bool(caller.losses) or HEARD_MARK in caller.arrivals)
            # A second report of the same end would arrive now.
            for _ in range(20):
                await asyncio.sleep(0)
    await eventually(lambda: asyncio.all_tasks() <= before)
    return [*caller.arrivals]


def ends(arrivals: list[object]) -> int:
    return sum(isinstance(arrival, LinkLost) for arrival in arrivals)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_open_session_hears_its_service_to_the_last_word_or_ends_once(seed: int) -> None:
    async def script(talker: Talker) -> None:
        await talker.accept()
        await send_nonsense(talker, seed)
        await talker.say(MARK)
        await talker.listen_to_the_end()

    arrivals = asyncio.run(call(Service(script)))

    assert arrivals[0] == LinkOpened()
    assert (HEARD_MARK in arrivals) + ends(arrivals) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_session_that_is_being_configured_opens_or_ends_once(seed: int) -> None:
    async def script(talker: Talker) -> None:
        await send_nonsense(talker, 1000 + seed)
        await talker.accept()
        await talker.say(MARK)
        await talker.listen_to_the_end()

    arrivals = asyncio.run(call(Service(script)))

    if HEARD_MARK in arrivals:
        assert arrivals[0] == LinkOpened()
    assert (HEARD_MARK in arrivals) + ends(arrivals) == 1
