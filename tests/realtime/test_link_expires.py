"""When a session expires according to the service: seconds since 1970, which the link treats as a duration."""

import asyncio
import time
from typing import Any

import pytest

from edgevoice.core.facts import LinkOpened, SessionExpires, UserStartedSpeaking
from edgevoice.core.protocol.downlink import Arrival
from tests.realtime.services import SPEECH_STARTED, Caller, Service, Talker
from tests.waiting import eventually


def arrivals_of(created: dict[str, Any], *updated: dict[str, Any]) -> list[Arrival]:
    """Return the events of a session with this greeting and confirmation, up to the first speech in it."""

    async def talking(talker: Talker) -> None:
        await talker.say({"type": "session.created", "session": created})
        await talker.listen(1)
        await talker.say(*[{"type": "session.updated", "session": session} for session in updated], SPEECH_STARTED)
        await talker.listen_to_the_end()

    async def live() -> list[Arrival]:
        async with Service(talking).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: UserStartedSpeaking() in caller.arrivals)
            return caller.arrivals[:-1]

    return asyncio.run(live())


def lasts(arrival: Arrival) -> float:
    assert isinstance(arrival, SessionExpires)
    return arrival.in_s


@pytest.mark.parametrize(
    ("created", "updated"),
    [({"expires_at": 0}, {"expires_at": 1800}), ({"expires_at": 1800}, {}), ({}, {"expires_at": 1800})],
)
def test_the_expiry_is_reported_once_the_session_is_open_whichever_event_has_it(
    created: dict[str, float], updated: dict[str, float]
) -> None:
    began = time.time()
    opened, expires = arrivals_of(
        *[{key: began + in_s for key, in_s in session.items()} for session in (created, updated)]
    )

    assert opened == LinkOpened()
    assert 1800 - (time.time() - began) - 0.1 <= lasts(expires) <= 1800


def test_an_update_in_an_open_session_may_postpone_the_expiry() -> None:
    began = time.time()
    told = arrivals_of({}, {"expires_at": began + 600}, {"expires_at": began + 1200})

    assert [round(lasts(arrival), -1) for arrival in told if isinstance(arrival, SessionExpires)] == [600, 1200]


@pytest.mark.parametrize("odd", [None, "soon", [], {"at": 5}, True, -5, 0])
def test_a_service_that_sends_no_expiry_has_sessions_without_an_end(odd: object) -> None:
    assert arrivals_of({"expires_at": odd}, {"expires_at": odd}) == [LinkOpened()]
