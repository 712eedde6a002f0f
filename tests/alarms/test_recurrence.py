"""When alarms ring, in three time zones, on the days on which the clocks change and on all others."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from edgevoice.alarms.recurrence import first_at, in_words, next_occurrence, weekly
from edgevoice.core.weekdays import WEEKDAYS

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
"""One hour of summer time in spring and autumn of either half of the year; Lord Howe's summer time is half an hour."""

DAILY = "FREQ=DAILY"
WORKDAYS = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"


def utc(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def shown(at_s: float | None) -> str | None:
    return None if at_s is None else f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("zone", "first", "rule", "after", "expected"),
    [
        # Plain days: the same local time, whatever the offset.
        (BERLIN, "2026-01-15T07:00", DAILY, "2026-01-15T06:00", "2026-01-16T06:00"),
        (BERLIN, "2026-01-15T07:00", DAILY, "2026-07-01T04:59", "2026-07-01T05:00"),
        (NEW_YORK, "2026-01-15T07:00", DAILY, "2026-01-15T12:00", "2026-01-16T12:00"),
        (NEW_YORK, "2026-01-15T07:00", DAILY, "2026-07-01T10:59", "2026-07-01T11:00"),
        (LORD_HOWE, "2026-01-15T07:00", DAILY, "2026-01-14T20:00", "2026-01-15T20:00"),
        (LORD_HOWE, "2026-01-15T07:00", DAILY, "2026-07-01T20:29", "2026-07-01T20:30"),
        # Spring: 02:30 does not exist, and rings at 03:30; the next day at 02:30 again.
        (BERLIN, "2026-03-28T02:30", DAILY, "2026-03-28T01:30", "2026-03-29T01:30"),
        (BERLIN, "2026-03-28T02:30", DAILY, "2026-03-29T01:30", "2026-03-30T00:30"),
        (NEW_YORK, "2026-03-07T02:30", DAILY, "2026-03-07T07:30", "2026-03-08T07:30"),
        (NEW_YORK, "2026-03-07T02:30", DAILY, "2026-03-08T07:30", "2026-03-09T06:30"),
        (LORD_HOWE, "2026-10-03T02:15", DAILY, "2026-10-02T15:45", "2026-10-03T15:45"),
        # Autumn: 02:30 happens twice, and rings the first time only.
        (BERLIN, "2026-10-24T02:30", DAILY, "2026-10-24T00:30", "2026-10-25T00:30"),
        (BERLIN, "2026-10-24T02:30", DAILY, "2026-10-25T00:30", "2026-10-26T01:30"),
        (NEW_YORK, "2026-10-31T01:30", DAILY, "2026-11-01T05:30", "2026-11-02T06:30"),
        (LORD_HOWE, "2026-04-04T01:45", DAILY, "2026-04-04T14:45", "2026-04-05T15:15"),
        # Set between the two: the second time is the one that is still to come.
        (BERLIN, "2026-10-25T02:30", DAILY, "2026-10-25T01:10", "2026-10-25T01:30"),
        (BERLIN, "2026-10-25T02:30", "", "2026-10-25T01:10", "2026-10-25T01:30"),
        # Weekdays, over the weekend and over the change of the clocks.
        (BERLIN, "2026-03-27T07:00", WORKDAYS, "2026-03-27T06:00", "2026-03-30T05:00"),
        (NEW_YORK, "2026-03-06T07:00", WORKDAYS, "2026-03-06T12:00", "2026-03-09T11:00"),
        # Once.
        (BERLIN, "2026-12-24T18:00", "", "2026-12-01T00:00", "2026-12-24T17:00"),
        (BERLIN, "2026-12-24T18:00", "", "2026-12-24T17:00", None),
        # A rule that ends.
        (BERLIN, "2026-01-01T07:00", "FREQ=DAILY;COUNT=2", "2026-01-02T06:00", None),
    ],
)
def test_an_alarm_rings_at_its_local_time(zone: str, first: str, rule: str, after: str, expected: str | None) -> None:
    at_s = next_occurrence(datetime.fromisoformat(first), rule, utc(after), ZoneInfo(zone))

    assert shown(at_s) == expected


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE])
def test_over_a_year_a_daily_alarm_rings_once_a_day(zone: str) -> None:
    first, at_s, days = datetime.fromisoformat("2026-01-01T02:30"), utc("2026-01-01T12:00"), set()
    for _ in range(370):
        found = next_occurrence(first, DAILY, at_s, ZoneInfo(zone))
        assert found is not None
        assert found > at_s
        at_s = found
        days.add(datetime.fromtimestamp(at_s, ZoneInfo(zone)).date())

    assert len(days) == 370


@pytest.mark.parametrize(
    ("clock", "now", "expected"),
    [
        ((7, 0), "2026-11-29T05:59", "2026-11-29T07:00"),
        ((7, 0), "2026-11-29T06:00", "2026-11-30T07:00"),
        ((0, 0), "2026-12-31T22:00", "2027-01-01T00:00"),
    ],
)
def test_a_time_without_a_date_is_the_next_one(clock: tuple[int, int], now: str, expected: str) -> None:
    assert first_at(*clock, utc(now), ZoneInfo(BERLIN)) == datetime.fromisoformat(expected)


def test_days_of_the_week_are_a_rule_in_their_order() -> None:
    assert weekly(["sunday", "monday"]) == "FREQ=WEEKLY;BYDAY=MO,SU"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (weekly([*WEEKDAYS]), "every day"),
        (WORKDAYS, "on weekdays"),
        (weekly(["sunday", "saturday"]), "on weekends"),
        (weekly(["friday"]), "every Friday"),
        (weekly(["friday", "monday", "sunday"]), "every Monday, Friday and Sunday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "FREQ=MONTHLY;BYMONTHDAY=1"),
        ("FREQ=WEEKLY;BYDAY=MO;INTERVAL=2", "FREQ=WEEKLY;BYDAY=MO;INTERVAL=2"),
        ("", ""),
    ],
)
def test_a_rule_is_said_as_a_person_says_it_and_one_of_another_kind_as_it_is(rule: str, words: str) -> None:
    assert in_words(rule) == words


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="NEVER"):
        next_occurrence(datetime.fromisoformat("2026-01-01T07:00"), "FREQ=NEVER", 0.0, UTC)
