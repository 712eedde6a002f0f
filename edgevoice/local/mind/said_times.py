"""Lengths of time, times of day and days, as people say them, with numbers in digits. Pure.

A time without a part of the day is taken as people mean it: to be woken at seven is in the morning, to be reminded at
six in the evening. The answer says which, so that a wrong guess is heard.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edgevoice.core.weekdays import WEEKDAYS

UNIT = r"(?:second|minute|hour)s?"
"""A pattern of a unit of time, without groups."""

_COUNT = rf"(?:\d+|an?) {UNIT}(?: and a half)?|\d+ and a half {UNIT}|half an? (?:hour|minute)|a half hour"
LENGTH = rf"(?:3 quarters of an hour|a quarter of an hour|(?:{_COUNT})(?:(?: and)? (?:{_COUNT}))*)"
"""A pattern of a length of time, without groups."""

_PART = re.compile(
    r"(?P<count>\d+|an?|half(?: an?)?|a half) (?P<half>and a half )?"
    r"(?P<unit>second|minute|hour)s?(?P<more> and a half)?"
)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}

_NAME = rf"(?:{'|'.join(WEEKDAYS)})"
_NAMES = rf"{_NAME}s?(?:(?: and)? {_NAME}s?)*"
_RECURRING = (
    rf"(?:every ?day|daily|(?:every )?weekdays?|(?:on )?(?:the )?weekends?|(?:from )?{_NAME}s? (?:to|through) {_NAME}s?"
    rf"|(?:every )?{_NAMES})(?: (?:except|but)(?: not)?(?: on)? {_NAMES})?"
)
_ONCE = r"tonight|(?:today|tomorrow)(?: (?:morning|afternoon|evening|night))?|this (?:morning|afternoon|evening)"
_TIMES = rf"(?:(?:on )?{_RECURRING}|{_ONCE}|every (?:morning|afternoon|evening|night))"
ENDS_WITH_DAY = re.compile(rf"(?<!for )\b{_TIMES}$")
"""Finds a day at the end of what is to be done: it may be when to remind of it."""

CLOCK = (
    r"(?:(?:(?P<half>half past|(?:a )?quarter past|(?:a )?quarter to)|(?P<beside>[1-5]?\d)(?: minutes?)? "
    r"(?P<side>past|to)) )?(?P<hour>\d{1,2}|noon|midnight)(?: (?P<minute>\d\d)| oh? (?P<digit>\d))?(?: o ?clock)?"
    r"(?: (?P<part>a ?m|p ?m|in the (?:morning|afternoon|evening)|at night))?"
)
"""A pattern of a time of day; `clock_of` reads its groups."""


def days(name: str) -> str:
    """Return a pattern of when in the week something is, with a space before it; may match nothing."""
    return rf"(?: (?P<{name}>{_TIMES}))?"


@dataclass(frozen=True, slots=True)
class SaidDays:
    """The days of every week, by their English names; or ``date`` for a single one: today, tomorrow or a weekday.

    Neither is the next time. ``part`` of the day is morning, afternoon, evening, night, tonight, or empty.
    """

    every: tuple[str, ...] = ()
    date: str = ""
    part: str = ""


def seconds_of(words: str) -> int:
    """Return the length of time that `LENGTH` has found in ``words``, in seconds."""
    if quarters := re.search(r"(?:(3|a) )?quarters?(?: of an)? hour", words):
        return 2700 if quarters[1] == "3" else 900
    return sum(_part_seconds(part) for part in _PART.finditer(words))


def _part_seconds(part: re.Match[str]) -> int:
    unit_s = _SECONDS[part["unit"]]
    if "half" in part["count"]:
        return unit_s // 2
    count = int(part["count"]) if part["count"].isdigit() else 1
    return count * unit_s + (unit_s // 2 if part["half"] or part["more"] else 0)


def days_of(said: str | None) -> SaidDays | None:
    """Return what `days` has found; None if no day is left of it."""
    words = (said or "").removeprefix("on ").removeprefix("the ").split()
    match words:
        case []:
            return SaidDays()
        case ["tonight"]:
            return SaidDays(date="today", part="tonight")
        case ["this" | "today", *part]:
            return SaidDays(date="today", part="tonight" if part == ["night"] else "".join(part))
        case ["tomorrow", *part]:
            return SaidDays(date="tomorrow", part="".join(part))
        case ["every", "morning" | "afternoon" | "evening" | "night" as part]:
            return SaidDays(WEEKDAYS, part=part)
        case [name] if name in WEEKDAYS:
            return SaidDays(date=name)
    text, _, left_out = re.sub(r" (?:except|but)\b", " |", " ".join(words)).partition("|")
    every = tuple(day for day in _recurring(text.strip()) if day not in left_out)
    return SaidDays(every) if every else None


def _recurring(text: str) -> tuple[str, ...]:
    if text in {"every day", "everyday", "daily"}:
        return WEEKDAYS
    if "weekday" in text:
        return WEEKDAYS[:5]
    if "weekend" in text:
        return WEEKDAYS[5:]
    named = [day.removesuffix("s") for day in text.split() if day.removesuffix("s") in WEEKDAYS]
    if re.search(r" (?:to|through) ", text):
        first, last = map(WEEKDAYS.index, named)
        return tuple(WEEKDAYS[at % 7] for at in range(first, last + 1 if last >= first else last + 8))
    return tuple(day for day in WEEKDAYS if day in named)


def clock_of(found: Mapping[str, str | None], part: str, *, earliest: int) -> tuple[int, int] | None:
    """Return hour and minute by the groups of `CLOCK`; None if there is no such time.

    An hour before ``earliest`` that names no part of the day is in the afternoon. ``part`` is that of `SaidDays`, and
    counts if the time names none itself.
    """
    said, part = str(found["hour"]), found["part"] or part
    hour = {"noon": 12, "midnight": 24}.get(said) or (int(said) if said.isdigit() else 0)
    minute = int(found["minute"] or found["digit"] or 0)
    if (said.isdigit() and hour > 23) or minute > 59 or (minute and _shift(found)):
        return None
    if said.isdigit():
        named = _hour(hour, part, earliest)
        if named is None:
            return None
        hour = named
    return divmod((60 * hour + minute + _shift(found)) % 1440, 60)


def _hour(hour: int, part: str, earliest: int) -> int | None:
    if part == "tonight":
        return None if hour < 5 or hour == 12 else hour % 12 + 12
    if part.replace(" ", "") == "am" or "morning" in part or ("night" in part and hour == 12):
        return hour % 12 if hour <= 12 else hour
    if (part and hour < 12 and not ("night" in part and hour < 5)) or (not part and 0 < hour < earliest):
        return hour + 12
    return hour


def _shift(found: Mapping[str, str | None]) -> int:
    """Return by how many minutes the time is later than its hour."""
    half = found["half"] or ""
    if found["beside"]:
        return int(found["beside"]) * (-1 if found["side"] == "to" else 1)
    return -15 if half.endswith("to") else 15 if "quarter" in half else 30 if half else 0
