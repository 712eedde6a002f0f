"""Time of day: stretches of every day, which may go on past midnight. No clock."""

from typing import Final

_DAY_MIN: Final = 24 * 60

CLOCK_MAY_BE_SET_S: Final = 900.0
"""How often, in seconds, to look at the clock while waiting for an edge: it is wrong on a Pi without a network."""

Span = tuple[int, int]
"""From one minute of the day, 0 to 1439, to another, which is no longer in it; empty if they are the same."""


def span_of(begin: str, end: str) -> Span | None:
    """Return the span between two times such as "22:00"; ``None`` if either is empty."""
    return (_minute_of(begin), _minute_of(end)) if begin and end else None


def is_within(minute: int, span: Span | None) -> bool:
    """Return whether a minute of the day is in a span; in none without one."""
    if span is None:
        return False
    begin, end = span
    return (minute - begin) % _DAY_MIN < (end - begin) % _DAY_MIN


def seconds_to_edge(second: float, span: Span | None) -> float | None:
    """Return how long after a second of the day, 0 to 86,399, a span begins or ends; ``None`` if it never does."""
    if span is None or span[0] == span[1]:
        return None
    day_s = _DAY_MIN * 60
    return min((minute * 60 - second) % day_s or day_s for minute in span)


def _minute_of(time_of_day: str) -> int:
    hours, minutes = time_of_day.split(":")
    return int(hours) * 60 + int(minutes)
