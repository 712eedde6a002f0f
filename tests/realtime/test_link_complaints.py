"""An error code has one meaning however the service reports it: each way and each code, on a real connection."""

import asyncio
import http
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    Event,
    LinkLost,
    LinkOpened,
    ResponseEnded,
    ResponseStatus,
    ServiceComplained,
    WakeWordHeard,
)
from edgevoice.core.orders import Earcon, Light, PlayEarcon, ShowLight
from edgevoice.core.protocol.downlink import Arrival
from tests.realtime.services import Caller, Service, Talker, problem_in
from tests.waiting import eventually

LOST = {
    "insufficient_quota": LinkLost("no-credit", is_retriable=False),
    "billing_hard_limit_reached": LinkLost("no-credit", is_retriable=False),
    "invalid_api_key": LinkLost("key-refused", is_retriable=False),
    "account_deactivated": LinkLost("key-refused", is_retriable=False),
    "session_expired": LinkLost("session-ended", is_retriable=True),
    "rate_limit_exceeded": LinkLost("service-busy", is_retriable=True),
    "server_error": LinkLost("service-busy", is_retriable=True),
}
SURVIVED = {"rate_limit_exceeded", "server_error"}
"""Errors that an open session survives: the user can ask again in it."""

REMEDIES = {
    "no-credit": "Add credit to the account",
    "key-refused": "Copy the key again",
    "session-ended": "Say the wake word again",
    "service-busy": "Wait a minute",
}

each_code = pytest.mark.parametrize("code", sorted(LOST))


def failed(**error: Any) -> dict[str, Any]:
    details = {"type": "failed", "error": error}
    return {"type": "response.done", "response": {"id": "r1", "status": "failed", "status_details": details}}


def arrivals_of(service: Service, count: int, **options: Any) -> list[Arrival]:
    async def live() -> list[Arrival]:
        async with service.listening(**options) as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) >= count)
            for _ in range(20):
                await asyncio.sleep(0)
            return caller.arrivals

    return asyncio.run(live())


def saying(*events: dict[str, Any]) -> Service:
    async def script(talker: Talker) -> None:
        await talker.accept()
        await talker.say(*events)
        await talker.listen_to_the_end()

    return Service(script)


@each_code
@pytest.mark.parametrize("field", ["code", "type"])
def test_an_error_before_the_session_is_open(code: str, field: str, caplog: pytest.LogCaptureFixture) -> None:
    async def refusing(talker: Talker) -> None:
        await talker.listen(1)
        await talker.say({"type": "error", "error": {field: code, "message": "no"}})
        await talker.listen_to_the_end()

    assert arrivals_of(Service(refusing), 1) == [LOST[code]]
    assert REMEDIES[LOST[code].code] in problem_in(caplog, "link-lost")


@each_code
def test_an_http_status(code: str) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(http.HTTPStatus.BAD_REQUEST, json.dumps({"error": {"code": code}}))

    assert arrivals_of(Service(), 1, process_request=refuse) == [LOST[code]]


@each_code
@pytest.mark.parametrize("is_open", [False, True], ids=["before the session is open", "in an open session"])
def test_a_close(code: str, is_open: bool) -> None:  # noqa: FBT001 - a test's parameter
    async def closing(talker: Talker) -> None:
        if is_open:
            await talker.accept()
        await talker.connection.close(1011 if code == "server_error" else 3000, f"invalid_request_error.{code}")

    arrivals = arrivals_of(Service(closing), 1 + is_open)

    assert arrivals == [LinkOpened(), LOST[code]] if is_open else [LOST[code]]


@each_code
@pytest.mark.parametrize("field", ["code", "type"])
def test_an_error_in_an_open_session(code: str, field: str, caplog: pytest.LogCaptureFixture) -> None:
    arrivals = arrivals_of(saying({"type": "error", "error": {field: code, "message": "no"}}), 2)

    complained = ServiceComplained(code, LOST[code].code, has_broken=code == "server_error")
    assert arrivals == [LinkOpened(), complained if code in SURVIVED else LOST[code]]
    _is_logged(code, caplog)


