"""Paired browsers: a hash of each one's cookie, kept in a file, until they expire or are revoked."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from edgevoice.errors import StorageUnavailable
from edgevoice.store.files import DAMAGED, write_whole

NAME: Final = "page.json"
MOST: Final = 32
"""Browsers that are paired at once; the one that was paired first makes way."""

_BROWSERS: Final = ("Firefox", "Edg", "OPR", "SamsungBrowser", "Chrome", "Safari")
_SYSTEMS: Final = ("iPhone", "iPad", "Android", "Macintosh", "Windows", "Linux")
_NAMES: Final = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "Macintosh": "Mac"}


class PairedBrowser(msgspec.Struct, frozen=True):
    """A browser: ``key`` is the hash of its cookie, ``number`` what it is revoked by; times are local, ISO 8601."""

    number: int
    key: str
    browser: str
    paired: str
    until: str


class Pairings:
    """The paired browsers of a folder. Another process may revoke some at any time, so nothing is remembered here.

    ``now`` returns the local time. Methods raise ``StorageUnavailable`` if the file cannot be written.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime], *, days: int) -> None:
        self._place = folder / NAME
        self._now = now
        self._days = days

    def all(self) -> list[PairedBrowser]:
        """Return the browsers whose pairing has not expired, oldest first."""
        now = self._now()
        return [each for each in self._read() if _lasts(each, now)]

    def add(self, user_agent: str) -> str:
        """Pair a browser, and return the cookie that it is to keep: known to nobody else from then on."""
        cookie = secrets.token_urlsafe(32)
        now = self._now()
        number = max((each.number for each in self._read()), default=0) + 1
        until = now + timedelta(days=self._days)
        new = PairedBrowser(number, _hash(cookie), _described(user_agent), _written(now), _written(until))
        self._write([*self.all(), new][-MOST:])
        return cookie

    def find(self, cookie: str) -> PairedBrowser | None:
        """Return the browser that this cookie belongs to, ``None`` if it is not paired or no longer."""
        key = _hash(cookie)
        return next((each for each in self.all() if secrets.compare_digest(each.key, key)), None)

    def revoke(self, number: int | None) -> int:
        """End the pairing of a browser, or of all with ``None``; return how many there were."""
        before = self.all()
        kept = [each for each in before if number is not None and each.number != number]
        if len(kept) < len(before):
            self._write(kept)
        return len(before) - len(kept)

    def _read(self) -> list[PairedBrowser]:
        try:
            return msgspec.json.decode(self._place.read_bytes(), type=list[PairedBrowser])
        except (OSError, *DAMAGED):
            return []

    def _write(self, browsers: list[PairedBrowser]) -> None:
        content = json.dumps([msgspec.to_builtins(each) for each in browsers], indent=1).encode()

        def fill(file: BinaryIO) -> None:
            if os.geteuid() == 0:
                # A command of root's: the page, which runs as a user of its own, must still be able to read it. By its
                # descriptor: that user owns the folder, and could put another file in its place.
                owner = self._place.parent.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            file.write(content)

        try:
            write_whole(self._place, fill, is_durable=True)
        except OSError as error:
            raise StorageUnavailable.of(f"{self._place} cannot be written", error) from error


def _hash(cookie: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(cookie.encode()).hexdigest()


def _lasts(browser: PairedBrowser, now: datetime) -> bool:
    """Return whether a pairing has not expired; one without a time, or without a time zone, has."""
    try:
        return datetime.fromisoformat(browser.until) > now
    except (ValueError, TypeError):
        return False


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _described(user_agent: str) -> str:
    """Return which browser it says it is: "Firefox on Android"."""
    browser = next((name for name in _BROWSERS if f"{name}/" in user_agent), "")
    system = next((name for name in _SYSTEMS if re.search(rf"\b{name}\b", user_agent)), "")
    with suppress(KeyError):
        browser = _NAMES[browser]
    return f"{browser or 'a browser'} on {_NAMES.get(system, system)}" if system else browser or "a browser"
