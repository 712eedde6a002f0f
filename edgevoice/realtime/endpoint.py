"""Where to dial and how to authenticate."""

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from edgevoice.realtime.proxies import proxy_for, shown_proxy
from edgevoice.realtime.redaction import Redactor, secrets_in_address
from edgevoice.settings.service import ServiceSettings

INWORLD_URL = "wss://api.inworld.ai/api/v1/realtime/session"


async def _nothing() -> None:
    """Prepare nothing: a service on the network is either up or not."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service's address. It and ``headers`` may contain the key, so a ``repr`` shows neither.

    ``socket`` is the path of a Unix socket when the service lives on this machine; ``prepare`` is awaited before each
    dial and makes sure that it runs. ``rewrites`` says how it is expected to send transcripts of the user: the whole
    text each time, or piece by piece.
    """

    url: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    socket: Path | None = None
    prepare: Callable[[], Awaitable[None]] = _nothing
    rewrites: bool = True

    @property
    def host(self) -> str:
        """The part of the address that may be shown and logged."""
        return str(self.socket) if self.socket else (urlsplit(self.url).netloc.rpartition("@")[2])

    @property
    def proxy_url(self) -> str:
        """The address of the proxy on the way, including its password; empty without one.

        A service on a socket is never behind one. Raises ``ValueError`` for a malformed ``url``.
        """
        return "" if self.socket else proxy_for(self.url)

    @property
    def proxy(self) -> str:
        """What may be shown of the proxy on the way: host and port; empty without one."""
        try:
            return shown_proxy(self.proxy_url)
        except ValueError:
            return ""  # such an address is never dialled: the dial says what is wrong with it

    def secrets(self) -> Iterator[str]:
        """Yield the secrets that a service or a proxy receives and may repeat: the key, passwords, tokens."""
        if self.socket:
            return  # the box's own service needs no key and gets none
        for value in self.headers.values():
            yield value.partition(" ")[2] or value
        yield from secrets_in_address(self.url)
        with contextlib.suppress(ValueError):
            yield from secrets_in_address(self.proxy_url)

    @property
    def redactor(self) -> Redactor:
        """The filter for texts from a service or a proxy, applied before they are shown or logged."""
        return Redactor(self.secrets())


def remote(service: ServiceSettings, key: str) -> Endpoint:
    """Return the endpoint of a service on the network for one session.

    Inworld expects a fresh session id in ``key`` (which is not the API key) and ``protocol=realtime``; OpenAI's dialect
    expects the model in the address. Parameters that the configured address already has stay as written; only missing
    ones are added.
    """
    is_inworld = service.spoken_dialect == "inworld"
    parts = urlsplit(service.url or INWORLD_URL)
    wanted = {"key": session_id(), "protocol": "realtime"} if is_inworld else {"model": service.model}
    named = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in wanted.items() if name not in named})
    query = "&".join(filter(None, (parts.query, added)))
    scheme = "Basic" if service.spoken_auth == "basic" else "Bearer"
    headers = {"Authorization": f"{scheme} {key}"} if key else {}
    return Endpoint(urlunsplit(parts._replace(query=query)), headers, rewrites=is_inworld)


def local(socket: Path, prepare: Callable[[], Awaitable[None]] = _nothing) -> Endpoint:
    """Return the endpoint of the service inside the box, which listens on a Unix socket and not on a port."""
    query = urlencode({"key": session_id(), "protocol": "realtime"})
    url = f"ws://localhost/api/v1/realtime/session?{query}"
    return Endpoint(url, {"Authorization": "Basic local"}, socket, prepare)


def session_id() -> str:
    """Return a fresh id for a session: what two open sockets with one id do is not documented."""
    return f"edgevoice-{secrets.token_hex(8)}"
