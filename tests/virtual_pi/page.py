"""The checks of the live page: its units under the real systemd, and what a browser gets. Standard library only."""

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.virtual_pi import service
from tests.virtual_pi.board import Refused, run, until
from tests.virtual_pi.machine import SETTINGS, Guest, setting

PORT = 8480
SOCKET, UNIT = "edgevoice-page.socket", "edgevoice-page.service"
RSS_LIMIT_MB = 45
"""35 MB on a Pi; this processor's libraries are larger."""

_IDLE_S = 3
_IDLE = Path("/run/systemd/system") / f"{UNIT}.d" / "idle.conf"
_WRITER = "/run/edgevoice-page/settings.sock"
_LIMIT_S = 60.0
"""The first request starts a process on an emulated processor."""


def is_served(guest: Guest) -> str:
    """Switch the page on, use it as a browser that is not paired, and wait for its end; scripts/setup removes it."""
    if (before := service.properties(SOCKET, "ActiveState", "UnitFileState")) != {
        "ActiveState": "inactive",
        "UnitFileState": "disabled",
    }:
        raise Refused(f"nobody has switched the page on, and systemd says {before}")
    # Ten minutes are too long to wait for here.
    _IDLE.parent.mkdir(parents=True, exist_ok=True)
    program = "/opt/edgevoice/bin/edgevoice"
    _IDLE.write_text(f"[Service]\nExecStart=\nExecStart={program} page --idle-s {_IDLE_S}\n", encoding="utf-8")
    run(program, "page", "enable")
    if len(found := service.listening()) != 2 or service.properties(UNIT, "ActiveState")["ActiveState"] != "inactive":
        raise Refused(f"switched on, and before the first request: {found}")
    began = time.monotonic()
    status, head, body = _get("localhost")
    took_s = time.monotonic() - began
    if status != 200 or "content-security-policy:" not in head or b"<!doctype html" not in body[:200].lower():
        raise Refused(f"the page is answered with {status}: {body[:80]!r}")
    # A name that was made to point here, and a page of another site.
    refused = (_get("speaker.example.org")[0], _get("localhost", "Origin: http://speaker.example.org", path="/live")[0])
    if refused != (421, 403):
        raise Refused(f"a foreign name and a foreign page are answered with {refused}")
    process = int(service.properties(UNIT, "MainPID")["MainPID"])
    rss_mb = _require_modest(process)
    _ask_unpaired()
    _write_settings()
    until(lambda: not Path(f"/proc/{process}").exists(), _IDLE_S + 20, "it does not end without a browser", pause_s=0.5)
    ended = service.properties(UNIT, "ActiveState", "Result")
    if ended != {"ActiveState": "inactive", "Result": "success"} or len(service.listening()) != 2:
        raise Refused(f"after its end: {ended}, and {service.listening()} listen")
    return f"served {took_s:.1f} s after the first request by a process of {rss_mb} MB, which ends; refused unpaired"


def _get(host: str, *headers: str, path: str = "/") -> tuple[int, str, bytes]:
    """Return the status, the headers in small letters and the body."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=_LIMIT_S) as browser:
        lines = (f"GET {path} HTTP/1.1", f"Host: {host}:{PORT}", *headers, "Connection: close", "", "")
        browser.sendall("\r\n".join(lines).encode())
        with browser.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body


def _require_modest(process: int) -> int:
    """Require a user of its own and little memory; return the megabytes."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    user = int(found["Uid"].split()[0])
    known = [line.split(":")[2] for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines()]
    if str(user) in known or int(found["CapEff"], 16):
        raise Refused(f"it runs as user {user} with the capabilities {found['CapEff']}")
    rss_mb = int(found["VmRSS"].split()[0]) // 1024
    if rss_mb > RSS_LIMIT_MB:
        raise Refused(f"it takes {rss_mb} MB; {RSS_LIMIT_MB} is the limit")
    return rss_mb


def _ask_unpaired() -> None:
    """Ask as a browser that is not paired: it is refused, and reaches the box only to begin pairing."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=_LIMIT_S) as browser:
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"localhost:{PORT}"
        lines = ("GET /live HTTP/1.1", f"Host: {origin}", f"Origin: http://{origin}", "Connection: Upgrade")
        more = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", "")
        browser.sendall("\r\n".join((*lines, *more)).encode())
        with browser.makefile("rb") as answers:
            if b" 101 " not in answers.readline():
                raise Refused("a browser of this machine cannot open the WebSocket")
            while answers.readline().strip():
                pass
            _send(browser, {"id": 1, "do": "status"})
            _await(answers.read, lambda told: told.get("error", {}).get("code") == "not-paired", "an unpaired browser")
            _send(browser, {"id": 2, "do": "pair-begin"})
            _await(answers.read, lambda told: told.get("event") == "pairing", "the beginning of pairing")


def _send(browser: socket.socket, fields: dict[str, Any]) -> None:
    """Send a short text as one frame, with the mask that a browser's frames must have: zeros."""
    text = json.dumps(fields).encode()
    browser.sendall(bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text)


def _await(read: Callable[[int], bytes], is_it: Callable[[dict[str, Any]], bool], what: str) -> None:
    """Read frames until the one that is wanted."""
    heard = []
    for _ in range(20):
        _, size = read(2)
        if size == 126:
            (size,) = struct.unpack(">H", read(2))
        heard.append(json.loads(read(size)))
        if is_it(heard[-1]):
            return
        if heard[-1].get("id"):
            break
    raise Refused(f"{what} is answered with {heard[-1]}")


def _write_settings() -> None:
    """Have a setting changed as the page does, by the program that may write the file."""
    before = SETTINGS.stat()
    with socket.socket(socket.AF_UNIX) as page:
        page.settimeout(_LIMIT_S)
        page.connect(_WRITER)
        page.sendall(b'{"speaker.volume_percent": 65}\n')
        with page.makefile("rb") as answer:
            told = json.loads(answer.readline())
    after = SETTINGS.stat()
    written = setting(SETTINGS.read_text(encoding="utf-8"), "speaker", "volume_percent")
    same = (before.st_uid, before.st_gid, before.st_mode) == (after.st_uid, after.st_gid, after.st_mode)
    if told != {"faults": []} or written != "65" or not same:
        raise Refused(f"a change of the settings is answered with {told}; the file has {written}, and {after}")
