"""Times of day in words. Pure."""

from edgevoice.local.mind.numbers import spoken


def spoken_time(hour: int, minute: int) -> str:
    """Return a time of day as words: ``six oh four in the evening``."""
    part = "at night" if hour < 5 or hour >= 22 else "in the morning" if hour < 12 else "in the afternoon"
    if 18 <= hour < 22:
        part = "in the evening"
    clock = spoken((hour - 1) % 12 + 1)
    if minute == 0:
        return f"{clock} o'clock {part}"
    return f"{clock} {'oh ' if minute < 10 else ''}{spoken(minute)} {part}"
