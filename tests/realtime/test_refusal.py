"""Failures to open a session: each cause has its own error and one printable line."""

import socket
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from python_socks import ProxyError as SocksError
from websockets import exceptions
from websockets.datastructures import Headers
from websockets.frames import Close
from websockets.http11 import Response

from edgevoice.errors import (
    ClockWrong,
    KeyRefused,
    LinkError,
    NoCredit,
    ProxyRefused,
    ServiceBusy,
    ServiceNonsense,
    ServiceRefused,
    ServiceUnreachable,
    SessionEnded,
)
from edgevoice.realtime.refusal import closed, dial_failure, fatal, setup_refused

HOST = "box.local:8080"
NASTY = "\x1b[2J\x9b31m\r\nSep 01 root: all is well\x00\u202e\u2028"


def status(code: int, body: bytes = b"") -> exceptions.InvalidStatus:
    return exceptions.InvalidStatus(Response(code, "", Headers(), body))


def proxy_status(code: int, body: bytes = b"") -> exceptions.InvalidProxyStatus:
    return exceptions.InvalidProxyStatus(Response(code, "", Headers(), body))


def certificate(verify_code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = verify_code
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return error


def close(code: int, reason: str = "") -> exceptions.ConnectionClosedError:
    return exceptions.ConnectionClosedError(Close(code, reason), None)


_OUT_OF_QUOTA = (
    b'{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more '
    b'information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",'
    b'"type":"insufficient_quota","param":null,"code":"insufficient_quota"}}'
)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FAILURES: list[tuple[Exception, type[LinkError], str]] = [
    (status(401, b"Invalid key"), KeyRefused, "box.local:8080 refused the key (401): Invalid key"),
    (status(403), KeyRefused, "refused the key (403)"),
    (status(402, b'{"error":"payment_required"}'), NoCredit, 'has no credit (402): {"error":"payment_required"}'),
    (status(429), ServiceBusy, "too many sessions or requests (429)"),
    (status(429, _OUT_OF_QUOTA), NoCredit, "has no credit (429): {"),
    (status(403, b"billing_hard_limit_reached"), NoCredit, "has no credit (403): billing"),
    (status(500), ServiceBusy, "cannot take the session now (500)"),
    (status(503, b"overloaded"), ServiceBusy, "cannot take the session now (503): overloaded"),
    (status(400, b"no such model"), ServiceRefused, "refused the session (400): no such model"),
    (status(404), ServiceRefused, "refused the session (404)"),
    (status(400, b'{"error":{"code":"invalid_api_key"}}'), KeyRefused, "refused the key (400)"),
    (status(500, b'{"error":{"code":"insufficient_quota"}}'), NoCredit, "has no credit (500)"),
    (status(403, b'{"error":{"code":"rate_limit_exceeded"}}'), ServiceBusy, "cannot take the session now (403)"),
    (status(410, b"session_expired"), SessionEnded, "says that the session is over (410)"),
    (status(599), ServiceBusy, "cannot take the session now (599)"),
    (status(599), ServiceBusy, "cannot take the session now (599)"),
    (status(499), ServiceRefused, "refused the session (499)"),
    (status(299), ServiceRefused, "answers with a web page instead of a WebSocket (299)"),
    (status(300), ServiceRefused, "refused the session (300)"),
    (status(302), ServiceRefused, "refused the session (302)"),
    (status(200), ServiceRefused, "answers with a web page instead of a WebSocket (200)"),
    (certificate(9), ClockWrong, "not valid at this machine's time"),
    (certificate(10), ClockWrong, "not valid at this machine's time"),
    (certificate(18), ServiceUnreachable, "no secure connection to box.local:8080: CERTIFICATE_VERIFY_FAILED"),
    (ssl.SSLError(1, "wrong version number"), ServiceUnreachable, "no secure connection to box.local:8080"),
    (exceptions.ProxyError("no"), ProxyRefused, "the proxy refused to connect"),
    (proxy_status(407), ProxyRefused, "the proxy refused to connect to box.local:8080 (407)"),
    (proxy_status(403, b"not you"), ProxyRefused, "the proxy refused to connect to box.local:8080 (403): not you"),
    (proxy_status(500), ServiceUnreachable, "the proxy could not reach box.local:8080 (500)"),
    (proxy_status(502), ServiceUnreachable, "the proxy could not reach box.local:8080 (502)"),
    (caused(exceptions.ProxyError("no"), SocksError("not allowed", 2)), ProxyRefused, "refused to connect"),
    (
        caused(exceptions.ProxyError("no"), SocksError("no user")),
        ProxyRefused,
        "refused to connect to box.local:8080: no",
    ),
    (caused(exceptions.ProxyError("no"), SocksError("no host", 4)), ServiceUnreachable, "could not reach"),
    (exceptions.InvalidProxyMessage("no"), ProxyRefused, "does not answer like a proxy"),
    (caused(exceptions.InvalidProxyMessage("no"), EOFError("x")), ServiceUnreachable, "the proxy for"),
    (exceptions.InvalidProxy("x://me:secret@y", "scheme x"), ProxyRefused, "cannot be used: scheme x"),
    (ImportError("connecting through a SOCKS proxy requires python-socks"), ServiceUnreachable, "python-socks"),
    (exceptions.InvalidURI("ws://", "hostname isn't provided"), ServiceRefused, "is not a WebSocket address"),
    (ValueError("Port out of range 0-65535"), ServiceRefused, "is not a WebSocket address"),
    (UnicodeError("label too long"), ServiceRefused, "is not a WebSocket address"),
    (exceptions.InvalidUpgrade("Upgrade"), ServiceNonsense, "does not switch to WebSocket: missing Upgrade header"),
    (exceptions.InvalidMessage("no"), ServiceNonsense, "does not speak WebSocket: no"),
    (
        exceptions.SecurityError("more than 10 redirects"),
        ServiceNonsense,
        "does not speak WebSocket: more than 10 redirects",
    ),
    (caused(exceptions.InvalidMessage("no"), EOFError("x")), ServiceUnreachable, "closed the connection"),
    (caused(exceptions.InvalidMessage("no"), ConnectionResetError(104, "x")), ServiceUnreachable, "closed the"),
    (EOFError("stream ends"), ServiceUnreachable, "closed the connection"),
    (exceptions.ConnectionClosedOK(Close(1000, ""), None), ServiceUnreachable, "closed the connection before"),
    (exceptions.ConnectionClosedError(None, None), ServiceUnreachable, "closed the connection before"),
    (close(1001), ServiceUnreachable, "before the session was open (1001)"),
    (close(1001, "model server goes away"), ServiceUnreachable, "(1001: model server goes away)"),
    (close(1006), ServiceUnreachable, "before the session was open (1006)"),
    (close(1011, "no billing backend, no authorization"), ServiceBusy, "(1011: no billing"),
    (close(1011, "insufficient_quota"), NoCredit, "(1011: insufficient_quota)"),
    (close(1012), ServiceBusy, "(1012)"),
    (close(1013, "try again"), ServiceBusy, "(1013: try again)"),
    (close(1008, "too many sessions"), ServiceBusy, "(1008: too many sessions)"),
    (close(1008, "unknown model"), ServiceRefused, "(1008: unknown model)"),
    (close(1008), ServiceRefused, "(1008)"),
    (close(1008, "Not authorized"), KeyRefused, "(1008: Not authorized)"),
    (close(1008, "you are out of credit"), NoCredit, "(1008: you are out of credit)"),
    (close(3000, "invalid_request_error.invalid_api_key"), KeyRefused, "(3000: invalid_request_error.invalid"),
    (close(3000, "invalid_request_error.invalid_model"), ServiceRefused, "(3000: invalid_request_error.invalid"),
    (close(4000, "x" * 120), ServiceUnreachable, "(4000: x"),
    (exceptions.ProtocolError("bad frame"), ServiceNonsense, "does not speak WebSocket: bad frame"),
    (TimeoutError("timed out during opening handshake"), ServiceUnreachable, "box.local:8080 does not answer"),
    (ConnectionRefusedError(111, "Connection refused"), ServiceUnreachable, "no connection to box.local:8080: Conn"),
    (socket.gaierror(-2, "Name or service not known"), ServiceUnreachable, "Name or service not known"),
    (OSError("Multiple exceptions: [Errno 111] refused"), ServiceUnreachable, "no connection to box.local:8080"),
    (ConnectionResetError(), ServiceUnreachable, "no connection to box.local:8080: ConnectionResetError"),
]


@pytest.mark.parametrize(
    ("failure", "kind", "words"), FAILURES, ids=[f"{type(one[0]).__name__}-{one[1].code}" for one in FAILURES]
)
def test_every_failure_to_dial_has_its_own_error(failure: Exception, kind: type[LinkError], words: str) -> None:
    refused = dial_failure(failure, HOST, hide=str)

    assert type(refused) is kind
    assert words in str(refused)
    assert refused.line().isprintable()


def subclasses(base: type[Exception]) -> Iterator[type[Exception]]:
    for one in base.__subclasses__():
        yield one
        yield from subclasses(one)


def test_whatever_the_library_raises_in_a_dial_is_an_error_of_ours() -> None:
    """Also a class that the next version adds: an unexpected exception would end the daemon."""
    kinds = {kind for kind in subclasses(exceptions.WebSocketException) if kind.__module__.startswith("websockets")}
    assert len(kinds) > 15

    for kind in kinds:
        error = kind.__new__(kind)
        vars(error).update(dict.fromkeys(("name", "value", "msg"), "x"))
        if isinstance(error, exceptions.InvalidStatus):
            error = status(500)
        if isinstance(error, exceptions.InvalidProxyStatus):
            error = proxy_status(403)
        assert isinstance(dial_failure(error, HOST, hide=str), LinkError), kind


def test_a_bug_of_ours_is_not_taken_for_a_network_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        dial_failure(ZeroDivisionError(), HOST, hide=str)


def test_temporary_refusals_are_distinguished_from_permanent_ones() -> None:
    again = {type(dial_failure(error, HOST, hide=str)) for error, kind, _ in FAILURES if kind.is_retriable}
    never = {type(dial_failure(error, HOST, hide=str)) for error, kind, _ in FAILURES if not kind.is_retriable}

    assert again == {ServiceBusy, ServiceUnreachable, SessionEnded}
    assert never == {KeyRefused, NoCredit, ProxyRefused, ServiceRefused, ClockWrong, ServiceNonsense}


@pytest.mark.parametrize(
    ("code", "text", "param", "kind", "words"),
    [
        ("session_expired", "", None, SessionEnded, "the service ended the session"),
        ("server_error", "try again", None, ServiceBusy, "the service is busy: try again"),
        ("rate_limit_exceeded", "", None, ServiceBusy, "the service is busy"),
        ("invalid_api_key", "Incorrect API key", None, KeyRefused, "refused the key: Incorrect API key"),
        ("", "Invalid authorization credentials", None, KeyRefused, "Invalid authorization credentials"),
        ("insufficient_quota", "You exceeded", None, NoCredit, "has no credit: You exceeded"),
        ("payment_required", "", None, NoCredit, "has no credit"),
        (
            "invalid_value",
            "Unsupported transcription model",
            "session.audio.input.transcription.model",
            ServiceRefused,
            "refused the session (session.audio.input.transcription.model): Unsupported transcription model",
        ),
        ("model_not_found", "", None, ServiceRefused, "refused the session: model_not_found"),
    ],
)
def test_an_error_before_the_session_is_open_is_classified_by_its_code(
    code: str, text: str, param: str | None, kind: type[LinkError], words: str
) -> None:
    refused = setup_refused({code} - {""}, text, param, str)

    assert type(refused) is kind
    assert words in str(refused)


def test_a_refused_model_is_reported_with_the_setting_that_names_it() -> None:
    refused = dial_failure(close(1008, "unknown model"), HOST, hide=str)
    assert refused.remedy.startswith("Check service.model in the settings")
    assert dial_failure(close(1008, "no"), HOST, hide=str).remedy == ServiceRefused.remedy
    assert setup_refused({"model_not_found"}, "", None, str).remedy.startswith("Check service.model in the settings")
    assert setup_refused({"invalid_value"}, "", None, str).remedy == ServiceRefused.remedy


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ({"invalid_request_error", "account_deactivated"}, KeyRefused),
        ({"billing_hard_limit_reached"}, NoCredit),
        ({"session_expired"}, SessionEnded),
    ],
)
def test_an_error_in_an_open_session_may_be_its_end(codes: set[str], kind: type[LinkError]) -> None:
    end = fatal(codes, "for \x1b[2J you", str)

    assert type(end) is kind
    assert str(end).endswith(": for you")


