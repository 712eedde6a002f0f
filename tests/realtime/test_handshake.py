"""A handshake opens a session and closes it at once, or raises the error that the box would get."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from edgevoice.core.facts import LinkOpened, UserStartedSpeaking
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.errors import KeyRefused, LinkError, ServiceBusy
from edgevoice.realtime import handshake
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.handshake import shake_hands
from tests.realtime.services import SESSION, Service, Talker


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return asyncio's reports of errors that no task awaited."""
    return [record.message for record in caplog.records if record.name == "asyncio" and record.levelno > logging.INFO]


def test_the_handshake_configures_a_session(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()

    async def live() -> int | None:
        async with service.listening() as url:
            await shake_hands(Endpoint(url), SESSION, connect_s=5.0)
            return service.talkers[0].connection.close_code

    assert asyncio.run(live()) == 1000
    assert service.talkers[0].received == [{"type": "session.update", "session": SESSION}]
    assert complaints(caplog) == []


def test_a_refusal_is_raised_and_logged_at_debug_level_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def refusing(talker: Talker) -> None:
        await talker.say({"type": "error", "error": {"code": "invalid_api_key"}})
        await talker.listen_to_the_end()

    async def live() -> None:
        async with Service(refusing).listening() as url:
            await shake_hands(Endpoint(url), SESSION, connect_s=5.0)

    with pytest.raises(KeyRefused):
        asyncio.run(live())
    (record,) = [record for record in caplog.records if record.name.startswith("edgevoice")]
    assert (record.name, record.levelno, record.msg) == (
        "edgevoice.realtime.handshake",
        logging.DEBUG,
        "handshake-refused",
    )
    assert vars(record)["fields"] == {"code": "key-refused"}
    assert complaints(caplog) == []


class Link:
    """A link with scripted reports that ends with ``failure`` by itself or when it is cancelled."""

    script: Callable[["Link"], None]
    failure: Exception | None = None
    ends_at_once = False

    def __init__(
        self,
        endpoint: Callable[[], Endpoint],
        session: Callable[[str], dict[str, Any]],
        take: Callable[[list[Arrival]], None],
        *,
        connect_s: float,
        lost: Callable[[LinkError], None],
    ) -> None:
        assert (endpoint().url, session("any"), connect_s) == ("ws://box.local/", SESSION, 3.0)
        self.take, self.lost = take, lost

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, self._report)

    def _report(self) -> None:
        type(self).script(self)

    async def run(self) -> None:
        try:
            if not self.ends_at_once:
                await asyncio.Event().wait()
        finally:
            if self.failure is not None:
                raise self.failure


def shaken(
    patch: pytest.MonkeyPatch,
    script: Callable[[Link], None],
    *,
    failure: Exception | None = None,
    ends_at_once: bool = False,
) -> None:
    patch.setattr(handshake, "Link", Link)
    patch.setattr(Link, "script", staticmethod(script), raising=False)
    patch.setattr(Link, "failure", failure)
    patch.setattr(Link, "ends_at_once", ends_at_once)
    asyncio.run(asyncio.wait_for(shake_hands(Endpoint("ws://box.local/"), SESSION, connect_s=3.0), 5))


def test_only_the_first_report_counts(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def opened_twice_and_lost(link: Link) -> None:
        link.take([UserStartedSpeaking(), LinkOpened()])
        link.take([LinkOpened()])
        link.lost(ServiceBusy("too late"))

    shaken(monkeypatch, opened_twice_and_lost)

    assert complaints(caplog) == []


def test_an_unrelated_event_does_not_open_the_session(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def speech_first(link: Link) -> None:
        link.take([UserStartedSpeaking()])
        link.lost(ServiceBusy("busy"))
        link.take([LinkOpened()])

    with pytest.raises(ServiceBusy):
        shaken(monkeypatch, speech_first)
    assert complaints(caplog) == []


def test_a_bug_of_ours_is_raised_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        shaken(monkeypatch, lambda _link: None, failure=ZeroDivisionError(), ends_at_once=True)


@pytest.mark.parametrize("failure", [ZeroDivisionError(), None], ids=repr)
def test_a_link_that_ends_after_the_handshake_or_without_a_fault_changes_nothing(
    failure: Exception | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shaken(monkeypatch, lambda link: link.take([LinkOpened()]), failure=failure, ends_at_once=failure is None)

    assert complaints(caplog) == []
