"""Ask the service whether it takes a key, before anything of ours is installed; the key comes by standard input.

    python3 -I -B scripts/_key.py ENDPOINT

ENDPOINT is the module in which the service's address stands. Prints "taken" or "refused", or nothing where the service
cannot be asked or says something else. Needs nothing but Python 3.11, because scripts/setup runs it on the system's.
"""

import base64
import http.client
import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

LIMIT_S = 10.0
LONGEST_KEY = 16_384


def connection(address: str, proxies: Mapping[str, str]) -> http.client.HTTPConnection:
    """Return a connection to a WebSocket address, through the proxy that the environment names."""
    parts = urlsplit(address)
    is_secure = parts.scheme == "wss"
    kind = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
    host = parts.hostname or ""
    proxy = proxies.get("https" if is_secure else "http", proxies.get("all", ""))
    if not proxy or urllib.request.proxy_bypass(host):
        return kind(host, parts.port, timeout=LIMIT_S)
    through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    made = kind(through.hostname or "", through.port or 80, timeout=LIMIT_S)
    pair = f"{through.username}:{through.password or ''}"
    word = {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"} if through.username else {}
    made.set_tunnel(host, parts.port or (443 if is_secure else 80), word)
    return made


def verdict(address: str, key: str, proxies: Mapping[str, str]) -> str:
    """Open a WebSocket with this key and close it at once; return "taken", "refused" or "". Raises ``OSError``."""
    asked = {
        "Authorization": f"Basic {key}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    dialled = connection(address, proxies)
    try:
        dialled.request(
            "GET", f"{urlsplit(address).path}?key=edgevoice-setup-{os.getpid()}&protocol=realtime", headers=asked
        )
        status = dialled.getresponse().status
    finally:
        dialled.close()
    match status:
        case HTTPStatus.SWITCHING_PROTOCOLS:
            return "taken"
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return "refused"
        case _:
            return ""


def main(endpoint: str) -> None:
    """Print the verdict on the key that standard input holds."""
    found = re.search(r'^INWORLD_URL = "([^"]+)"$', Path(endpoint).read_text(encoding="utf-8"), re.MULTILINE)
    if found is not None:
        print(verdict(found[1], sys.stdin.read(LONGEST_KEY), urllib.request.getproxies()))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (OSError, http.client.HTTPException):
        sys.exit(1)
