from datetime import UTC, datetime, timedelta

import pytest

from edgevoice.box.quiet_hours import is_quiet, until_quiet_hours_end
from edgevoice.settings.alarms import QuietHoursSettings
from tests import virtual_time


@pytest.mark.parametrize(
    ("begin", "end", "clock", "quiet"),
    [
        ("22:00", "07:00", "21:59", False),
        ("22:00", "07:00", "22:00", True),
        ("22:00", "07:00", "03:00", True),
        ("22:00", "07:00", "07:00", False),
        ("13:00", "15:00", "14:59", True),
        ("13:00", "15:00", "15:00", False),
        ("13:00", "13:00", "13:00", False),
        ("", "", "03:00", False),
        ("22:00", "", "23:00", False),
    ],
)
def test_quiet_hours_may_go_on_past_midnight(begin: str, end: str, clock: str, *, quiet: bool) -> None:
    now = datetime.fromisoformat(f"2026-11-29T{clock}+00:00")

    assert is_quiet(QuietHoursSettings(begin=begin, end=end), now) is quiet


def test_who_waits_for_the_end_of_quiet_hours_waits_no_longer() -> None:
    now = datetime(2026, 11, 29, 6, 58, tzinfo=UTC)

    def clock() -> datetime:
        nonlocal now
        now += timedelta(seconds=30)
        return now

    virtual_time.run(until_quiet_hours_end(QuietHoursSettings(begin="22:00", end="07:00"), clock))

    assert f"{now:%H:%M:%S}" == "07:00:00"
