"""One request to a web service, in a thread: verified, bounded in size and time, and never led to another host.

The standard library's client is loaded by the daemon anyway; a larger one would cost megabytes for a request now and
then. Its own text of an error is never passed on: it may contain the address, and that a secret.
"""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final
from urllib.parse import urlsplit

MOST_BYTES: Final = 1 << 20
"""The longest answer that is read; the part of it that the model is given is much shorter."""

_STEP_BYTES: Final = 1 << 16
_MOST_REDIRECTS: Final = 5


class RequestFailed(Exception):
    """The service gave no answer that can be used; the text says why, in words that may be shown to anybody."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, complete with its secrets; never shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The body of a successful answer, its media type in lower case, and its character set."""

    body: bytes
    media_type: str
    charset: str


def fetch(request: HttpRequest, timeout_s: float, is_cancelled: Callable[[], bool]) -> HttpAnswer:
    """Return the answer to a request; call it in a thread. Raises ``RequestFailed``.

    It takes ``timeout_s`` at most for each step, and as much in all, and ends soon after ``is_cancelled``. A proxy is
    used if the environment names one.
    """
    sent = urllib.request.Request(request.url, request.body, dict(request.headers), method=request.method)  # noqa: S310 - settings admit http and https only
    until = time.monotonic() + timeout_s
    try:
        with _opener().open(sent, timeout=timeout_s) as answer:
            if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise RequestFailed("the service's answer is compressed, which it was not asked for")
            body = _read(answer, until, is_cancelled)
            return HttpAnswer(
                body, answer.headers.get_content_type().lower(), answer.headers.get_content_charset() or "utf-8"
            )
    except urllib.error.HTTPError as error:
        error.close()
        raise RequestFailed(f"the service answered with the status {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RequestFailed(_why(error)) from None


def _read(answer: IO[bytes], until: float, is_cancelled: Callable[[], bool]) -> bytes:
    body = bytearray()
    while piece := answer.read1(_STEP_BYTES):  # type: ignore[attr-defined]  # the client's answer is a BufferedIOBase
        body += piece
        if len(body) > MOST_BYTES:
            raise RequestFailed(f"the service's answer is longer than {MOST_BYTES} bytes")
        if is_cancelled() or time.monotonic() > until:
            raise RequestFailed("the service did not answer in time")
    return bytes(body)


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    match reason:
        case ssl.SSLCertVerificationError():
            return "the service's certificate is not valid"
        case TimeoutError():
            return "the service did not answer in time"
        case http.client.HTTPException() | ValueError():
            return "the service gave no valid answer"
        case _:
            return "the service cannot be reached"


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens http and https addresses and nothing else; the default would also open files."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameHost(),
    ):
        opener.add_handler(handler)
    return opener


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the host, where the secret belongs, and refuses all others."""

    max_redirections = _MOST_REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        if _place(newurl) != _place(req.full_url):
            fp.close()
            raise RequestFailed("the service redirects to another host, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _place(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port
