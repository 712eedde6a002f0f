"""A connection that is open at one end only: the other machine, or the network to it, has silently gone."""

import asyncio
import re

import pytest

from edgevoice.core.facts import LinkLost, LinkOpened, UserStartedSpeaking
from tests.realtime.services import SPEECH_STARTED, Caller, Service, Talker, obliging, problem_in
from tests.waiting import eventually

PONG_S = 0.2
TENTH_OF_A_SECOND = bytes(4800)


async def falling_silent(talker: Talker) -> None:
    """Open the session, then read nothing more, while TCP stays up: not even a pong is answered."""
    await talker.accept()
    talker.connection.transport.pause_reading()
    await talker.connection.wait_closed()


def hung_up(service: Service) -> None:
    """Drop the connections that the server would otherwise wait for at the end."""
    for talker in service.talkers:
        talker.connection.transport.abort()


def test_a_service_that_stops_answering_pings_is_lost_so_that_it_is_redialled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service(falling_silent)

    async def live() -> LinkLost:
        async with service.listening() as url, Caller(url, pong_s=PONG_S).running() as caller:
            await caller.opened()
            lost = await caller.lost()
            hung_up(service)
            return lost

    assert asyncio.run(live()) == LinkLost("service-unreachable", is_retriable=True)
    assert re.match(r"127\.0\.0\.1:\d+ stopped answering pings", problem_in(caplog, "link-lost"))


def test_a_dead_service_is_detected_even_if_the_socket_accepts_no_more_data() -> None:
    service = Service(falling_silent)

    async def live() -> LinkLost:
        async with service.listening() as url, Caller(url, pong_s=PONG_S).running() as caller:
            await caller.opened()
            # More than the kernels at both ends can buffer: neither a ping nor a close frame can be sent.
            for _ in range(900):
                caller.link.send_audio(8 * TENTH_OF_A_SECOND)
            lost = await caller.lost()
            hung_up(service)
            return lost

    assert asyncio.run(asyncio.wait_for(live(), 20)) == LinkLost("service-unreachable", is_retriable=True)


def test_hanging_up_does_not_wait_for_a_socket_that_accepts_no_more_data() -> None:
    service = Service(falling_silent)

    async def live() -> bool:
        async with service.listening() as url, Caller(url, pong_s=60).running() as caller:
            await caller.opened()
            for _ in range(900):
                caller.link.send_audio(8 * TENTH_OF_A_SECOND)
            await asyncio.sleep(0)
            caller.link.close()
            await eventually(lambda: not caller.link._ending)
            hung_up(service)
            return caller.losses == []

    assert asyncio.run(asyncio.wait_for(live(), 20))


def test_after_a_half_open_socket_the_next_session_opens() -> None:
    service = Service(falling_silent, obliging)

    async def live() -> int:
        async with service.listening() as url, Caller(url, pong_s=PONG_S).running() as caller:
            await caller.opened()
            await caller.lost()
            hung_up(service)
            caller.link.open(resumes=True)
            await eventually(lambda: caller.arrivals.count(LinkOpened()) == 2)
            return len(service.talkers)

    assert asyncio.run(live()) == 2


def test_a_silent_service_that_answers_pings_is_alive() -> None:
    async def silent_for_a_while(talker: Talker) -> None:
        await talker.accept()
        listening = asyncio.ensure_future(talker.listen_to_the_end())
        await asyncio.wait([listening], timeout=5 * PONG_S)
        await talker.say(SPEECH_STARTED)
        await listening

    async def live() -> list[LinkLost]:
        async with Service(silent_for_a_while).listening() as url, Caller(url, pong_s=PONG_S).running() as caller:
            await caller.opened()
            await eventually(lambda: UserStartedSpeaking() in caller.arrivals)
            return caller.losses

    assert asyncio.run(live()) == []
