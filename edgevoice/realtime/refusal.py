"""What went wrong at the door, told apart: each cause has its own error, and so its own light and remedy."""

import ssl
from collections.abc import Collection

from python_socks import ProxyError as SocksError
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    WebSocketException,
)
from websockets.frames import Close, CloseCode

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

_LONGEST_REASON = 200

# Codes after which no second try can help; the names are those that clients of OpenAI's service never retry on.
_KEY_CODES = {"invalid_api_key", "authentication_error", "account_deactivated"}
_CREDIT_CODES = {"insufficient_quota", "billing_hard_limit_reached", "payment_required"}
_OVER_CODES = {"session_expired"}

_KEY_WORDS = {*_KEY_CODES, "authoriz", "unauthenticated", "api key"}
_CREDIT_WORDS = {*_CREDIT_CODES, "quota", "billing", "payment", "out of credit", "no credit"}
_BUSY_WORDS = {"too many", "rate limit", "rate_limit", "capacity"}
_REFUSING_WORDS = {"invalid_request", "unknown model", "model_not_found"}
"""By which the reason of a close is told apart: it holds a code in some services and a sentence in others."""

_BUSY_CLOSES = {CloseCode.INTERNAL_ERROR, CloseCode.SERVICE_RESTART, CloseCode.TRY_AGAIN_LATER}
_HICCUPS = {*_BUSY_CLOSES, CloseCode.GOING_AWAY}

_SOCKS_NO_WAY = {1, 3, 4, 5, 6}
"""Replies of RFC 1928 by which the proxy is well and the network behind it is not; 2 is "not allowed by ruleset"."""


_SOCKS_HUNG_UP = "IncompleteReadError"
"""The library's own error, which it does not export."""


def dial_failure(error: Exception, host: str, *, proxy: str = "") -> LinkError:
    """Return what a failed dial means; an error that is not of the network is raised again as it is.

    ``proxy`` is the one on the way, as host and port, empty without one.
    """
    match error:
        case InvalidStatus():
            return _by_status(error.response.status_code, bytes(error.response.body or b""), host)
        case ssl.SSLCertVerificationError(verify_code=9 | 10):
            return ClockWrong(f"the certificate of {host} is not valid at this machine's time")
        case ssl.SSLError():
            return ServiceUnreachable(
                # An error that was raised in Python, and not by OpenSSL, has no reason.
                f"no secure connection to {host}: {getattr(error, 'reason', None) or type(error).__name__}",
                remedy="Check the address; a proxy or firewall may be reading the traffic.",
            )
        case ProxyError() | InvalidProxy():
            return _by_proxy(error, host)
        case ImportError():
            return ServiceUnreachable(
                f"the way to {host} leads through a SOCKS proxy, and python-socks is not installed",
                remedy="Install it: pip install python-socks, or unset all_proxy.",
            )
        case ValueError() | InvalidURI():
            return ServiceRefused(f"service.url is no WebSocket address: {host}")
        case ConnectionClosed(rcvd=Close(code=code, reason=reason)):
            return _by_close(code, reason, host)
        case ConnectionClosed():
            return ServiceUnreachable(f"{host} closed the connection before the session was open")
        case EOFError() | InvalidMessage(__cause__=EOFError() | OSError()):
            return ServiceUnreachable(f"{host} closed the connection instead of answering")
        case WebSocketException():
            return ServiceNonsense(f"{host} does not speak WebSocket: {type(error).__name__}")
        case TimeoutError():
            return ServiceUnreachable(f"{host} does not answer")
        case OSError() if proxy:
            return ServiceUnreachable(
                f"no connection to {host} through the proxy {proxy}: {plain(error.strerror or type(error).__name__)}",
                remedy="Check the network, and the proxy that https_proxy, wss_proxy or all_proxy name.",
            )
        case OSError():
            return ServiceUnreachable(f"no connection to {host}: {error.strerror or type(error).__name__}")
        case _:
            raise error


def setup_refused(code: str, text: str, param: str | None) -> LinkError:
    """Return what an ``error`` event means before the session is open: the whole configuration was dropped."""
    said, code = plain(text), plain(code)
    if code in _KEY_CODES or "authoriz" in text.casefold():
        return KeyRefused(f"the service refuses the key: {said}")
    if code in _CREDIT_CODES:
        return NoCredit(f"the account has no credit: {said}")
    where = f" ({plain(param)})" if param else ""
    return ServiceRefused(f"the service refuses the session{where}: {said or code}")


