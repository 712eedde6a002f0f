"""What to ask about timers, alarms and reminders that may have been misheard. Pure."""

from collections.abc import Sequence

from edgevoice.core.weekdays import WEEKDAYS, weekdays_in_words
from edgevoice.local.mind.alarm_commands import (
    AlarmIntent,
    AlarmWish,
    CancelAlarmWish,
    CancelNamedWish,
    ChangeWish,
    NamedTimerWish,
    PauseWish,
    ReminderWish,
    SnoozeWish,
    alarm_wish,
)
from edgevoice.local.mind.numbers import spoken, spoken_duration
from edgevoice.local.mind.spoken_clock import spoken_time


def question_about_alarm(wish: AlarmIntent) -> str | None:
    """Return what to ask before acting on uncertain words, as a command in words; None if repeating is quicker."""
    words = _question(wish)
    # A question that does not mean the wish could not be answered with "yes".
    return words if words is not None and alarm_wish(words) == wish else None


def _question(wish: AlarmIntent) -> str | None:
    match wish:
        case AlarmWish(hour, minute, days, date):
            return f"Wake me at {spoken_time(hour, minute)}{_on(days, date)}?"
        case ReminderWish(text, hour, minute, days, seconds=0, date=date):
            return f"Remind me at {spoken_time(hour, minute)}{_on(days, date)} to {text}?"
        case NamedTimerWish(seconds, label):
            return f"{'An' if label[0] in 'aeiou' else 'A'} {label} timer for {spoken_duration(seconds)}?"
        case PauseWish(resumes, label, seconds=0, is_all=False):
            return f"{'Resume' if resumes else 'Pause'} the {f'{label} ' if label else ''}timer?"
        case CancelNamedWish(label):
            return f"Cancel the {label} timer?"
        case ChangeWish(seconds, label=""):
            return f"Add {spoken_duration(seconds)}?"
        case SnoozeWish(minutes):
            return f"Snooze for {spoken(minutes)} minutes?" if minutes else "Snooze?"
        case CancelAlarmWish(kind, is_all, time="", text=""):
            return f"Cancel all {kind}s?" if is_all else f"Cancel the {kind}?"
        case _:
            return None


def _on(days: Sequence[str], date: str) -> str:
    once = f"on {date.capitalize()}" if date in WEEKDAYS else date
    return f" {weekdays_in_words(days) or once}" if days or date else ""
