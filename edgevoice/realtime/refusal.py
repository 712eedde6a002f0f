"""What went wrong at the door, told apart: each cause has its own error, and so its own light and remedy."""

import ssl

from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    WebSocketException,
)

from edgevoice.errors import (
    ClockWrong,
    KeyRefused,
    LinkError,
    NoCredit,
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


def dial_failure(error: Exception, host: str) -> LinkError:
    """Return what a failed dial means; an error that is not of the network is raised again as it is."""
    match error:
        case InvalidStatus():
            return _by_status(error.response.status_code, plain(bytes(error.response.body or b"")), host)
        case ssl.SSLCertVerificationError(verify_code=9 | 10):
            return ClockWrong(f"the certificate of {host} is not valid at this machine's time")
        case ssl.SSLError():
            return ServiceUnreachable(
                # An error that was raised in Python, and not by OpenSSL, has no reason.
                f"no secure connection to {host}: {getattr(error, 'reason', None) or type(error).__name__}",
                remedy="Check the address; a proxy or firewall may be reading the traffic.",
            )
        case ProxyError() | InvalidProxy():
            return ServiceUnreachable(
                f"the proxy refuses the way to {host}", remedy="Check https_proxy and its access list."
            )
        case ImportError():
            return ServiceUnreachable(
                f"the way to {host} leads through a SOCKS proxy, and python-socks is not installed",
                remedy="Install it: pip install 'python-socks[asyncio]', or unset all_proxy.",
            )
        case ValueError() | InvalidURI():
            return ServiceRefused(f"service.url is no WebSocket address: {host}")
        case ConnectionClosed():
            return ServiceUnreachable(f"{host} closed the connection before the session was open")
        case EOFError() | InvalidMessage(__cause__=EOFError() | OSError()):
            return ServiceUnreachable(f"{host} closed the connection instead of answering")
        case WebSocketException():
            return ServiceNonsense(f"{host} does not speak WebSocket: {type(error).__name__}")
        case TimeoutError():
            return ServiceUnreachable(f"{host} does not answer")
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


def closed(code: int | None, reason: str) -> LinkError:
    """Return what the end of an open session means; 1000 and 1001 are ends too."""
    said = plain(reason)
    return SessionEnded(f"the service ended the session ({code or 'no close code'}{': ' + said if said else ''})")


def _by_status(status: int, body: str, host: str) -> LinkError:
    said = f": {body}" if body else ""
    match status:
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


def plain(words: str | bytes) -> str:
    """Return a service's own words as one short printable line: they are untrusted and go into a log."""
    text = words[: 4 * _LONGEST_REASON]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:_LONGEST_REASON]
