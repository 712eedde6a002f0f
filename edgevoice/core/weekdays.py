"""Weekdays: the days on which something recurs every week, and how a person says them. No clock."""

from collections.abc import Collection
from typing import Final

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_GROUPS: Final = {WEEKDAYS: "every day", WEEKDAYS[:5]: "on weekdays", WEEKDAYS[5:]: "on weekends"}


def weekdays_in_words(days: Collection[str]) -> str:
    """Return "on weekdays", "every Monday and Friday" or the like for days named as in ``WEEKDAYS``; empty for none."""
    chosen = tuple(day for day in WEEKDAYS if day in days)
    if not chosen:
        return ""
    if chosen in _GROUPS:
        return _GROUPS[chosen]
    *earlier, last = (day.capitalize() for day in chosen)
    return f"every {', '.join(earlier)} and {last}" if earlier else f"every {last}"
