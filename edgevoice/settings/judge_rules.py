"""What the address of a judge must be: it gets a key, and what was said. Pure."""

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}


def address_complaint(url: str) -> str:
    """Return what is wrong with the address of a judge, as the end of a sentence; empty if nothing is."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "is not an address"
    if parts.username is not None or parts.password is not None:
        return "must not contain a key; that belongs in EDGEVOICE_JUDGE_KEY"
    if parts.scheme == "https" and host:
        return ""
    if parts.scheme == "http" and host in _LOOPBACK:
        return ""
    return "must begin with https://, or with http:// for a model on this machine"
