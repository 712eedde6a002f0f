"""Paired browsers are kept as hashes, expire, and can be revoked by another process."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from edgevoice.errors import StorageUnavailable
from edgevoice.page.pairings import MOST, NAME, Pairings
from tests.page.household import utc

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0 Mobile Safari/537.36"
)


class Clock:
    """A local time that a test moves."""

    def __init__(self) -> None:
        self.now = utc(2026, 3, 1)

    def __call__(self) -> datetime:
        return self.now


def test_a_cookie_is_known_until_it_expires(tmp_path: Path) -> None:
    clock = Clock()
    pairings = Pairings(tmp_path, clock, days=30)
    cookie = pairings.add(PHONE)

    found = pairings.find(cookie)
    assert found is not None
    assert (found.number, found.browser) == (1, "Chrome on Android")
    assert pairings.find("another") is None
    clock.now += timedelta(days=30)
    assert pairings.find(cookie) is None
    assert pairings.all() == []


def test_the_file_holds_no_cookie_and_is_its_owners_alone(tmp_path: Path) -> None:
    cookie = Pairings(tmp_path, Clock(), days=30).add(PHONE)
    place = tmp_path / NAME

    assert cookie not in place.read_text()
    assert place.stat().st_mode & 0o777 == 0o600
    assert len(cookie) >= 43  # 256 bits


@pytest.mark.parametrize("until", ["soon", "", "2099-01-01", "2099-01-01T00:00:00"])
def test_a_pairing_without_a_time_that_can_be_read_has_expired(tmp_path: Path, until: str) -> None:
    pairings = Pairings(tmp_path, Clock(), days=30)
    cookie, other = pairings.add(PHONE), pairings.add(PHONE)
    place = tmp_path / NAME
    first, second = json.loads(place.read_text())
    place.write_text(json.dumps([{**first, "until": until}, second]))

    assert pairings.find(cookie) is None
    assert pairings.find(other) is not None


def test_what_another_process_revokes_is_revoked_at_once(tmp_path: Path) -> None:
    page, command = (Pairings(tmp_path, Clock(), days=30) for _ in range(2))
    first, second = page.add(PHONE), page.add("curl/8")

    assert [each.browser for each in command.all()] == ["Chrome on Android", "a browser"]
    assert command.revoke(1) == 1
    assert command.revoke(1) == 0
    assert page.find(first) is None
    assert page.find(second) is not None
    assert command.revoke(None) == 1
    assert page.find(second) is None


def test_the_browser_that_was_paired_first_makes_way(tmp_path: Path) -> None:
    pairings = Pairings(tmp_path, Clock(), days=30)
    first, *others = [pairings.add(PHONE) for _ in range(MOST + 1)]

    assert pairings.find(first) is None
    assert all(pairings.find(each) for each in others)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"{}", b'[{"number": "x"}]', b'[{"key": "\xff"}]'])
def test_a_damaged_file_pairs_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)

    assert Pairings(tmp_path, Clock(), days=30).all() == []


def test_a_folder_that_cannot_be_written_pairs_nobody_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnavailable, match="cannot be written"):
        Pairings(tmp_path / "file", Clock(), days=30).add(PHONE)


def test_what_root_revokes_stays_readable_for_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))

    Pairings(tmp_path, Clock(), days=30).add(PHONE)

    owner = tmp_path.stat()
    assert given == [(owner.st_uid, owner.st_gid)]
