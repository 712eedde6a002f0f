"""Guard: which requests of a browser are answered at all, and with which headers. Pure.

The rules are against a page of somebody else's in the same browser. The name in ``Host`` must be ours: a foreign name
that was made to point here (DNS rebinding) is refused, and an address in figures cannot be rebound. A WebSocket must
come from a document of ours (``Origin``). The cookie is never sent along by another site (``SameSite=Strict``), and no
script can read it (``HttpOnly``).
"""

import ipaddress
from collections.abc import Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

COOKIE: Final = "edgevoice"
_LONGEST_COOKIE: Final = 128
_DAY_S: Final = 86_400

_LOCAL_NAMES: Final = ("localhost", "ip6-localhost")


def names_of(hostname: str, further: Collection[str]) -> frozenset[str]:
    """Return the names by which browsers may call a machine, besides its addresses."""
    own = hostname.lower().rstrip(".")
    short = own.partition(".")[0]
    return frozenset((*_LOCAL_NAMES, own, short, f"{short}.local", *further)) - {""}


def is_our_host(host: str | None, names: Collection[str]) -> bool:
    """Return whether the value of ``Host`` is an address, or one of our names; the port is ignored."""
    if host is None:
        return False
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").removesuffix(".")
        _ = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return False
    return name in names or _is_address(name)


def is_our_origin(origin: str | None, host: str | None) -> bool:
    """Return whether a document of ours asks: the very host and port that the request names."""
    return host is not None and origin in {f"http://{host}", f"https://{host}"}


def is_of_this_machine(peer: str) -> bool:
    """Return whether the address at the other end is this machine itself."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def cookie_in(header: str | None) -> str:
    """Return our cookie, empty if there is none."""
    try:
        found = SimpleCookie(header or "").get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None and len(found.value) <= _LONGEST_COOKIE else ""


def cookie_to_set(value: str, days: int) -> str:
    """Return the value of Set-Cookie that stores our cookie; an empty ``value`` removes it."""
    age_s = days * _DAY_S if value else 0
    return f"{COOKIE}={value}; Max-Age={age_s}; Path=/; HttpOnly; SameSite=Strict"


def headers_for(policy: str) -> Mapping[str, str]:
    """Return the headers of every response; ``policy`` is its Content-Security-Policy."""
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), usb=()",
        "Cache-Control": "no-store",
    }


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
