"""Reads the time and the date from a clock tool's answer, whatever its format.

Understands JSON and plain text, 24 hours and AM or PM, ISO 8601, months by name, and seconds since the epoch, which it
interprets in this machine's time zone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgevoice.local.mind.calls import decoded
from edgevoice.local.mind.tool_kinds import in_words
from edgevoice.wall_clock import local_struct

MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905

_MERIDIEM = r"(?P<meridiem>[ap])\.?\s?m\b\.?"
_TIME = re.compile(
    # Not after a sign, which marks a zone's offset. A full stop separates hours and minutes only before AM or PM.
    rf"(?<![\d:.+\u2212-])(?P<hour>\d{{1,2}})(?::(?P<minute>\d{{2}})(?::\d{{2}}(?:[.,]\d+)?)?(?!\d)(?:\s*{_MERIDIEM})?"
    rf"|(?:[.h](?P<minute2>\d{{2}}))?\s*{_MERIDIEM.replace('meridiem', 'meridiem2')}|h(?P<minute3>\d{{2}})\b)",
    re.IGNORECASE,
)
_MONTH = rf"(?P<month>{'|'.join(name[:3] for name in MONTHS)})[a-z]*\.?"
_DATES = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH},?\s+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?!\d)"),
    # As in countries with AM and PM: the month first, unless there is no such month.
    re.compile(r"(?<!\d)(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})(?!\d)"),
)
# Whole names and their usual abbreviations: "sunset" and "monthly" are no days.
_WEEKDAY = re.compile(
    rf"\b(?:{'|'.join(WEEKDAYS)}|mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)\b(?! ?(?:rise|set)\b)", re.IGNORECASE
)
_TIME_KEYS = (
    *("local time", "time", "current time", "time of day", "local datetime", "datetime", "current datetime"),
    *("local", "now"),
)
_DATE_KEYS = ("local date", "date", "current date", "today")
_DAY_KEYS = ("weekday", "day of week", "day name", "day")
_DEEPEST = 4
_LONGEST_SENTENCE = 200
_LONGEST_ANSWER = 16_384


@dataclass(frozen=True, slots=True)
class Reading:
    """A clock's answer: ``time`` is hour (0 to 23) and minute, ``date`` is year, month and day; None if not found."""

    time: tuple[int, int] | None = None
    date: tuple[int, int, int] | None = None
    weekday: str = ""
    plain: str = ""


def read_clock(output: str) -> Reading:
    """Return what a clock tool's answer says; ``plain`` is an answer in full sentences."""
    returned = decoded(output[:_LONGEST_ANSWER])
    fields = dict(_fields(returned))
    written = " ".join(_texts(returned))
    moment = next(filter(None, map(_epoch, _numbers(returned))), None)
    time = _time_of_parts(fields) or _first(_time_in, fields, _TIME_KEYS, written)
    date = _first(_date_in, fields, _DATE_KEYS, written)
    if moment is not None:
        time, date = time or moment[0], date or moment[1]
    named = _first(_weekday_in, fields, _DAY_KEYS, written)
    return Reading(time, date, named or "", _sentence(returned))


def _sentence(returned: Any) -> str:
    """Return an answer that is a text for people, not data."""
    text = " ".join(returned.split()) if isinstance(returned, str) else ""
    return text if len(text) <= _LONGEST_SENTENCE and re.fullmatch(r"\w+ [^{}\[\]<>]+", text) else ""


def _fields(returned: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every named value, the outermost last, so that it wins; names as words."""
    if depth > _DEEPEST:
        return
    inner = returned.values() if isinstance(returned, dict) else returned if isinstance(returned, list) else ()
    for value in inner:
        yield from _fields(value, depth + 1)
    if isinstance(returned, dict):
        for key, value in returned.items():
            yield in_words(str(key)).replace("date time", "datetime"), value


def _texts(returned: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(returned, str):
        yield returned
    elif depth <= _DEEPEST:
        inner = returned.values() if isinstance(returned, dict) else returned if isinstance(returned, list) else ()
        for value in inner:
            yield from _texts(value, depth + 1)


def _numbers(returned: Any) -> Iterator[float]:
    values = (returned, *(value for _, value in _fields(returned)))
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield value
        elif isinstance(value, str) and re.fullmatch(r"\s*\d{10,13}(?:\.\d+)?\s*", value):
            yield float(value)


def _first(read: Any, fields: dict[str, Any], keys: tuple[str, ...], written: str) -> Any:
    """Return the first value that can be read: from the fields that should contain it, else from the whole text."""
    named = (fields[key] for key in keys if isinstance(fields.get(key), str))
    return next(filter(None, map(read, (*named, written))), None)


def _time_in(text: str) -> tuple[int, int] | None:
    for found in _TIME.finditer(text):
        meridiem = found["meridiem"] or found["meridiem2"]
        time = _checked(int(found["hour"]), int(found["minute"] or found["minute2"] or found["minute3"] or 0), meridiem)
        if time is not None:
            return time
    return None


def _checked(hour: int, minute: int, meridiem: str | None) -> tuple[int, int] | None:
    if meridiem and hour <= 12:
        hour = hour % 12 + (12 if meridiem in "pP" else 0)
    return (hour % 24, minute) if 0 <= hour <= 24 and 0 <= minute < 60 else None


def _time_of_parts(fields: dict[str, Any]) -> tuple[int, int] | None:
    try:
        hour, minute = fields["hour"], fields.get("minute", 0)
        said = next((str(fields[key]) for key in ("meridiem", "period", "ampm", "am pm") if key in fields), "")
        return _checked(int(hour), int(minute), said[:1] if said[:1] in "apAP" else None)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _date_in(text: str) -> tuple[int, int, int] | None:
    for pattern in _DATES:
        for found in pattern.finditer(text):
            year, day, said = int(found["year"]), int(found["day"]), found["month"]
            names = [name[:3].lower() for name in MONTHS]
            month = int(said) if said.isdigit() else names.index(said.lower()) + 1
            if month > 12 >= day and "/" in found[0]:
                month, day = day, month
            if 1 <= month <= 12 and 1 <= day <= 31:
                return year, month, day
    return None


def _weekday_in(text: str) -> str | None:
    found = _WEEKDAY.search(text)
    return next(name for name in WEEKDAYS if name[:3] == found[0][:3].title()) if found else None


def _epoch(number: float) -> tuple[tuple[int, int], tuple[int, int, int]] | None:
    """Return the moment that many seconds or milliseconds after 1970; ``None`` for any other number."""
    seconds = number / 1000 if number >= 1e12 else number
    if not 1e9 <= seconds <= 1e10:
        return None
    local = local_struct(seconds)
    return (local.tm_hour, local.tm_min), (local.tm_year, local.tm_mon, local.tm_mday)
