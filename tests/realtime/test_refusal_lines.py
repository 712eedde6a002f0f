"""The whole line shown for each failure to open a session: what happened, and what to do about it."""

import socket
import ssl

import pytest
from python_socks import ProxyError as SocksError
from websockets import exceptions

from edgevoice.errors import (
    AnswerFailed,
    ClockWrong,
    EdgevoiceError,
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
from edgevoice.realtime.refusal import closed, dial_failure, passing, plain, setup_refused
from tests.realtime.test_refusal import HOST, caused, close, proxy_status, status

PROXY = "proxy.lan:3128"

ADDRESS = "Check the host and the path in service.url: no Realtime service answers there."
MODEL = "Check service.model in the settings: the service does not accept it."
TRAFFIC = "Check the address; a proxy or firewall may be reading the traffic."
PORT = "Check the port in service.url; the address of a service without encryption begins with ws://."
UPGRADE = "Check service.url; a web server in front of the service must pass on Upgrade and Connection."
SOCKS = "Install it: pip install python-socks, or unset all_proxy."
NETWORK_AND_PROXY = "Check the network, and the proxy named by https_proxy, wss_proxy or all_proxy."
TOO_LONG = "the answer is longer than the service or service.max_output_tokens allows"


def untrusted(why: str, reason: str | None = None, code: int = 18) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, why
    error.reason = reason  # type: ignore[assignment]  # an error that was raised in Python has none
    return error


def insecure(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "handshake failed")
    error.reason = reason
    return error


def socks(number: int | None = None, said: str = "said") -> Exception:
    return caused(exceptions.ProxyError("no"), SocksError(said) if number is None else SocksError(said, number))


class IncompleteReadError(Exception):
    """Named as the library's own, which it does not export."""


LINES: list[tuple[Exception, type[LinkError], str, str | None]] = [
    (status(200), ServiceRefused, f"{HOST} answers with a web page instead of a WebSocket (200)", ADDRESS),
    (status(299), ServiceRefused, f"{HOST} answers with a web page instead of a WebSocket (299)", ADDRESS),
    (status(300), ServiceRefused, f"{HOST} refused the session (300)", None),
    (status(403), KeyRefused, f"{HOST} refused the key (403)", None),
    (status(404), ServiceRefused, f"{HOST} refused the session (404)", ADDRESS),
    (status(405), ServiceRefused, f"{HOST} refused the session (405)", None),
    (status(404, b"invalid_api_key"), KeyRefused, f"{HOST} refused the key (404): invalid_api_key", None),
    (status(200, b"invalid_api_key"), KeyRefused, f"{HOST} refused the key (200): invalid_api_key", None),
    (status(402), NoCredit, f"{HOST} says that the account has no credit (402)", None),
    (
        status(410, b"session_expired"),
        SessionEnded,
        f"{HOST} says that the session is over (410): session_expired",
        None,
    ),
    (status(429), ServiceBusy, f"{HOST} has too many sessions or requests (429)", None),
    (status(499), ServiceRefused, f"{HOST} refused the session (499)", None),
    (status(501), ServiceBusy, f"{HOST} cannot take the session now (501)", None),
    (untrusted("self-signed"), ServiceUnreachable, f"no secure connection to {HOST}: self-signed", TRAFFIC),
    (untrusted("", "VERIFY_FAILED"), ServiceUnreachable, f"no secure connection to {HOST}: VERIFY_FAILED", TRAFFIC),
    (
        untrusted("expired", None, 10),
        ClockWrong,
        f"the certificate of {HOST} is not valid at this machine's time",
        None,
    ),
    *[
        (
            insecure(reason),
            ServiceUnreachable,
            f"no secure connection to {HOST}: the server does not speak TLS",
            PORT,
        )
        for reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")
    ],
    (insecure("ALERT"), ServiceUnreachable, f"no secure connection to {HOST}: ALERT", TRAFFIC),
    (ssl.SSLError("in Python"), ServiceUnreachable, f"no secure connection to {HOST}: SSLError", TRAFFIC),
    (
        exceptions.InvalidUpgrade("Upgrade"),
        ServiceNonsense,
        f"{HOST} does not switch to WebSocket: missing Upgrade header",
        UPGRADE,
    ),
    (
        caused(exceptions.InvalidMessage("no"), ValueError("body too large")),
        ServiceNonsense,
        f"{HOST} does not speak WebSocket: body too large",
        None,
    ),
    (
        exceptions.InvalidHeader("X", "y"),
        ServiceNonsense,
        f"{HOST} does not speak WebSocket: invalid X header: y",
        None,
    ),
    (exceptions.WebSocketException(), ServiceNonsense, f"{HOST} does not speak WebSocket: WebSocketException", None),
    (
        ImportError("no"),
        ServiceUnreachable,
        f"{HOST} is behind a SOCKS proxy, and python-socks is not installed",
        SOCKS,
    ),
    (ValueError("no"), ServiceRefused, f"service.url is not a WebSocket address: {HOST}", None),
    (socket.gaierror("odd"), ServiceUnreachable, f"no connection to {HOST}: the name cannot be resolved", None),
    (
        OSError("Multiple exceptions: [Errno 111] a, [Errno 113] b, [Errno 111] c"),
        ServiceUnreachable,
        f"no connection to {HOST}: Connection refused, No route to host",
        None,
    ),
    (OSError(101, "its own words"), ServiceUnreachable, f"no connection to {HOST}: Network is unreachable", None),
    (ConnectionResetError(), ServiceUnreachable, f"no connection to {HOST}: ConnectionResetError", None),
    (
        exceptions.ConnectionClosedError(None, None),
        ServiceUnreachable,
        f"{HOST} closed the connection before the session was open",
        None,
    ),
    (proxy_status(407), ProxyRefused, f"the proxy refused to connect to {HOST} (407)", None),
    (proxy_status(499), ProxyRefused, f"the proxy refused to connect to {HOST} (499)", None),
    (exceptions.ProxyError(""), ProxyRefused, f"the proxy refused to connect to {HOST}", None),
    *[
        (socks(number), ServiceUnreachable, f"the proxy could not reach {HOST} (SOCKS {number})", None)
        for number in (1, 3, 4, 5, 6)
    ],
    *[
        (socks(number), ProxyRefused, f"the proxy refused to connect to {HOST}: said", None)
        for number in (None, 0, 2, 7)
    ],
    *[
        (error, ServiceUnreachable, f"the proxy for {HOST} closed the connection instead of answering", None)
        for error in (
            caused(exceptions.InvalidProxyMessage("no"), EOFError("no")),
            caused(exceptions.ProxyError("no"), caused(SocksError("no"), IncompleteReadError())),
        )
    ],
]


@pytest.mark.parametrize(("failure", "kind", "problem", "remedy"), LINES, ids=[str(line[2]) for line in LINES])
def test_each_failure_to_dial_is_one_line_with_what_to_do(
    failure: Exception, kind: type[LinkError], problem: str, remedy: str | None
) -> None:
    refused = dial_failure(failure, HOST, hide=str)

    assert type(refused) is kind
    assert refused.line() == f"{problem}. {remedy or kind.remedy}"


@pytest.mark.parametrize(
    ("failure", "problem", "remedy"),
    [
        (
            OSError(111, "no"),
            f"no connection to {HOST} through the proxy {PROXY}: Connection refused",
            NETWORK_AND_PROXY,
        ),
        (TimeoutError(), f"{HOST} through the proxy {PROXY} does not answer", ServiceUnreachable.remedy),
    ],
    ids=repr,
)
def test_a_network_that_fails_behind_a_proxy_names_it(failure: OSError, problem: str, remedy: str) -> None:
    assert dial_failure(failure, HOST, proxy=PROXY, hide=str).line() == f"{problem}. {remedy}"


KEY, CREDIT, BUSY = KeyRefused, NoCredit, ServiceBusy
CLOSES: list[tuple[str, type[LinkError], type[LinkError], str | None]] = [
    ("Authorization fails", KEY, ServiceUnreachable, None),
    ("not Unauthenticated here", KEY, ServiceUnreachable, None),
    ("wrong API key", KEY, ServiceUnreachable, None),
    ("the Quota is used up", CREDIT, ServiceUnreachable, None),
    ("Billing is off", CREDIT, ServiceUnreachable, None),
    ("a Payment is due", CREDIT, ServiceUnreachable, None),
    ("you are out of credit", CREDIT, ServiceUnreachable, None),
    ("there is no credit", CREDIT, ServiceUnreachable, None),
    ("Too many of you", BUSY, BUSY, None),
    ("a Rate limit", BUSY, BUSY, None),
    ("no Capacity left", BUSY, BUSY, None),
    ("an invalid_request it is", ServiceRefused, ServiceRefused, None),
    ("Unknown model here", ServiceRefused, ServiceRefused, MODEL),
    ("model_not_found", ServiceRefused, ServiceRefused, MODEL),
    ("nothing", ServiceUnreachable, ServiceUnreachable, None),
]


@pytest.mark.parametrize(("reason", "kind", "when_leaving", "remedy"), CLOSES, ids=[line[0] for line in CLOSES])
def test_a_close_with_a_sentence_is_classified_by_its_words(
    reason: str, kind: type[LinkError], when_leaving: type[LinkError], remedy: str | None
) -> None:
    """A service that only goes away (1001) may say so of whatever looks up keys and credit."""
    for code, expected in ((4000, kind), (1001, when_leaving)):
        refused = dial_failure(close(code, reason), HOST, hide=str)
        problem = f"{HOST} closed the connection before the session was open ({code}: {reason})"
        assert type(refused) is expected
        assert refused.line() == f"{problem}. {remedy or expected.remedy}"


@pytest.mark.parametrize(
    ("codes", "text", "kind", "problem", "remedy"),
    [
        ({"insufficient_quota"}, "", NoCredit, "the account has no credit", None),
        ({"invalid_api_key"}, "", KeyRefused, "the service refused the key", None),
        ({"session_expired"}, "", SessionEnded, "the service ended the session", None),
        ({"server_error"}, "no authorization", ServiceBusy, "the service is busy: no authorization", None),
        (set(), "Not AUTHORIZED", KeyRefused, "the service refused the key: Not AUTHORIZED", None),
        ({"invalid_model"}, "", ServiceRefused, "the service refused the session: invalid_model", MODEL),
        ({"b", "a"}, "", ServiceRefused, "the service refused the session: a b", None),
    ],
    ids=["credit", "key", "expired", "busy", "words", "model", "two codes"],
)
def test_a_refused_configuration_is_one_line_with_what_to_do(
    codes: set[str], text: str, kind: type[LinkError], problem: str, remedy: str | None
) -> None:
    refused = setup_refused(codes, text, None, str)

    assert type(refused) is kind
    assert refused.line() == f"{problem}. {remedy or kind.remedy}"


@pytest.mark.parametrize(
    ("code", "kind", "line"),
    [
        ("server_error", ServiceBusy, "the service cannot answer now. Wait a minute and ask again."),
        ("content_filter", AnswerFailed, "the service's content filter stopped the answer. Ask again in other words."),
        (
            "max_output_tokens",
            AnswerFailed,
            f"{TOO_LONG}. Raise service.max_output_tokens in the settings, or ask for a shorter answer.",
        ),
    ],
)
def test_a_temporary_error_is_one_line_with_what_to_do(code: str, kind: type[EdgevoiceError], line: str) -> None:
    complaint = passing({code})

    assert type(complaint) is kind
    assert complaint.line() == line


def test_a_session_that_ends_without_a_reason_is_one_line_too() -> None:
    ended = closed(exceptions.ConnectionClosedError(None, None), str)

    assert ended.line() == f"the service ended the session (no close code). {SessionEnded.remedy}"


def test_a_services_text_is_read_to_1600_characters_and_shown_to_200() -> None:
    assert plain(" " * 1599 + "ab", str) == "a"
    assert plain(" " * 1600 + "a", str) == ""
    assert plain("x" * 1600, str) == "x" * 200
