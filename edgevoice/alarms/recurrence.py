"""When an alarm rings next: local times, recurrence rules and time zones. Pure; the zone is an argument."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from edgevoice.core.weekdays import WEEKDAYS, weekdays_in_words

_WEEKLY: Final = "FREQ=WEEKLY;BYDAY="


def next_occurrence(first: datetime, rule: str, after_s: float, zone: tzinfo) -> float | None:
    """Return the first occurrence after ``after_s``, both in seconds since the epoch; ``None`` if there is no more.

    ``first`` is local time without an offset, ``rule`` an RRULE of RFC 5545, empty if it does not recur. A local time
    that the clocks skip is as many minutes after the change as it would have been without one, so that 02:30 rings at
    03:30; one that happens twice rings the first time. Raises ``ValueError`` for a rule that is none.
    """
    if not rule:
        at_s = _moment(first, zone, 0)
        return at_s if at_s > after_s else _second(first, zone, after_s)
    # Loaded where something recurs: it takes 60 ms on a PC.
    from dateutil.rrule import rrulestr  # noqa: PLC0415

    local = datetime.fromtimestamp(after_s, zone).replace(tzinfo=None)
    occurrences = rrulestr(rule, dtstart=first)
    candidate = occurrences.after(local, inc=False)
    while candidate is not None:
        if (at_s := _moment(candidate, zone, 0)) > after_s:
            return at_s
        if (again := _second(candidate, zone, after_s)) is not None:
            return again
        candidate = occurrences.after(candidate, inc=False)
    return None


def first_at(hour: int, minute: int, now_s: float, zone: tzinfo) -> datetime:
    """Return the next local time with this hour and minute: today's if it is still to come, else tomorrow's."""
    now = datetime.fromtimestamp(now_s, zone)
    today = now.replace(tzinfo=None, hour=hour, minute=minute, second=0, microsecond=0)
    return today if _moment(today, zone, 0) > now_s else today + timedelta(days=1)


def day_named(name: str, soonest: datetime, now_s: float, zone: tzinfo) -> datetime:
    """Return the day that is meant by "today", "tomorrow" or the name of a weekday.

    ``soonest`` is when the time of day is next: on a Monday, Monday is today until then, and a week later afterwards.
    """
    if name in WEEKDAYS:
        return soonest + timedelta(days=(WEEKDAYS.index(name) - soonest.weekday()) % 7)
    return datetime.fromtimestamp(now_s, zone).replace(tzinfo=None) + timedelta(days=int(name == "tomorrow"))


def weekly(days: list[str]) -> str:
    """Return the rule for these days of the week, named as in ``WEEKDAYS``."""
    return _WEEKLY + ",".join(_short(day) for day in WEEKDAYS if day in days)


def in_words(rule: str) -> str:
    """Return how a rule recurs as a person says it, such as "on weekdays"; as it is if ``weekly`` did not make it."""
    named = rule.removeprefix(_WEEKLY).split(",")
    days = [day for day in WEEKDAYS if _short(day) in named]
    return weekdays_in_words(days) if weekly(days) == rule else rule


def _short(day: str) -> str:
    return day[:2].upper()


def _moment(local: datetime, zone: tzinfo, fold: int) -> float:
    return local.replace(tzinfo=zone, fold=fold).timestamp()


def _second(local: datetime, zone: tzinfo, after_s: float) -> float | None:
    """Return when a local time happens again because the clocks were set back, if that is still to come."""
    at_s = _moment(local, zone, 1)
    return at_s if at_s > after_s else None