@pytest.mark.parametrize("codes", [set(), {"invalid_request_error", "invalid_value"}, {"server_error"}])
def test_most_errors_in_an_open_session_are_not_its_end(codes: set[str]) -> None:
    assert fatal(codes, "insufficient_quota, session_expired", str) is None


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (1000, "", "ended the session (1000)"),
        (1001, "session hit the maximum duration", "ended the session (1001: session hit the maximum duration)"),
        (None, "", "ended the session (no close code)"),
        (1008, "unknown model", "ended the session (1008: unknown model)"),
    ],
)
def test_the_end_of_an_open_session_is_reported_with_its_reason(code: int | None, reason: str, words: str) -> None:
    ended = closed(close(code, reason) if code else exceptions.ConnectionClosedError(None, None), str)

    assert type(ended) is SessionEnded
    assert words in str(ended)
    assert ended.is_retriable


@given(st.binary(max_size=2000))
@example(NASTY.encode())
@example(b"\xff\xfe" * 500)
def test_a_refusals_body_becomes_one_short_printable_line(body: bytes) -> None:
    line = str(dial_failure(status(400, body), HOST, hide=str))

    assert line.isprintable()
    assert len(line) < 300


@given(code=st.text(), text=st.text(), param=st.none() | st.text())
@example(code=NASTY, text="", param=None)
@example(code="", text=NASTY, param=NASTY)
@example(code="x" * 10_000, text="", param="y" * 10_000)
def test_an_errors_own_words_become_one_short_printable_line(code: str, text: str, param: str | None) -> None:
    line = str(setup_refused({code}, text, param, str))

    assert line.isprintable()
    assert len(line) < 700


@given(st.text(max_size=200))
@example(NASTY)
def test_a_reason_for_closing_becomes_one_short_printable_line(reason: str) -> None:
    assert str(closed(close(1008, reason), str)).isprintable()