def fatal(codes: Collection[str], text: str) -> LinkError | None:
    """Return what an ``error`` event in an open session means if it is the session's end, with a close or without."""
    said = plain(text)
    if not _KEY_CODES.isdisjoint(codes):
        return KeyRefused(f"the service refuses the key: {said}")
    if not _CREDIT_CODES.isdisjoint(codes):
        return NoCredit(f"the account has no credit: {said}")
    if not _OVER_CODES.isdisjoint(codes):
        return SessionEnded(f"the service ended the session: {said}")
    return None


def closed(code: int | None, reason: str) -> LinkError:
    """Return what the end of an open session means; 1000 and 1001 are ends too."""
    said = plain(reason)
    return SessionEnded(f"the service ended the session ({code or 'no close code'}{': ' + said if said else ''})")


def _by_status(status: int, body: bytes, host: str) -> LinkError:
    words = plain(body)
    said = f": {words}" if words else ""
    match status:
        # In the whole body: the code stands behind the sentence, which can be longer than what is shown.
        case 403 | 429 if any(code.encode() in body for code in _CREDIT_CODES):
            return NoCredit(f"{host} says that the account has no credit ({status}){said}")
        case 401 | 403:
            return KeyRefused(f"{host} refuses the key ({status}){said}")
        case 402:
            return NoCredit(f"{host} says that the account has no credit (402){said}")
        case 429:
            return ServiceBusy(f"{host} has too many sessions or requests (429){said}")
        case _ if status >= 500:
            return ServiceBusy(f"{host} cannot take the session now ({status}){said}")
        case _:
            return ServiceRefused(f"{host} refuses the session ({status}){said}")


def _by_close(code: int, reason: str, host: str) -> LinkError:
    """Return what a close before the session is open means: by the reason's words, and without any by its code."""
    words = reason.casefold()
    said = f"{host} closed the connection before the session was open ({code}{': ' + plain(reason) if reason else ''})"
    is_hiccup = code in _HICCUPS
    # A hiccup may be one of whatever looks keys and credit up: then nothing but a code names the cause.
    if _holds(words, _CREDIT_CODES if is_hiccup else _CREDIT_WORDS):
        return NoCredit(said)
    if _holds(words, _KEY_CODES if is_hiccup else _KEY_WORDS):
        return KeyRefused(said)
    if code in _BUSY_CLOSES or _holds(words, _BUSY_WORDS):
        return ServiceBusy(said)
    if code != CloseCode.POLICY_VIOLATION and not _holds(words, _REFUSING_WORDS):
        return ServiceUnreachable(said)
    if "model" in words:
        return ServiceRefused(said, remedy="Check service.model in the settings: the service does not take it.")
    return ServiceRefused(said)


def _holds(words: str, any_of: Collection[str]) -> bool:
    return any(one in words for one in any_of)


def _by_proxy(error: ProxyError | InvalidProxy, host: str) -> LinkError:
    """Return what went wrong on the way: a proxy that says no is told apart from one that finds no way itself."""
    match error:
        case InvalidProxy():
            # Neither its address nor the library's words, which repeat it: it may hold a password.
            return ProxyRefused("the proxy named in the environment is none: its address cannot be read")
        case InvalidProxyStatus() if error.response.status_code >= 500:
            return ServiceUnreachable(f"the proxy finds no way to {host} ({error.response.status_code})")
        case InvalidProxyStatus():
            status, body = error.response.status_code, plain(bytes(error.response.body or b""))
            return ProxyRefused(f"the proxy refuses the way to {host} ({status}){': ' + body if body else ''}")
        case InvalidProxyMessage(__cause__=EOFError() | OSError()):
            return _hung_up(host)
        case ProxyError(__cause__=SocksError(__cause__=cause)) if type(cause).__name__ == _SOCKS_HUNG_UP:
            return _hung_up(host)
        case InvalidProxyMessage():
            return ProxyRefused(f"what should be the proxy on the way to {host} does not answer as one")
        case ProxyError(__cause__=SocksError(error_code=code)) if code in _SOCKS_NO_WAY:
            return ServiceUnreachable(f"the proxy finds no way to {host} (SOCKS {int(code)})")
        case _:
            said = plain(str(error.__cause__ or ""))
            return ProxyRefused(f"the proxy refuses the way to {host}{': ' + said if said else ''}")


def _hung_up(host: str) -> LinkError:
    return ServiceUnreachable(f"the proxy on the way to {host} closed the connection instead of answering")


def plain(words: str | bytes) -> str:
    """Return a service's own words as one short printable line: they are untrusted and go into a log."""
    text = words[: 4 * _LONGEST_REASON]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:_LONGEST_REASON]
