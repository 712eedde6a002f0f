"""What is asked about timers and alarms that may have been misheard: a command in words, which "yes" then means."""

import pytest

from edgevoice.local.mind.alarm_commands import AlarmIntent, AlarmRequest, AlarmWish, ReminderWish, alarm_wish
from edgevoice.local.mind.alarm_questions import question_about_alarm


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("wake me at seven", "Wake me at seven o'clock in the morning?"),
        ("wake me at half past two", "Wake me at two thirty in the afternoon?"),
        ("wake me at seven on weekdays", "Wake me at seven o'clock in the morning on weekdays?"),
        ("wake me at eight on the weekend", "Wake me at eight o'clock in the morning on weekends?"),
        (
            "wake me at seven every monday and friday",
            "Wake me at seven o'clock in the morning every Monday and Friday?",
        ),
        ("wake me at seven on monday", "Wake me at seven o'clock in the morning on Monday?"),
        ("wake me at seven tomorrow", "Wake me at seven o'clock in the morning tomorrow?"),
        ("remind me at six to call mum", "Remind me at six o'clock in the evening to call mum?"),
        (
            "remind me every day at nine to feed the cat",
            "Remind me at nine o'clock in the morning every day to feed the cat?",
        ),
        ("wake me at six oh five", "Wake me at six oh five in the morning?"),
        ("wake me at 23:30", "Wake me at eleven thirty at night?"),
        ("wake me at midnight", "Wake me at twelve o'clock at night?"),
        ("ten minute pasta timer", "A pasta timer for ten minutes?"),
        ("ten minute egg timer", "An egg timer for ten minutes?"),
        ("cancel the pasta timer", "Cancel the pasta timer?"),
        ("add two minutes", "Add two minutes?"),
        ("pause the timer", "Pause the timer?"),
        ("continue my pasta timer", "Resume the pasta timer?"),
        ("snooze", "Snooze?"),
        ("snooze for five minutes", "Snooze for five minutes?"),
        ("cancel all alarms", "Cancel all alarms?"),
        ("cancel my reminder", "Cancel the reminder?"),
    ],
)
def test_a_question_is_a_command_that_means_the_same(said: str, asked: str) -> None:
    wish = alarm_wish(said)

    assert wish is not None
    assert question_about_alarm(wish) == asked
    assert alarm_wish(asked) == wish


@pytest.mark.parametrize("hour", range(24))
def test_every_time_of_day_can_be_asked_about(hour: int) -> None:
    for minute in range(60):
        for wish in (AlarmWish(hour, minute), ReminderWish("call mum", hour, minute)):
            asked = question_about_alarm(wish)
            assert asked is not None
            assert alarm_wish(asked) == wish


@pytest.mark.parametrize("wish", list(AlarmRequest))
def test_what_no_question_can_say_is_not_asked(wish: AlarmIntent) -> None:
    assert question_about_alarm(wish) is None
