"""Why a session was refused: each cause has its own error, and so its own light and remedy.

A service, or a proxy on the way, may repeat the key in its texts: every function that receives such a text also
receives ``hide``, which removes secrets from it (see `redaction`).
"""

import os
import re
import socket
import ssl
from collections.abc import Callable, Collection

from python_socks import ProxyError as SocksError
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHeader,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    ProxyError,
    WebSocketException,
)
from websockets.frames import Close, CloseCode

from edgevoice.core.printable import one_line
from edgevoice.core.protocol import complaints
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

_LONGEST_REASON = 200

_KEY_WORDS = {"authoriz", "unauthenticated", "api key"}
_CREDIT_WORDS = {"quota", "billing", "payment", "out of credit", "no credit"}
_BUSY_WORDS = {"too many", "rate limit", "capacity"}
_REFUSING_WORDS = {"invalid_request", "unknown model", "model_not_found"}
"""Phrases that identify a reason without a known code: some services close with a sentence."""

_MODEL_CODES = {"model_not_found", "invalid_model"}

_BUSY_CLOSES = {CloseCode.INTERNAL_ERROR, CloseCode.SERVICE_RESTART, CloseCode.TRY_AGAIN_LATER}
_HICCUPS = {*_BUSY_CLOSES, CloseCode.GOING_AWAY}

_CHECK_MODEL = "Check service.model in the settings: the service does not accept it."

_ERRNO = re.compile(r"\[Errno (\d+)\]")
"""How asyncio reports failures of a host with several addresses: as text, in one error."""

Hide = Callable[[str], str]
"""Returns a text without the secrets in it."""

_CHECK_ADDRESS = "Check the host and the path in service.url: no Realtime service answers there."

_SOCKS_NO_WAY = {1, 3, 4, 5, 6}
"""Replies of RFC 1928 with which the proxy blames the network behind it; 2 is "not allowed by ruleset"."""


_SOCKS_HUNG_UP = "IncompleteReadError"
"""The library's own error, which it does not export."""


def dial_failure(error: Exception, host: str, *, proxy: str = "", hide: Hide) -> LinkError:
    """Return what a failed dial means; an error that has nothing to do with the network is raised again unchanged.

    ``proxy`` is the proxy on the way, as host and port; empty without one.
    """
    match error:
        case InvalidStatus():
            return _by_status(error.response.status_code, bytes(error.response.body or b""), host, hide)
        case ssl.SSLError():
            return _by_tls(error, host)
        case ProxyError() | InvalidProxy():
            return _by_proxy(error, host, hide)
        case ImportError():
            return ServiceUnreachable(
                f"{host} is behind a SOCKS proxy, and python-socks is not installed",
                remedy="Install it: pip install python-socks, or unset all_proxy.",
            )
        case InvalidURI() if error.msg:
            return ServiceRefused(f"service.url is not a WebSocket address: {host}: {plain(error.msg, hide)}")
        case ValueError():
            return ServiceRefused(f"service.url is not a WebSocket address: {host}")
        case ConnectionClosed(rcvd=Close(code=code, reason=reason)):
            return _by_close(code, reason, host, hide)
        case ConnectionClosed():
            return ServiceUnreachable(f"{host} closed the connection before the session was open")
        case EOFError() | InvalidMessage(__cause__=EOFError() | OSError()):
            return ServiceUnreachable(f"{host} closed the connection instead of answering")
        case WebSocketException():
            return _by_handshake(error, host, hide)
        case OSError():
            return _by_network(error, host, proxy)
        case _:
            raise error


def setup_refused(codes: Collection[str], text: str, param: str | None, hide: Hide) -> LinkError:
    """Return what an ``error`` event means before the session is open: the whole configuration was rejected."""
    said = plain(text, hide)
    kind = complaints.kind_of(codes)
    if kind is None and "authoriz" in text.casefold():
        kind = KeyRefused
    if kind is not None:
        return _error(kind, said)
    where = f" ({plain(param, hide)})" if param else ""
    refused = f"the service refused the session{where}: {said or plain(' '.join(sorted(codes)), hide)}"
    return ServiceRefused(refused, remedy=None if _MODEL_CODES.isdisjoint(codes) else _CHECK_MODEL)


