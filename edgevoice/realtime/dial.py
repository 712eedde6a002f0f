"""Dial: opens one WebSocket, directly or through a proxy. Follows redirects; never sends the key to another host."""

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from python_socks import ProxyType
from python_socks.async_.asyncio import Proxy as SocksProxy
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, ProxyError, WebSocketException
from websockets.proxy import Proxy, parse_proxy
from websockets.uri import WebSocketURI, parse_uri

from edgevoice.errors import KeyRefused, LinkError, ServiceRefused
from edgevoice.realtime import refusal
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.tcp import NEXT_ADDRESS_S, open_tcp

_MOST_REDIRECTS = 5
_REDIRECTS = {300, 301, 302, 303, 307, 308}

_SOCKS = {
    "socks5h": (ProxyType.SOCKS5, True),
    "socks5": (ProxyType.SOCKS5, False),
    "socks4a": (ProxyType.SOCKS4, True),
    "socks4": (ProxyType.SOCKS4, False),
}
"""For each scheme of a proxy: the protocol it speaks, and whether it resolves names itself."""

_OWN_DOMAINS = re.compile(r"(?i)[^.]*|.*\.(local|localhost|lan|home|internal|home\.arpa|test|invalid)")
"""Domains that never lead beyond the owner's network (RFC 6761, 6762, 8375, and what routers use)."""

_AUTHORIZATION = "Authorization"


async def dial(endpoint: Endpoint, options: Mapping[str, Any]) -> ClientConnection:
    """Open a WebSocket and follow redirects; ``options`` go to websockets. Raises ``LinkError``.

    The key goes only to the host that the settings name: it is not sent with a redirect to another host, nor
    unencrypted to an address on the internet.
    """
    there = endpoint
    for _ in range(_MOST_REDIRECTS + 1):
        try:
            return await _open(there, options)
        except InvalidStatus as error:
            onward = _onward(there, error, endpoint)
            if onward is None:
                raise _failure(error, there, endpoint) from error
            there = onward
        except LinkError:
            raise
        except (OSError, WebSocketException, EOFError, ValueError, ImportError) as error:
            raise _failure(error, there, endpoint) from error
    raise ServiceRefused(f"{endpoint.host} redirects more than {_MOST_REDIRECTS} times, last to {there.host}")


def _failure(error: Exception, there: Endpoint, first: Endpoint) -> LinkError:
    """Return why a dial failed; a host that never received the key cannot refuse it."""
    # The first host knows the secrets, and may have passed them on.
    failure = refusal.dial_failure(error, there.host, proxy=there.proxy, hide=first.redactor)
    if isinstance(failure, KeyRefused) and first.headers and not there.headers:
        return ServiceRefused(
            f"{first.host} redirects to {there.host}, which refuses a session without the key",
            remedy="The key is not sent to another host. If you trust it, name it in service.url.",
        )
    return failure


# --- redirects -------------------------------------------------------------------------------------------------------


def _onward(there: Endpoint, error: InvalidStatus, first: Endpoint) -> Endpoint | None:
    """Return where a response redirects to, or ``None``; raises if the redirect cannot be followed."""
    response = error.response
    if response.status_code not in _REDIRECTS or "Location" not in response.headers:
        return None
    try:
        url = urljoin(there.url, response.headers["Location"])
        parts = urlsplit(url)
        place, origin = parts.netloc, (parts.scheme, parts.hostname, parts.port or _default_port(parts.scheme))
    except ValueError:
        url, place, origin = "", "", ("", None, 0)
    scheme, host, _ = origin
    # It is shown in the log and dialled, so it must be a plain host and port without a secret.
    is_fit = re.fullmatch(r"[\w.:\[\]-]{1,255}", place, re.ASCII) and first.redactor(place) == place
    if not host or not is_fit or there.socket:
        raise ServiceRefused(f"{there.host} redirects to an address that cannot be dialled ({response.status_code})")
    before = urlsplit(there.url)
    if scheme not in {"ws", "wss"}:
        remedy = "Check service.url: a web page answers there, not a Realtime service."
        if scheme == "https" and before.scheme == "ws" and host == before.hostname:
            remedy = f"The service requires encryption: write wss://{place} in service.url."
        raise ServiceRefused(f"{there.host} redirects to {scheme}://{place} ({response.status_code})", remedy=remedy)
    if before.scheme == "wss" and scheme == "ws":
        raise ServiceRefused(
            f"{there.host} redirects to ws://{place} ({response.status_code}), which is not encrypted",
            remedy="Nothing is sent there. Check service.url; a proxy or firewall may be reading the traffic.",
        )
    is_same = origin == (before.scheme, before.hostname, before.port or _default_port(before.scheme))
    headers = {name: value for name, value in there.headers.items() if is_same or name != _AUTHORIZATION}
    return replace(there, url=url, headers=headers)


