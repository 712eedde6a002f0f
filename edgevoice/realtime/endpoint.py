"""Where to dial and how to say who we are."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.exceptions import InvalidURI
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from edgevoice import settings

INWORLD_URL = "wss://api.inworld.ai/api/v1/realtime/session"


async def _nothing() -> None:
    """Prepare nothing: a service on the network is there or is not."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service's address. It and ``headers`` may hold the key, so neither shows in a ``repr``.

    ``socket`` is the path of a Unix socket when the service lives on this machine; ``prepare`` is awaited before each
    dial and makes sure that it runs.
    """

    url: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    socket: Path | None = None
    prepare: Callable[[], Awaitable[None]] = _nothing

    @property
    def host(self) -> str:
        """The part of the address that may be shown and logged."""
        return str(self.socket) if self.socket else (urlsplit(self.url).netloc.rpartition("@")[2])

    @property
    def proxy(self) -> str:
        """The proxy that the environment puts on the way, as host and port; empty without one.

        It is asked for as websockets asks when it dials. A service on a socket is never behind one.
        """
        if self.socket:
            return ""
        try:
            named = get_proxy(parse_uri(self.url)) or ""
            return urlsplit(named).netloc.rpartition("@")[2]
        except (InvalidURI, ValueError):
            return ""  # no such address is dialled: the dial says what is wrong with it


def remote(service: settings.Service, key: str) -> Endpoint:
    """Return the endpoint of a service on the network for one session.

    Inworld wants a fresh session id in ``key`` (it is not the API key) and ``protocol=realtime``; OpenAI's dialect
    wants the model in the address. What the configured address already says goes first.
    """
    is_inworld = service.spoken_dialect == "inworld"
    parts = urlsplit(service.url or INWORLD_URL)
    wanted = {"key": session_id(), "protocol": "realtime"} if is_inworld else {"model": service.model}
    query = urlencode({**wanted, **dict(parse_qsl(parts.query))})
    scheme = "Basic" if service.spoken_auth == "basic" else "Bearer"
    headers = {"Authorization": f"{scheme} {key}"} if key else {}
    return Endpoint(urlunsplit(parts._replace(query=query)), headers)


def local(socket: Path, prepare: Callable[[], Awaitable[None]] = _nothing) -> Endpoint:
    """Return the endpoint of the service inside the box, which listens on a Unix socket and on no port."""
    query = urlencode({"key": session_id(), "protocol": "realtime"})
    url = f"ws://localhost/api/v1/realtime/session?{query}"
    return Endpoint(url, {"Authorization": "Basic local"}, socket, prepare)


def session_id() -> str:
    """Return a fresh name for a session: two live sockets with one name are undocumented."""
    return f"edgevoice-{secrets.token_hex(8)}"
