"""Local time in a process that runs for months, while its owner travels."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgevoice.tools.clock import clock_tool
from edgevoice.wall_clock import local_now, local_struct, local_today

ZONES = Path("/usr/share/zoneinfo")


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_changed_time_zone_applies_from_the_next_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, hours, name in (("EST5", -5, "EST"), ("XXX-14", 14, "XXX"), ("CET-1", 1, "CET")):
        monkeypatch.setenv("TZ", zone)
        now = local_now()
        assert now.utcoffset() == timedelta(hours=hours)
        assert now.tzname() == name
        assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
        assert local_struct(0).tm_gmtoff == hours * 3600
        assert clock_tool()()["timezone"] == name


def test_the_day_follows_the_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, hours in (("AAA12", -12), ("BBB-14", 14)):
        monkeypatch.setenv("TZ", zone)
        assert local_today() == (datetime.now(UTC) + timedelta(hours=hours)).date()


CHILD = """
import sys
from edgevoice.wall_clock import local_now
for _ in sys.stdin:
    print(local_now().strftime("%z"), flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0 or not ZONES.is_dir(), reason="only root may have another /etc/localtime")
@pytest.mark.parametrize("variable", ["", ":/etc/localtime"])
def test_a_changed_localtime_applies_in_a_running_process(tmp_path: Path, variable: str) -> None:
    zone = tmp_path / "localtime"
    zone.symlink_to(ZONES / "Asia" / "Tokyo")
    (tmp_path / "etc").mkdir()
    # In its own mount namespace, where /etc/localtime is a link that the test may change.
    (tmp_path / "etc" / "localtime").symlink_to(zone)
    script = f'mount --bind {tmp_path / "etc"} /etc && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", CHILD]
    environment = {"PATH": os.environ["PATH"], **({"TZ": variable} if variable else {})}
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        seen = []
        for name in ("Asia/Tokyo", "Asia/Kolkata", "Asia/Tokyo"):
            zone.unlink()
            zone.symlink_to(ZONES / name)
            child.stdin.write(b"\n")
            child.stdin.flush()
            seen.append(child.stdout.readline().strip())
        child.stdin.close()

    assert seen == [b"+0900", b"+0530", b"+0900"]


def test_a_time_for_the_log_is_given_in_the_current_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, hour in (("AAA12", 12), ("BBB-14", 14)):
        monkeypatch.setenv("TZ", zone)
        found = local_struct(86_400)
        assert (found.tm_year, found.tm_hour) == (1970, hour)
