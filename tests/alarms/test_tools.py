"""What the model can do with timers, alarms and reminders, and what it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edgevoice.alarms.rings import RingKind, ScheduledRing, spoken_length, spoken_name
from edgevoice.alarms.schedule import MOST_RINGS
from edgevoice.core.announcements import RingOutcome, RingWithdrawn
from edgevoice.errors import ToolRefused
from tests import virtual_time
from tests.alarms.household import House, Shelf

Told = Callable[[House], Awaitable[Any]]


def told(ask: Told) -> Any:
    """Return what a new house answers."""

    async def live() -> Any:
        return await ask(House(Shelf()))

    return virtual_time.run(live())


async def set_one(house: House, kind: str, label: str) -> None:
    """Set a timer of ten minutes, or an alarm at seven."""
    given = {"seconds": 600} if kind == "timer" else {"time": "07:00"}
    await house.ask(f"set_{kind}", label=label, **given)


def test_timers_are_set_listed_changed_and_cancelled_by_name_or_length() -> None:
    async def ask(house: House) -> Any:
        assert await house.ask("set_timer", seconds=600, label="pasta") == {
            "rings_in_seconds": 600,
            "label": "pasta",
            "timers_running": 1,
        }
        await house.ask("set_timer", seconds=60, label="eggs")
        await asyncio.sleep(20)
        assert await house.ask("change_timer", seconds=120, label="Pasta ") == {
            "label": "pasta",
            "rings_in_seconds": 700,
        }
        assert await house.ask("list_timers") == [
            {"label": "pasta", "set_for_seconds": 600, "seconds_left": 700},
            {"label": "eggs", "set_for_seconds": 60, "seconds_left": 40},
        ]
        assert (await house.ask("cancel_timers", seconds=5))["cancelled"] == 0
        assert await house.ask("cancel_timers", seconds=60) == {"cancelled": 1, "labels": ["eggs"]}
        assert await house.ask("cancel_timers") == {"cancelled": 1, "labels": ["pasta"]}
        return await house.ask("list_timers")

    assert told(ask) == []


def test_a_paused_timer_keeps_what_is_left_until_it_is_resumed() -> None:
    async def ask(house: House) -> Any:
        await house.ask("set_timer", seconds=600, label="pasta")
        await asyncio.sleep(60)
        left = {"label": "pasta", "set_for_seconds": 600, "seconds_left": 540}
        assert await house.ask("pause_timer") == {"timers": [{**left, "paused": True}]}
        await asyncio.sleep(3600)
        assert await house.ask("list_timers") == [{**left, "paused": True}]
        assert house.facts == []
        assert (await house.ask("change_timer", seconds=60))["seconds_left"] == 600, "it stays paused"
        assert await house.ask("resume_timer", label="pasta") == {"timers": [{**left, "seconds_left": 600}]}
        await asyncio.sleep(599)
        assert house.facts == []
        await asyncio.sleep(2)
        return house.facts

    assert len(told(ask)) == 1


def test_of_several_timers_the_one_that_is_named_is_paused_or_all() -> None:
    async def ask(house: House) -> Any:
        for label, seconds in (("tea", 180), ("eggs", 300)):
            await house.ask("set_timer", seconds=seconds, label=label)
        with pytest.raises(ToolRefused, match=r"^2 timers match; the labels are: tea, eggs"):
            await house.ask("pause_timer")
        await house.ask("pause_timer", seconds=180)
        with pytest.raises(ToolRefused, match=r"^0 timers match; the labels are: eggs"):
            await house.ask("pause_timer", label="tea")
        with pytest.raises(ToolRefused, match=r"^0 timers match; the labels are: tea"):
            await house.ask("resume_timer", label="eggs")
        await house.ask("pause_timer")
        assert [each["paused"] for each in await house.ask("list_timers")] == [True, True]
        return await house.ask("resume_timer", everything=True)

    assert [each["label"] for each in told(ask)["timers"]] == ["tea", "eggs"]


def test_a_timer_that_rings_cannot_be_paused_and_a_paused_one_can_be_cancelled() -> None:
    async def ask(house: House) -> Any:
        await house.ask("set_timer", seconds=1)
        await asyncio.sleep(2)
        with pytest.raises(ToolRefused, match=r"^0 timers match"):
            await house.ask("pause_timer")
        await house.ask("cancel_timers", everything=True)
        await house.ask("set_timer", seconds=60)
        await house.ask("pause_timer")
        return await house.ask("cancel_timers", everything=True)

    assert told(ask)["cancelled"] == 1


@pytest.mark.parametrize("kind", ["timer", "alarm"])
def test_an_empty_label_names_nothing(kind: str) -> None:
    async def ask(house: House) -> Any:
        for label in ("tea", "eggs"):
            await set_one(house, kind, label)
        for label in ("", "  "):
            with pytest.raises(ToolRefused, match=r"^2 (timers )?match; ask which"):
                await house.ask(f"cancel_{kind}s", label=label)
        return await house.ask(f"list_{kind}s")

    assert len(told(ask)) == 2


def test_a_reminder_of_nothing_is_refused() -> None:
    async def ask(house: House) -> Any:
        with pytest.raises(ToolRefused, match=r"^text: say what to remind of$"):
            await house.ask("set_reminder", text=" \n", time="07:00")
        return await house.ask("list_alarms")

    assert told(ask) == []


def test_what_has_rung_rings_again_later_by_an_empty_label_too() -> None:
    async def ask(house: House) -> Any:
        await house.ask("set_timer", seconds=10, label="tea")
        await asyncio.sleep(11)
        await house.ends(1, RingOutcome.STOPPED)
        return await house.ask("change_timer", seconds=120, label="")

    assert told(ask) == {"label": "tea", "rings_in_seconds": 120}


@pytest.mark.parametrize("kind", ["timer", "alarm"])
def test_a_label_that_is_there_as_it_was_said_means_no_longer_ones(kind: str) -> None:
    async def ask(house: House) -> Any:
        for label in ("pasta sauce", "pasta"):
            await set_one(house, kind, label)
        if kind == "timer":
            assert (await house.ask("change_timer", seconds=60, label="Pasta"))["label"] == "pasta"
        assert (await house.ask(f"cancel_{kind}s", label="Pasta"))["cancelled"] == 1
        return [each["label"] for each in await house.ask(f"list_{kind}s")]

    assert told(ask) == ["pasta sauce"]


def test_a_timer_to_change_must_be_the_only_one_that_is_meant() -> None:
    async def ask(house: House) -> None:
        with pytest.raises(ToolRefused, match=r"^0 timers match; the labels are: none$"):
            await house.ask("change_timer", seconds=5)
        await house.ask("set_timer", seconds=60)
        await house.ask("set_timer", seconds=60, label="tea")
        with pytest.raises(ToolRefused, match=r"^2 timers match; the labels are: 60 seconds, tea$"):
            await house.ask("change_timer", seconds=5)

    told(ask)


def test_of_several_that_match_only_the_newest_is_cancelled() -> None:
    async def ask(house: House) -> Any:
        await house.ask("set_timer", seconds=600, label="tea")
        await house.ask("set_timer", seconds=600, label="tea")
        await house.ask("set_alarm", time="07:00", days=["monday"], label="school")
        await house.ask("set_alarm", time="07:00", date="2025-12-24")
        await house.ask("set_alarm", time="08:00")
        timers = await house.ask("cancel_timers", seconds=600, label="tea", newest=True)
        alarms = await house.ask("cancel_alarms", time="07:00", kind="alarm", newest=True)
        left = await house.ask("list_alarms")
        return timers["cancelled"], [one["rings_at"] for one in alarms["which"]], [one["label"] for one in left]

    assert told(ask) == (1, ["Wednesday 2025-12-24 07:00"], ["school", ""])


@pytest.mark.parametrize("seconds", [0, 86_401, 2.5, "soon"])
def test_a_timer_of_an_impossible_length_is_refused(seconds: object) -> None:
    with pytest.raises(ToolRefused, match=r"^seconds is .*; it must be a? ?(whole number )?between 1 and 86400$"):
        told(lambda house: house.ask("set_timer", seconds=seconds))


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"time": "7:00"}, {"kind": "alarm", "label": "", "rings_at": "Tuesday 2025-12-02 07:00"}),
        (
            {"time": "07:00", "days": ["friday", "monday"], "label": "school"},
            {
                "kind": "alarm",
                "label": "school",
                "rings_at": "Friday 2025-12-05 07:00",
                "recurs": "every Monday and Friday",
            },
        ),
        (
            {"time": "18:00", "date": "2025-12-24"},
            {"kind": "alarm", "label": "", "rings_at": "Wednesday 2025-12-24 18:00"},
        ),
    ],
)
def test_an_alarm_is_set_at_its_local_time_and_read_back(arguments: dict[str, Any], answer: dict[str, str]) -> None:
    assert told(lambda house: house.ask("set_alarm", **arguments)) == answer


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"time": "25:00"}, '^time is "25:00"; it must be a text: local time of 24 hours, such as 07:00$'),
        ({"time": "07:00", "date": "2025-13-01"}, "^date: 2025-13-01 is not a date$"),
        ({"time": "07:00", "date": "2025-11-30"}, "^2025-11-30 07:00 has passed$"),
        ({"time": "07:00", "date": "today"}, "^today 07:00 has passed$"),
        ({"time": "07:00", "date": "someday"}, "^date"),
        ({"time": "07:00", "days": ["someday"]}, "^days"),
    ],
)
def test_an_alarm_at_no_time_is_refused_in_words(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ToolRefused, match=problem):
        told(lambda house: house.ask("set_alarm", **arguments))


def test_reminders_are_set_for_a_time_or_after_a_while_and_spoken() -> None:
    async def ask(house: House) -> None:
        await house.ask("set_reminder", text="call mum", time="18:00")
        answer = await house.ask("set_reminder", text="turn the roast", in_seconds_from_now=1800)
        assert answer == {"text": "turn the roast", "rings_in_seconds": 1800}
        with pytest.raises(ToolRefused, match=r"^time: say when"):
            await house.ask("set_reminder", text="nothing")
        await asyncio.sleep(0.01)
        assert house.speech.prepared == ["Reminder: call mum.", "Reminder: turn the roast."]
        assert [each["rings_at"] for each in await house.ask("list_alarms")] == [
            "Monday 2025-12-01 18:00",
            "Monday 2025-12-01 12:30",
        ]

    told(ask)


def test_alarms_are_cancelled_by_time_or_name() -> None:
    async def ask(house: House) -> None:
        for time, label in (("07:00", "school"), ("08:00", ""), ("09:00", "")):
            await house.ask("set_alarm", time=time, label=label)
        await house.ask("set_timer", seconds=60)
        assert (await house.ask("cancel_alarms", label="school"))["cancelled"] == 1
        assert (await house.ask("cancel_alarms", time="8:00"))["which"][0]["rings_at"] == "Tuesday 2025-12-02 08:00"
        assert (await house.ask("cancel_alarms"))["cancelled"] == 1
        assert len(await house.ask("list_timers")) == 1

    told(ask)


async def at_seven(house: House) -> None:
    """Let it be five seconds past 07:00 on Tuesday. The box was asleep for most of the night, so this takes no time."""
    asleep_s = 19 * 3600 - 10
    house.wall_s += asleep_s
    house.boot_s += asleep_s
    await asyncio.sleep(15)


async def rung(house: House, outcome: RingOutcome = RingOutcome.STOPPED) -> None:
    """Let a weekly alarm ring at 07:00 beside a later one, and fall silent."""
    await house.ask("set_alarm", time="07:00", days=["tuesday"])
    await house.ask("set_alarm", time="08:00", label="school")
    await house.ask("set_reminder", time="09:00", text="call mum")
    await at_seven(house)
    await house.ends(1, outcome)
    await asyncio.sleep(1)


def test_turning_off_the_alarm_that_has_just_rung_cancels_no_other_and_not_its_next_time() -> None:
    async def ask(house: House) -> list[str]:
        await rung(house)
        answer = await house.ask("cancel_alarms")
        assert (answer["cancelled"], answer["silenced"]) == (0, "alarm")
        return [each["rings_at"] for each in await house.ask("list_alarms")]

    assert told(ask) == ["Tuesday 2025-12-09 07:00", "Tuesday 2025-12-02 08:00", "Tuesday 2025-12-02 09:00"]


def test_turning_off_an_alarm_that_still_rings_silences_it_and_it_rings_next_time() -> None:
    async def ask(house: House) -> list[str]:
        await house.ask("set_alarm", time="07:00", days=["tuesday"])
        await house.ask("set_alarm", time="08:00")
        await at_seven(house)
        assert (await house.ask("cancel_alarms"))["silenced"] == "alarm"
        assert house.facts[-1] == RingWithdrawn(1)
        return [each["rings_at"] for each in await house.ask("list_alarms")]

    assert told(ask) == ["Tuesday 2025-12-09 07:00", "Tuesday 2025-12-02 08:00"]


def test_turning_off_the_timer_that_has_just_rung_cancels_no_other() -> None:
    async def ask(house: House) -> list[str]:
        await house.ask("set_timer", seconds=60, label="tea")
        await house.ask("set_timer", seconds=600, label="pasta")
        await asyncio.sleep(61)
        await house.ends(1)
        await asyncio.sleep(1)
        assert (await house.ask("cancel_timers"))["silenced"] == "tea"
        assert (await house.ask("cancel_alarms"))["cancelled"] == 0
        return [each["label"] for each in await house.ask("list_timers")]

    assert told(ask) == ["pasta"]


@pytest.mark.parametrize("arguments", [{"everything": True}, {"time": "08:00"}, {"label": "school"}])
def test_what_is_named_is_cancelled_although_something_has_just_rung(arguments: dict[str, Any]) -> None:
    async def ask(house: House) -> int:
        await rung(house)
        return int((await house.ask("cancel_alarms", **arguments))["cancelled"])

    assert told(ask) == (3 if "everything" in arguments else 1)


def test_a_minute_later_or_once_something_was_set_the_others_are_meant_again() -> None:
    async def later(house: House) -> int:
        await rung(house)
        await asyncio.sleep(61)
        with pytest.raises(ToolRefused, match=r"^3 match; ask which, or cancel everything: Tuesday 2025-12-09 07:00, "):
            await house.ask("cancel_alarms")
        return len(await house.ask("list_alarms"))

    async def another(house: House) -> int:
        await rung(house)
        await house.ask("set_alarm", time="10:00")
        with pytest.raises(ToolRefused, match=r"^4 match; "):
            await house.ask("cancel_alarms")
        return int((await house.ask("cancel_alarms", everything=True))["cancelled"])

    assert (told(later), told(another)) == (3, 4)


def test_one_of_several_is_not_cancelled_without_saying_which() -> None:
    async def ask(house: House) -> list[Any]:
        await house.ask("set_alarm", time="07:00")
        await house.ask("set_alarm", time="08:00")
        await house.ask("set_reminder", time="18:00", text="call mum")
        with pytest.raises(ToolRefused, match=r"^2 match; "):
            await house.ask("cancel_alarms", kind="alarm")
        assert (await house.ask("cancel_alarms", kind="reminder"))["cancelled"] == 1
        assert (await house.ask("cancel_alarms", kind="reminder", everything=True))["cancelled"] == 0
        await house.ask("set_timer", seconds=60, label="tea")
        await house.ask("set_timer", seconds=600)
        with pytest.raises(ToolRefused, match=r"^2 timers match; ask which, or cancel everything: tea, 600 seconds$"):
            await house.ask("cancel_timers")
        assert (await house.ask("cancel_timers", everything=True))["cancelled"] == 2
        return [each["rings_at"] for each in await house.ask("list_alarms")]

    assert told(ask) == ["Tuesday 2025-12-02 07:00", "Tuesday 2025-12-02 08:00"]


@pytest.mark.parametrize(
    ("time", "date", "day"),
    [
        ("18:00", "today", "2025-12-01"),
        ("07:00", "tomorrow", "2025-12-02"),
        ("18:00", "tomorrow", "2025-12-02"),
        ("18:00", "monday", "2025-12-01"),
        ("07:00", "monday", "2025-12-08"),
        ("07:00", "sunday", "2025-12-07"),
    ],
)
def test_a_day_may_be_named_as_people_do(time: str, date: str, day: str) -> None:
    """It is noon on Monday, the first of December."""
    alarm = told(lambda house: house.ask("set_alarm", time=time, date=date))

    assert alarm["rings_at"].split(" ")[1] == day
    assert "recurs" not in alarm


def test_more_minutes_for_what_has_just_rung_let_it_ring_again() -> None:
    async def ask(house: House) -> None:
        await house.ask("set_timer", seconds=10, label="tea")
        await asyncio.sleep(11)
        await house.ends(1, RingOutcome.STOPPED)
        assert await house.ask("change_timer", seconds=120) == {"label": "tea", "rings_in_seconds": 120}
        assert await house.ask("change_timer", seconds=60) == {"label": "tea", "rings_in_seconds": 180}

    told(ask)


@pytest.mark.parametrize("is_by_word", [True, False])
def test_turning_off_an_alarm_that_was_snoozed_cancels_its_snooze_and_no_other(*, is_by_word: bool) -> None:
    async def ask(house: House) -> list[str]:
        await rung(house, RingOutcome.SNOOZED if is_by_word else RingOutcome.STOPPED)
        if not is_by_word:
            await house.ask("snooze")
        assert len(await house.ask("list_alarms")) == 4
        await asyncio.sleep(300)
        assert (await house.ask("cancel_alarms"))["silenced"] == "alarm"
        return [each["rings_at"] for each in await house.ask("list_alarms")]

    assert told(ask) == ["Tuesday 2025-12-09 07:00", "Tuesday 2025-12-02 08:00", "Tuesday 2025-12-02 09:00"]


def test_what_has_just_rung_can_be_snoozed() -> None:
    async def ask(house: House) -> None:
        with pytest.raises(ToolRefused, match=r"^nothing has rung in the last quarter of an hour$"):
            await house.ask("snooze")
        await house.ask("set_timer", seconds=10, label="tea")
        await asyncio.sleep(11)
        await house.ends(1, RingOutcome.STOPPED)
        assert await house.ask("snooze", minutes=5) == {"label": "tea", "rings_in_seconds": 300}
        assert await house.ask("snooze", minutes=10) == {"label": "tea", "rings_in_seconds": 600}
        assert [each["seconds_left"] for each in await house.ask("list_timers")] == [600], "once"

    told(ask)


def test_a_box_that_is_full_says_so() -> None:
    async def ask(house: House) -> None:
        await house.keeper.rings()
        for number in range(MOST_RINGS):
            house.keeper._schedule.put(ScheduledRing(RingKind.TIMER, ring_id=number + 1, due_wall_s=9e9))
        with pytest.raises(ToolRefused, match=r"^1000 are set already; cancel some first$"):
            await house.ask("set_timer", seconds=10)

    told(ask)


@pytest.mark.parametrize(
    ("ring", "spoken"),
    [
        (ScheduledRing(RingKind.TIMER, seconds=5400), "Your 1 hour and 30 minute timer."),
        (ScheduledRing(RingKind.TIMER, "pasta"), "Your pasta timer."),
        (ScheduledRing(RingKind.ALARM, first="2025-12-01T07:30"), "Your 07:30 alarm."),
        (ScheduledRing(RingKind.ALARM, "swimming", first="2025-12-01T07:30"), "It is time: swimming."),
        (ScheduledRing(RingKind.REMINDER, "call mum"), "Reminder: call mum."),
    ],
)
def test_what_rings_is_named(ring: ScheduledRing, spoken: str) -> None:
    assert spoken_name(ring) == spoken


def test_a_length_is_spoken_in_its_two_largest_units() -> None:
    assert [spoken_length(one) for one in (0, 59, 3661, 90_061)] == [
        "0 seconds",
        "59 second",
        "1 hour and 1 minute",
        "1 day and 1 hour",
    ]
