"""Checks of the way to the service: route, name, certificate, and a session that is opened and closed at once."""

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from edgevoice.box.answering import answering_service
from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.doctor.probes import Machine
from edgevoice.errors import LinkError, LocalServiceStarting
from edgevoice.host.credentials import Key, answers_itself
from edgevoice.host.routes import has_default_route
from edgevoice.local.process import SYSTEM_RUNTIME_FOLDER, running_socket
from edgevoice.realtime.endpoint import INWORLD_URL, Endpoint, local
from edgevoice.realtime.handshake import shake_hands
from edgevoice.realtime.refusal import dial_failure
from edgevoice.realtime.session import session_of
from edgevoice.realtime.tcp import open_tcp
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings

_CONNECT_S = 5.0
_RENEWAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class Address:
    """Where the service answers; ``is_inside`` if it is the one inside the box, ``proxy`` the proxy on the way."""

    host: str = ""
    port: int = 443
    is_secure: bool = True
    is_inside: bool = False
    proxy: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return self.host in {"localhost", "127.0.0.1", "::1"}


def address_of(service: ServiceSettings, key: Key | None) -> Address:
    """Return where the box would dial, as `box.answering` decides it."""
    if answers_itself(service, key):
        return Address(is_inside=True)
    url = service.url or INWORLD_URL
    parts = urlsplit(url)
    is_secure = parts.scheme == "wss"
    port = parts.port or (443 if is_secure else 80)
    return Address(parts.hostname or "", port, is_secure, proxy=Endpoint(url).proxy)


# --- network ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """Whether there is a default route, and the addresses of the service's name; ``None`` means not looked up."""

    has_route: bool
    addresses: tuple[str, ...] | None
    problem: str = ""


def probe_way(machine: Machine, address: Address) -> Way:
    """Look for a default route, and resolve the name; that may take as long as the resolver waits."""
    has_route = has_default_route(machine.read)
    if address.is_inside or address.proxy:
        return Way(has_route, None)
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as failure:
        return Way(has_route, (), failure.strerror or type(failure).__name__)
    except UnicodeError:
        return Way(has_route, (), "it is not a name that a machine can have")
    return Way(has_route, tuple(sorted({str(each[4][0]) for each in found})))


def judge_way(way: Way, address: Address) -> Finding:
    """Judge whether the service can be found at all."""
    remedy = "Plug in the cable, or: nmcli device wifi connect NAME --ask"
    if address.is_inside:
        text = "not needed: the service inside the box answers"
        return fine("network", text if way.has_route else f"none, and {text}")
    if not way.has_route and not address.is_here:
        return wrong("network", "there is no default route", remedy, code="service-unreachable")
    if address.proxy:
        return fine("network", f"through the proxy {address.proxy}")
    if not way.addresses:
        return wrong(
            "network",
            f"{address.host} has no address: {way.problem}",
            "Check service.url, then the name server: `resolvectl status` or /etc/resolv.conf.",
            code="service-unreachable",
        )
    return fine("network", f"{address.host} is {way.addresses[0]}")


# --- TLS -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Secured:
    """Result of a TLS handshake: its version, and for how many days the certificate is still valid."""

    version: str = ""
    days_left: float = 0.0
    refusal: LinkError | None = None


def probe_tls(address: Address) -> Secured | None:
    """Perform only the TLS handshake with the service's host; ``None`` if the connection has no TLS."""
    if address.is_inside or address.proxy or not address.is_secure:
        return None
    try:
        version, ends = asyncio.run(asyncio.wait_for(_shake_hands_in_tls(address), _CONNECT_S))
    except (OSError, UnicodeError) as failure:
        return Secured(refusal=dial_failure(failure, address.host, hide=str))
    return Secured(version, (ends - time.time()) / 86_400)


async def _shake_hands_in_tls(address: Address) -> tuple[str, float]:
    """Return the TLS version, and when the certificate expires in seconds since 1970; dials as the box does."""
    connected = await open_tcp(address.host, address.port)
    transport, _ = await asyncio.get_running_loop().create_connection(
        asyncio.Protocol, sock=connected, ssl=ssl.create_default_context(), server_hostname=address.host
    )
    try:
        secure = transport.get_extra_info("ssl_object")
        return secure.version() or "TLS", ssl.cert_time_to_seconds(secure.getpeercert()["notAfter"])
    finally:
        transport.abort()


def judge_tls(secured: Secured | None, address: Address) -> Finding:
    """Judge whether the service is authenticated."""
    if secured is None:
        if address.is_inside:
            return fine("TLS", "not needed: the service inside the box answers")
        if address.proxy:
            return skipped("TLS", "through a proxy", "The line `session` says whether it works.")
        if address.is_here:
            return fine("TLS", "not needed: the service is on this machine")
        text = f"none to {address.host}: anybody on the way can read the key and what is said"
        return doubtful("TLS", text, "Outside your own network, use a wss:// address.")
    if secured.refusal is not None:
        return wrong("TLS", str(secured.refusal), secured.refusal.remedy, code=secured.refusal.code)
    text = f"{secured.version}, certificate valid for {secured.days_left:.0f} more days"
    if secured.days_left < _RENEWAL_DAYS:
        return doubtful("TLS", text, "The service must renew it; if that date is wrong, check this machine's clock.")
    return fine("TLS", text, days_left=round(secured.days_left))


# --- session ---------------------------------------------------------------------------------------------------------


def examine_session(
    settings: Settings,
    key: Key | None,
    environment: Mapping[str, str] = os.environ,
    *,
    runtime_folder: Path = SYSTEM_RUNTIME_FOLDER,
) -> Finding:
    """Open a session with the key, as a wake word would, and close it at once.

    If the service inside the box answers and the box runs, this uses the box's own instance, below ``runtime_folder``:
    a second instance would take 220 MB more, which a Pi Zero does not have, and prove less.
    """
    began = time.monotonic()
    try:
        asyncio.run(_open_and_close(settings, key, environment, runtime_folder))
    except LinkError as error:
        return wrong("session", str(error), error.remedy, code=error.code)
    took_ms = round(1000 * (time.monotonic() - began))
    who = "the service inside the box" if address_of(settings.service, key).is_inside else "the service"
    return fine("session", f"{who} opened one in {took_ms} ms", took_ms=took_ms)


async def _open_and_close(
    settings: Settings, key: Key | None, environment: Mapping[str, str], runtime_folder: Path
) -> None:
    async with _endpoint(settings, key, environment, runtime_folder) as there:
        await _prepared(there)
        await shake_hands(there, session_of(settings.service, ()), connect_s=settings.service.connect_s)


async def _prepared(there: Endpoint) -> None:
    """Wait for the service inside the box, which has its own time limit for loading models."""
    while True:
        try:
            return await there.prepare()
        except LocalServiceStarting:
            continue  # a wake word cannot wait for that, but a doctor can


@contextlib.asynccontextmanager
async def _endpoint(
    settings: Settings, key: Key | None, environment: Mapping[str, str], runtime_folder: Path
) -> AsyncIterator[Endpoint]:
    if answers_itself(settings.service, key) and (path := running_socket(runtime_folder)) is not None:
        yield local(path)
        return
    async with answering_service(settings.service, key, environment) as (endpoint, _watching):
        yield endpoint()
