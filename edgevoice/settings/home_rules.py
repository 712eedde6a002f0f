"""What the address of Home Assistant must be. Pure."""

import re
from urllib.parse import urlsplit


def home_complaint(url: str) -> str:
    """Return what is wrong with ``home.url``, as the end of a sentence; empty if nothing is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.username is not None or parts.password is not None:
        return "must not contain a password; the access token is the stored secret home_assistant_token"
    if parts.scheme not in {"http", "https"} or not host or re.search(r"[^\x21-\x7e]", url):
        return "must begin with http:// or https://, such as http://homeassistant.local:8123"
    if parts.query or parts.fragment or parts.path.strip("/"):
        return "must end with the machine and the port, such as http://homeassistant.local:8123"
    return ""
