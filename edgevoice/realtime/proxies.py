"""Proxies: which one is on the way to an address. The one place that decides it, for the box and its doctor."""

import ipaddress
import re
from urllib.parse import urlsplit

_PLAIN_PORT, _SECURE_PORT = 80, 443
_SOCKS_PORT = 1080


def proxy_for(url: str) -> str:
    """Return the address of the proxy that the environment names for ``url``, or an empty string.

    A ``wss://`` address uses the first of wss_proxy, socks_proxy, https_proxy and all_proxy that is set, a ``ws://``
    address the first of ws_proxy, socks_proxy, https_proxy, http_proxy and all_proxy; in lower case or, failing that,
    in upper case. RFC 6455, section 4.1, and websockets have this order, but websockets lacks all_proxy. Raises
    ``ValueError`` for a malformed address.
    """
    # 2 MB, with what it imports, that an idle box does without.
    from urllib.request import getproxies_environment  # noqa: PLC0415

    parts = urlsplit(url)
    is_secure = parts.scheme == "wss"
    port = parts.port or (_SECURE_PORT if is_secure else _PLAIN_PORT)
    proxies = getproxies_environment()
    if _is_excepted(parts.hostname or "", port, proxies.get("no", "")):
        return ""
    kinds = ("wss", "socks", "https", "all") if is_secure else ("ws", "socks", "https", "http", "all")
    for kind in kinds:
        if kind in proxies:
            return _complete(proxies[kind].strip(), is_socks=kind == "socks")
    return ""


def shown_proxy(proxy: str) -> str:
    """Return what may be shown of a proxy's address: host and port, but no password."""
    try:
        return urlsplit(proxy).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _complete(proxy: str, *, is_socks: bool) -> str:
    """Return a proxy's address as websockets needs it: people omit the port, and the scheme, as curl allows."""
    scheme, mark, place = proxy.rpartition("://")
    if not mark or (is_socks and scheme == "http"):
        scheme = "socks5h" if is_socks else "http"
    if scheme == "socks":  # GNOME's word for any
        scheme = "socks5h"
    if scheme.startswith("socks") and not re.search(r":\d+/?$", place):
        place = f"{place.removesuffix('/')}:{_SOCKS_PORT}"
    return f"{scheme}://{place}"


def _is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Return whether no_proxy names a host: its name, a domain above it, its address, its network, or ``*``."""
    return any(_names(entry.lower(), host.lower(), port) for entry in re.split(r"[,\s]+", no_proxy) if entry)


def _names(entry: str, host: str, port: int) -> bool:
    named = re.fullmatch(r"\[?(?P<place>.*?)\]?(?::(?P<port>\d+))?", entry)
    if entry.count(":") > 1 and not entry.startswith("["):
        named = re.fullmatch(r"(?P<place>.*)(?P<port>$)", entry)  # an IPv6 address without brackets has no port
    if named is None or (named["port"] and int(named["port"]) != port):
        return False
    place = named["place"]
    if place == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(place, strict=False)
    except ValueError:
        domain = place.removeprefix("*").removeprefix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