def fatal(codes: Collection[str], text: str, hide: Hide) -> LinkError | None:
    """Return what a complaint in an open session means if it ends the session, with a close or without.

    A complaint is an ``error`` event, or what a failed answer says about its failure.
    """
    kind = complaints.kind_of(codes)
    return _error(kind, plain(text, hide)) if kind in complaints.ENDS_SESSION else None


def passing(codes: Collection[str]) -> EdgevoiceError | None:
    """Return what a complaint means that leaves the session open; ``None`` if its codes are not known."""
    if complaints.kind_of(codes) is ServiceBusy:
        return ServiceBusy("the service cannot answer now", remedy="Wait a minute and ask again.")
    if "content_filter" in codes:
        return AnswerFailed("the service's content filter stopped the answer", remedy="Ask again in other words.")
    if "max_output_tokens" in codes:
        return AnswerFailed(
            "the answer is longer than the service or service.max_output_tokens allows",
            remedy="Raise service.max_output_tokens in the settings, or ask for a shorter answer.",
        )
    return None


def closed(end: ConnectionClosed, hide: Hide) -> LinkError:
    """Return what the end of an open session means; 1000 and 1001 are normal ends, unless the reason has a code."""
    if end.rcvd is None:
        return SessionEnded("the service ended the session (no close code)")
    code, reason = end.rcvd.code, end.rcvd.reason
    said = f"the service ended the session ({code}{': ' + plain(reason, hide) if reason else ''})"
    return (complaints.kind_in(reason) or SessionEnded)(said)


def _error(kind: type[LinkError], said: str) -> LinkError:
    what = {
        NoCredit: "the account has no credit",
        KeyRefused: "the service refused the key",
        SessionEnded: "the service ended the session",
        ServiceBusy: "the service is busy",
    }[kind]
    return kind(f"{what}: {said}" if said else what)


def _by_status(status: int, body: bytes, host: str, hide: Hide) -> LinkError:
    words = plain(body, hide)
    # In the whole body: the code comes after the sentence, which can be longer than what is shown.
    kind = complaints.kind_in(body.decode("utf-8", "replace")) or complaints.kind_of({str(status)})
    if kind is None and status >= 500:
        kind = ServiceBusy
    what: dict[type[LinkError] | None, str] = {
        NoCredit: "says that the account has no credit",
        KeyRefused: "refused the key",
        SessionEnded: "says that the session is over",
        ServiceBusy: "has too many sessions or requests" if status == 429 else "cannot take the session now",
        None: "answers with a web page instead of a WebSocket" if status < 300 else "refused the session",
    }
    remedy = _CHECK_ADDRESS if kind is None and (status < 300 or status == 404) else None
    return (kind or ServiceRefused)(f"{host} {what[kind]} ({status}){': ' + words if words else ''}", remedy=remedy)


def _by_close(code: int, reason: str, host: str, hide: Hide) -> LinkError:
    """Return what a close before the session is open means, judged by a code in its reason, then by its words."""
    words = reason.casefold()
    why = f"{code}: {plain(reason, hide)}" if reason else str(int(code))
    said = f"{host} closed the connection before the session was open ({why})"
    if (kind := complaints.kind_in(reason)) is not None:
        return kind(said)
    # The part that looks up keys and credit may be what failed: then only a code names the cause.
    if code not in _HICCUPS and _holds(words, _CREDIT_WORDS):
        return NoCredit(said)
    if code not in _HICCUPS and _holds(words, _KEY_WORDS):
        return KeyRefused(said)
    if code in _BUSY_CLOSES or _holds(words, _BUSY_WORDS):
        return ServiceBusy(said)
    if code != CloseCode.POLICY_VIOLATION and not _holds(words, _REFUSING_WORDS):
        return ServiceUnreachable(said)
    return ServiceRefused(said, remedy=_CHECK_MODEL if "model" in words else None)


def _holds(words: str, any_of: Collection[str]) -> bool:
    return any(one in words for one in any_of)