def _default_port(scheme: str) -> int:
    return 443 if scheme in {"wss", "https"} else 80


# --- one connection --------------------------------------------------------------------------------------------------


class _Connect(connect):
    """Dials as websockets does, but not its redirects, whose errors name neither the cause nor the host that failed."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _open(there: Endpoint, options: Mapping[str, Any]) -> ClientConnection:
    options = {**options, "additional_headers": there.headers, "proxy": None}
    if there.socket is not None:
        return await _Connect(there.url, unix=True, path=str(there.socket), **options)
    uri = parse_uri(there.url)
    if not (proxy_url := there.proxy_url):
        return await _Connect(there.url, sock=await _directly(there, uri), **options)
    proxy = parse_proxy(proxy_url)
    _keep_key_off_the_internet(there, uri.host)
    if proxy.scheme in _SOCKS:
        return await _Connect(there.url, sock=await _through_socks(proxy, uri), **options)
    return await _Connect(there.url, **{**options, "proxy": proxy_url}, happy_eyeballs_delay=NEXT_ADDRESS_S)


async def _directly(there: Endpoint, uri: WebSocketURI) -> socket.socket:
    connected = await open_tcp(uri.host, uri.port)
    try:
        _keep_key_off_the_internet(there, connected.getpeername()[0])
    except (ServiceRefused, OSError):
        connected.close()
        raise
    return connected


def _keep_key_off_the_internet(there: Endpoint, place: str) -> None:
    """Raise ``ServiceRefused`` if the key would be sent unencrypted to ``place`` outside the owner's network.

    ``place`` is the address that was dialled or, behind a proxy, the name that the proxy will resolve.
    """
    if urlsplit(there.url).scheme == "ws" and _AUTHORIZATION in there.headers and not _is_own_network(place):
        raise ServiceRefused(
            f"service.url is not encrypted, and {there.host} is outside your own network: the key is not sent",
            remedy="Write wss:// instead of ws:// in service.url.",
        )


def _is_own_network(place: str) -> bool:
    """Return whether an address or, behind a proxy, a name belongs to this machine or the owner's network."""
    try:
        return not ipaddress.ip_address(place.partition("%")[0]).is_global
    except ValueError:
        return _OWN_DOMAINS.fullmatch(place) is not None


class _FirstHop(SocksProxy):
    """Connect to the proxy itself, directly, at whichever of its addresses answers."""

    async def connect(
        self,
        dest_host: str,
        dest_port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - its name in the library
        **_more: Any,
    ) -> socket.socket:
        del timeout  # the caller's limit covers the whole dial
        return await open_tcp(dest_host, dest_port)


async def _through_socks(proxy: Proxy, uri: WebSocketURI) -> socket.socket:
    """Connect through a SOCKS proxy; the library alone would try only the first of its addresses."""
    kind, looks_up = _SOCKS[proxy.scheme]
    way = SocksProxy(
        proxy_type=kind,
        host=proxy.host,
        port=proxy.port,
        username=proxy.username,
        password=proxy.password,
        rdns=looks_up,
        forward=_FirstHop(kind, proxy.host, proxy.port),
    )
    try:
        return await way.connect(uri.host, uri.port)
    except OSError:
        raise
    except Exception as error:
        # As websockets does: the library's errors have no common base class.
        raise ProxyError("failed to connect to SOCKS proxy") from error
