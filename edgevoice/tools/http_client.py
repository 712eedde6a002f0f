"""One request to a web service, in a thread: verified, bounded in size and time, and never led to another host.

The standard library's client is loaded by the daemon anyway; a larger one would cost megabytes for a request now and
then. Its own text of an error is never passed on: it may contain the address, and that a secret.
"""

import functools
import http.client
import io
import socket
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

    It takes ``timeout_s`` at most to connect, and the answer is there within as much in all; it ends soon after
    ``is_cancelled``. A proxy is used if the environment names one.
    """
    sent = urllib.request.Request(request.url, request.body, dict(request.headers), method=request.method)  # noqa: S310 - settings admit http and https only
    until = time.monotonic() + timeout_s
    try:
        with _opener(until).open(sent, timeout=timeout_s) as answer:
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
    if getattr(answer, "length", None):
        raise RequestFailed("the service's answer was cut short")
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


def _opener(until: float) -> urllib.request.OpenerDirector:
    """Return what opens http and https addresses and nothing else, until then; the default would also open files."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Web(until),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameHost(),
    ):
        opener.add_handler(handler)
    return opener


class _Web(urllib.request.AbstractHTTPHandler):
    """Opens http and https addresses, with one limit for a whole answer: the library has one for each of its pieces."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self._until = until

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_connection, http.client.HTTPConnection, self._until), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        verified = ssl.create_default_context()
        opened = functools.partial(_connection, http.client.HTTPSConnection, self._until)
        return self.do_open(opened, req, context=verified)


def _connection(
    kind: type[http.client.HTTPConnection], until: float, *args: Any, **kwargs: Any
) -> http.client.HTTPConnection:
    connection = kind(*args, **kwargs)
    connection.response_class = functools.partial(_TimedResponse, until)  # type: ignore[assignment]
    return connection


class _TimedResponse(http.client.HTTPResponse):
    """An answer, head included, that has to be there ``until`` then, by the monotonic clock."""

    def __init__(self, until: float, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, until))


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw = raw
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


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