@each_code
@pytest.mark.parametrize("field", ["code", "type"])
def test_an_answer_that_failed(code: str, field: str, caplog: pytest.LogCaptureFixture) -> None:
    arrivals = arrivals_of(saying(failed(**{field: code, "message": "no"})), 2)

    ended = ResponseEnded("r1", ResponseStatus.FAILED, fault=LOST[code].code, has_broken=code == "server_error")
    assert arrivals[-1] == (ended if code in SURVIVED else LOST[code])
    _is_logged(code, caplog)


def _is_logged(code: str, caplog: pytest.LogCaptureFixture) -> None:
    """Look for the code and the remedy in the log, whether or not it was the session's end."""
    (complaint,) = [vars(record)["fields"] for record in caplog.records if record.msg == "service-complains"]
    assert complaint["code"] == code
    where = "service-complains" if code in SURVIVED else "link-lost"
    assert REMEDIES[LOST[code].code] in problem_in(caplog, where)


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [("content_filter", "Ask again in other words."), ("max_output_tokens", "Raise service.max_output_tokens")],
)
def test_an_answer_that_was_broken_off_is_logged_with_its_reason_and_a_remedy(
    reason: str, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = {"id": "r1", "status": "incomplete", "status_details": {"type": "incomplete", "reason": reason}}
    arrivals = arrivals_of(saying({"type": "response.done", "response": response}), 2)

    assert arrivals[-1] == ResponseEnded("r1", ResponseStatus.INCOMPLETE, fault="answer-failed")
    assert remedy in problem_in(caplog, "service-complains")


def test_an_answer_that_failed_without_a_reason_is_logged_as_failed(caplog: pytest.LogCaptureFixture) -> None:
    arrivals_of(saying({"type": "response.done", "response": {"id": "r1", "status": "failed"}}), 2)

    (complaint,) = [vars(record)["fields"] for record in caplog.records if record.msg == "service-complains"]
    assert complaint == {"code": "failed"}


def test_the_log_names_the_field_that_the_service_refused(caplog: pytest.LogCaptureFixture) -> None:
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "no", "param": "audio_end_ms"}
    arrivals_of(saying({"type": "error", "error": error}), 1)

    (complaint,) = [vars(record)["fields"] for record in caplog.records if record.msg == "service-complains"]
    assert complaint == {"code": "invalid_value", "param": "audio_end_ms"}


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_completed_or_cancelled_answer_is_not_logged_as_an_error(
    status: str, caplog: pytest.LogCaptureFixture
) -> None:
    details = {"type": status, "reason": "turn_detected"}
    response = {"id": "r1", "status": status, "status_details": details}
    arrivals = arrivals_of(saying({"type": "response.done", "response": response}), 2)

    assert arrivals[-1] == ResponseEnded("r1", ResponseStatus(status))
    assert "service-complains" not in [record.msg for record in caplog.records]


def test_an_account_without_credit_has_its_light_and_tone_even_if_only_an_answer_reports_it() -> None:
    """End to end: the service opens the session, begins the answer, and fails it for lack of credit."""
    created = {"type": "response.created", "response": {"id": "r1"}}
    quota = failed(type="insufficient_quota", code="insufficient_quota", message="You exceeded your current quota.")
    conversation = Conversation(Policy(), chance=lambda: 0.5)
    orders = conversation.handle(WakeWordHeard("word", 0.9, 0), 0.0)
    for arrival in arrivals_of(saying({"type": "input_audio_buffer.committed"}, created, quota), 4):
        assert isinstance(arrival, Event)
        orders += conversation.handle(arrival, 1.0)

    assert orders[-4] == ShowLight(Light.FAULT, "no-credit")
    assert orders[-1] == PlayEarcon(Earcon.NO_CREDIT)