def _by_tls(error: ssl.SSLError, host: str) -> LinkError:
    remedy = "Check the address; a proxy or firewall may be reading the traffic."
    match error:
        case ssl.SSLCertVerificationError(verify_code=9 | 10):
            return ClockWrong(f"the certificate of {host} is not valid at this machine's time")
        case ssl.SSLCertVerificationError(verify_message=str(why)) if why:
            return ServiceUnreachable(f"no secure connection to {host}: {why}", remedy=remedy)
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST" | "UNKNOWN_PROTOCOL"):
            return ServiceUnreachable(
                f"no secure connection to {host}: the server does not speak TLS",
                remedy="Check the port in service.url; the address of a service without encryption begins with ws://.",
            )
        case _:
            # An error raised by Python, not by OpenSSL, has no reason.
            why = getattr(error, "reason", None) or type(error).__name__
            return ServiceUnreachable(f"no secure connection to {host}: {why}", remedy=remedy)


def _by_handshake(error: WebSocketException, host: str, hide: Hide) -> LinkError:
    """Return what an answer means that does not complete the WebSocket handshake; the library says why, in words."""
    match error:
        case InvalidMessage(__cause__=Exception() as cause):
            return ServiceNonsense(f"{host} does not speak WebSocket: {plain(str(cause), hide)}")
        case InvalidUpgrade():
            return ServiceNonsense(
                f"{host} does not switch to WebSocket: {plain(str(error), hide)}",
                remedy="Check service.url; a web server in front of the service must pass on Upgrade and Connection.",
            )
        case _:
            name = type(error).__name__
            words = plain(str(error), hide) if error.args or isinstance(error, InvalidHeader) else ""
            return ServiceNonsense(f"{host} does not speak WebSocket: {words or name}")


def _by_network(error: OSError, host: str, proxy: str) -> LinkError:
    way = f"{host} through the proxy {proxy}" if proxy else host
    if isinstance(error, TimeoutError):
        return ServiceUnreachable(f"{way} does not answer")
    if isinstance(error, socket.gaierror):
        why = error.strerror or "the name cannot be resolved"
    else:
        # Not the error's own text: it repeats the address that was dialled.
        numbers = [error.errno] if error.errno else map(int, _ERRNO.findall(str(error)))
        why = ", ".join(dict.fromkeys(map(os.strerror, numbers))) or type(error).__name__
    remedy = "Check the network, and the proxy named by https_proxy, wss_proxy or all_proxy." if proxy else None
    return ServiceUnreachable(f"no connection to {way}: {why}", remedy=remedy)


def _by_proxy(error: ProxyError | InvalidProxy, host: str, hide: Hide) -> LinkError:
    """Return what went wrong at the proxy: one that refuses differs from one that cannot reach the host either."""
    match error:
        case InvalidProxy():
            # Without its address, which may contain a password.
            return ProxyRefused(f"the proxy named in the environment cannot be used: {plain(error.msg, hide)}")
        case InvalidProxyStatus() if error.response.status_code >= 500:
            return ServiceUnreachable(f"the proxy could not reach {host} ({error.response.status_code})")
        case InvalidProxyStatus():
            status, body = error.response.status_code, plain(bytes(error.response.body or b""), hide)
            return ProxyRefused(f"the proxy refused to connect to {host} ({status}){': ' + body if body else ''}")
        case InvalidProxyMessage(__cause__=EOFError() | OSError()):
            return _hung_up(host)
        case ProxyError(__cause__=SocksError(__cause__=cause)) if type(cause).__name__ == _SOCKS_HUNG_UP:
            return _hung_up(host)
        case InvalidProxyMessage():
            return ProxyRefused(f"the proxy named for {host} does not answer like a proxy")
        case ProxyError(__cause__=SocksError(error_code=code)) if code in _SOCKS_NO_WAY:
            return ServiceUnreachable(f"the proxy could not reach {host} (SOCKS {int(code)})")
        case _:
            said = plain(str(error.__cause__ or ""), hide)
            return ProxyRefused(f"the proxy refused to connect to {host}{': ' + said if said else ''}")


def _hung_up(host: str) -> LinkError:
    return ServiceUnreachable(f"the proxy for {host} closed the connection instead of answering")


def plain(words: str | bytes, hide: Hide) -> str:
    """Return foreign text as one short printable line without secrets: it is untrusted and goes into a log."""
    text = words[: 8 * _LONGEST_REASON]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    # Hide before cutting: half a key is harder to recognise.
    return hide(one_line(text))[:_LONGEST_REASON]
