"""What rings, when, and what becomes of it: over clocks that are set, restarts, power cuts and full disks."""

import asyncio
import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from edgevoice.alarms.keeper import UNKEPT, Keeper, NoVoice
from edgevoice.alarms.ring_book import NoBook
from edgevoice.alarms.rings import RingKind, ScheduledRing
from edgevoice.alarms.schedule import MOST_RINGS, timer
from edgevoice.core.announcements import RingDue, RingOutcome, RingWithdrawn
from edgevoice.core.facts import MutePressed
from edgevoice.core.weekdays import WEEKDAYS
from edgevoice.errors import StorageUnavailable
from tests import virtual_time
from tests.alarms.household import MONDAY_NOON_S, House, Shelf, Speech, Story

HOUR_S = 3600.0
DAY_S = 86_400.0
PASTA = RingDue(1, "Your pasta timer.")


def story(test: Callable[[], Story]) -> Callable[[], None]:
    """Run a test in virtual time."""

    @functools.wraps(test)
    def run() -> None:
        virtual_time.run(test())

    return run


@story
async def test_a_timer_rings_on_time_with_its_name_and_is_gone_once_it_was_stopped() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await asyncio.sleep(700)

    assert house.reported == [(600.0, PASTA)]
    assert house.speech.prepared == ["Your pasta timer."]
    assert shelf.kept, "until somebody has heard it"
    await house.ends(1)
    assert not shelf.kept


@story
async def test_several_timers_ring_each_at_its_time() -> None:
    house = House(Shelf())
    for seconds in (30, 10, 10, 20):
        await house.ask("set_timer", seconds=seconds)
    await asyncio.sleep(60)

    assert [(at, fact.ring_id) for at, fact in house.reported if isinstance(fact, RingDue)] == [
        (10, 2),
        (10, 3),
        (20, 4),
        (30, 1),
    ]


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, -MONDAY_NOON_S, 10 * 365 * DAY_S])
def test_a_timer_does_not_care_what_the_wall_clock_is_set_to(jump_s: float) -> None:
    async def live() -> None:
        house = House(Shelf())
        await house.ask("set_timer", seconds=600, label="pasta")
        await asyncio.sleep(10)
        house.wall_s += jump_s
        await asyncio.sleep(700)

        assert house.reported == [(600.0, PASTA)]

    virtual_time.run(live())


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("ahead_s", [400 * DAY_S, 3 * DAY_S])
def test_a_daily_alarm_rings_tomorrow_after_a_clock_that_was_far_ahead(ahead_s: float, *, restarts: bool) -> None:
    async def live() -> None:
        house = House(shelf := Shelf())
        await house.ask("set_alarm", time="07:00", days=[*WEEKDAYS])
        house.wall_s += ahead_s
        await asyncio.sleep(2 * HOUR_S)
        if restarts:
            await house.switch_off()
            house = House(shelf, wall_s=MONDAY_NOON_S + 3 * HOUR_S, boot_id="second")
        else:
            house.wall_s -= ahead_s
        house.is_set = True
        await asyncio.sleep(5)

        (listed,) = await house.ask("list_alarms")
        assert listed["rings_at"] == "Tuesday 2025-12-02 07:00"

    virtual_time.run(live())


@story
async def test_a_timer_counts_while_the_machine_sleeps_and_rings_as_it_wakes() -> None:
    house = House(Shelf())
    await house.ask("set_timer", seconds=600, label="pasta")
    await asyncio.sleep(10)
    house.boot_s += 800
    house.wall_s += 800
    await asyncio.sleep(2)

    assert house.facts == [PASTA]
    assert house.passed_s < 13


@story
async def test_an_alarm_follows_a_wall_clock_that_is_set_by_an_hour() -> None:
    house = House(Shelf())
    await house.ask("set_alarm", time="15:00")
    house.wall_s += HOUR_S
    await asyncio.sleep(2 * HOUR_S + 1)

    assert [at for at, _ in house.reported] == [2 * HOUR_S]


@story
async def test_an_alarm_that_has_rung_does_not_ring_again_when_the_clock_is_set_back() -> None:
    house = House(Shelf())
    await house.ask("set_alarm", time="13:00", days=["monday", "tuesday"])
    await asyncio.sleep(HOUR_S + 1)
    await house.ends(1)
    house.wall_s -= HOUR_S
    await asyncio.sleep(2 * HOUR_S)

    assert len(house.reported) == 1


@story
async def test_a_clock_that_loses_its_time_loses_no_alarm() -> None:
    house = House(Shelf())
    await house.ask("set_alarm", time="13:00")
    await asyncio.sleep(60)
    house.wall_s = -house.passed_s
    await asyncio.sleep(HOUR_S)

    assert [at for at, _ in house.reported] == [HOUR_S]


@story
async def test_a_box_without_a_battery_for_its_clock_rings_once_the_clock_is_set() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_alarm", time="13:00")
    await asyncio.sleep(1.5)
    await house.switch_off()

    woken = House(shelf, wall_s=0.0, boot_s=0.0, boot_id="second")
    await asyncio.sleep(60)
    assert woken.facts == []
    woken.wall_s = MONDAY_NOON_S + HOUR_S + 5 - woken.passed_s
    await asyncio.sleep(2)
    assert woken.facts == [RingDue(1, "Your 13:00 alarm.")]


@story
async def test_a_paused_timer_survives_a_restart_and_a_clock_without_a_battery() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await asyncio.sleep(100)
    await house.ask("pause_timer")
    await house.switch_off()

    again = House(shelf, wall_s=0.0, boot_s=0.0, boot_id="second")
    await asyncio.sleep(HOUR_S)
    assert (await again.ask("list_timers"))[0]["seconds_left"] == 500
    await again.ask("resume_timer")
    await asyncio.sleep(499)
    assert again.facts == []
    await asyncio.sleep(2)
    assert again.facts == [PASTA]


@story
async def test_a_timer_survives_a_restart_to_the_second() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S - HOUR_S, boot_s=400)  # the clock was set meanwhile
    await asyncio.sleep(400)
    assert again.reported == [(300.0, PASTA)]


@story
async def test_a_timer_survives_a_power_cut_by_the_wall_clock() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S + 500, boot_s=5, boot_id="second")
    await asyncio.sleep(200)
    assert again.reported == [(100.0, PASTA)]


@story
async def test_what_came_due_a_moment_ago_rings_as_soon_as_the_box_is_back() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S + 900, boot_s=5, boot_id="second")
    await asyncio.sleep(1)
    assert again.reported == [(0.0, PASTA)]


@story
async def test_what_came_due_long_ago_is_told_with_how_late_and_does_not_ring() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.ask("set_alarm", time="13:00", days=["monday"])
    await house.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S + 3 * HOUR_S, boot_s=5, boot_id="second")
    await asyncio.sleep(1)
    assert again.facts == []
    assert again.speech.announced == ["Your pasta timer, 2 hours and 50 minutes ago.", "Your 13:00 alarm, 2 hours ago."]
    assert [ring.kind for ring in shelf.kept.values()] == [RingKind.ALARM], "which rings next Monday"


@story
async def test_what_was_missed_is_kept_until_quiet_hours_are_over_and_it_was_said() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.switch_off()

    night = House(shelf, wall_s=MONDAY_NOON_S + HOUR_S, boot_id="second")
    night.speech.is_welcome.clear()
    await asyncio.sleep(HOUR_S)
    assert (night.speech.announced, night.facts, list(shelf.kept)) == ([], [], [1])
    await night.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S + 2 * HOUR_S, boot_id="third")
    again.speech.is_welcome.clear()
    await asyncio.sleep(2 * HOUR_S)
    again.speech.is_welcome.set()
    await asyncio.sleep(0.01)
    assert again.speech.announced == ["Your pasta timer, 3 hours and 50 minutes ago."], "as late as it is then"
    assert not shelf.kept


@story
async def test_what_was_missed_and_is_cancelled_before_it_was_said_is_not_said() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.ask("set_timer", seconds=600, label="tea")
    await house.switch_off()

    night = House(shelf, wall_s=MONDAY_NOON_S + HOUR_S, boot_id="second")
    night.speech.is_welcome.clear()
    await asyncio.sleep(5)
    await night.ask("cancel_timers", label="tea")
    shelf.kept.clear()  # a command cancels the other
    shelf.changes += 1
    await asyncio.sleep(5)
    night.speech.is_welcome.set()
    await asyncio.sleep(5)
    assert (night.speech.announced, night.facts) == ([], [RingWithdrawn(2), RingWithdrawn(1)])


@story
async def test_what_is_due_rings_on_time_while_something_missed_waits() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600, label="pasta")
    await house.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S + HOUR_S, boot_id="second")
    again.speech.is_welcome.clear()
    await again.ask("set_timer", seconds=10, label="tea")
    await asyncio.sleep(20)
    assert again.reported == [(10.0, RingDue(2, "Your tea timer."))]


@story
async def test_without_a_voice_what_came_due_long_ago_rings() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=600)
    await house.switch_off()

    again = House(shelf, wall_s=MONDAY_NOON_S + DAY_S, boot_id="second", speech=Speech(has_words=False))
    await asyncio.sleep(1)
    assert again.facts == [RingDue(1, "")]


@story
async def test_what_rang_when_the_power_was_cut_rings_again() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=10, label="pasta")
    await asyncio.sleep(20)
    await house.switch_off()

    again = House(shelf, boot_s=130)
    await asyncio.sleep(1)
    assert again.facts == [PASTA]


@story
async def test_a_weekly_alarm_rings_on_its_days() -> None:
    house = House(Shelf())
    await house.ask("set_alarm", time="07:00", days=["tuesday", "thursday"])
    days = []
    await asyncio.sleep(1)
    for hour in range(9 * 24):
        house.wall_s += HOUR_S - 2
        await asyncio.sleep(2)
        if house.reported:
            days.append((hour - 18) / 24)
            house.reported.clear()
            await house.ends(1)

    assert days == [0, 2, 7]


@story
async def test_a_word_snoozes_what_rings_and_leaves_its_next_occurrence_alone() -> None:
    house = House(Shelf())
    await house.ask("set_alarm", time="13:00", days=["monday"])
    await asyncio.sleep(HOUR_S + 1)
    await house.ends(1, RingOutcome.SNOOZED)
    await asyncio.sleep(600)

    assert [fact.ring_id for fact in house.facts if isinstance(fact, RingDue)] == [1, 2]
    assert house.reported[1][0] == pytest.approx(HOUR_S + 1 + 540, abs=0.1)
    await house.ends(2)
    assert [ring.rule for ring in await house.keeper.rings()] == ["FREQ=WEEKLY;BYDAY=MO"]


@story
async def test_a_box_that_is_full_does_not_fail_when_something_is_snoozed() -> None:
    house = House(Shelf())
    await house.ask("set_timer", seconds=10, label="pasta")
    for number in range(2, MOST_RINGS + 1):
        house.keeper._schedule.put(ScheduledRing(RingKind.TIMER, ring_id=number, due_wall_s=9e9))
    await asyncio.sleep(11)
    await house.ends(1, RingOutcome.SNOOZED)
    await asyncio.sleep(1)

    assert len(await house.keeper.rings()) == MOST_RINGS - 1
    await house.ask("set_timer", seconds=5, label="tea")
    await asyncio.sleep(6)
    assert house.facts[-1] == RingDue(2, "Your tea timer.")


@story
async def test_a_ring_that_is_cancelled_falls_silent() -> None:
    house = House(Shelf())
    await house.ask("set_timer", seconds=10, label="pasta")
    await asyncio.sleep(20)
    await house.ask("cancel_timers")

    assert house.facts == [PASTA, RingWithdrawn(1)]
    await house.ends(1)
    await house.ends(99)


@story
async def test_a_ring_that_ends_as_it_is_silenced_keeps_its_next_occurrence() -> None:
    house = House(Shelf())
    await house.ask("set_alarm", time="13:00", days=["monday"])
    await asyncio.sleep(HOUR_S + 1)
    await house.ask("cancel_alarms")
    await house.ends(1)
    await asyncio.sleep(1)

    (alarm,) = await house.ask("list_alarms")
    assert alarm["rings_at"] == "Monday 2025-12-08 13:00"


@story
async def test_what_a_command_changes_in_the_file_is_noticed_within_a_second() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=5, label="pasta")
    await asyncio.sleep(10)
    shelf.kept = {}
    await shelf.keep(timer(20, "tea", house.keeper.now()))
    shelf.changes += 1
    await asyncio.sleep(30)

    assert house.facts == [PASTA, RingWithdrawn(1), RingDue(2, "Your tea timer.")]
    assert house.speech.prepared == ["Your pasta timer.", "Your tea timer."]


@story
async def test_a_full_disk_costs_no_timer_and_is_told() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_timer", seconds=10, label="pasta")
    shelf.is_full = True
    answer = await house.ask("set_timer", seconds=20, label="tea")
    assert "could not be stored" in answer["warning"]
    await house.ask("set_timer", seconds=3000, label="eggs")
    await asyncio.sleep(1)
    assert house.speech.announced == [UNKEPT], "once"
    await house.ask("cancel_timers", label="eggs")
    shelf.changes += 1
    await asyncio.sleep(30)
    assert [fact.clip_id for fact in house.facts if isinstance(fact, RingDue)] == [
        "Your pasta timer.",
        "Your tea timer.",
    ]
    await house.ends(1)
    await house.ends(house.facts[1].ring_id if isinstance(house.facts[1], RingDue) else 0)
    assert await house.keeper.rings() == []

    shelf.is_full = False
    assert "warning" not in await house.ask("set_timer", seconds=10, label="eggs")


@story
async def test_what_the_disk_could_not_keep_is_kept_when_it_is_changed_later() -> None:
    shelf = Shelf()
    house = House(shelf)
    shelf.is_full = True
    await house.ask("set_timer", seconds=100, label="tea")
    shelf.changes += 1
    await asyncio.sleep(2)
    shelf.is_full = False
    shelf.changes += 1
    await asyncio.sleep(2)

    assert [ring.label for ring in await house.keeper.rings()] == ["tea"]


@story
async def test_a_disk_that_cannot_be_read_at_the_start_keeps_nothing_from_ringing() -> None:
    shelf = Shelf()
    shelf.is_full = True
    house = House(shelf)
    await house.ask("set_timer", seconds=10, label="tea")
    await asyncio.sleep(2 * HOUR_S)

    assert len(house.facts) == 1


@story
async def test_more_than_a_thousand_are_refused() -> None:
    keeper = Keeper(Shelf(), NoVoice())
    running = asyncio.ensure_future(keeper.run(lambda _event: None))
    kept = [await keeper.add(timer(100, "", keeper.now())) for _ in range(MOST_RINGS)]
    with pytest.raises(OverflowError, match="1000 are set already"):
        await keeper.add(timer(100, "", keeper.now()))
    await keeper.add(replace(kept[0], label="changed"))
    running.cancel()


@story
async def test_the_time_is_kept_every_hour_for_a_box_without_a_battery() -> None:
    shelf = Shelf()
    house = House(shelf)
    await asyncio.sleep(2)
    assert shelf.known == pytest.approx(MONDAY_NOON_S, abs=2)
    await asyncio.sleep(HOUR_S)
    assert shelf.known == pytest.approx(MONDAY_NOON_S + HOUR_S, abs=5)
    house.keeper.observe(MutePressed(), 0.0)


@story
async def test_an_alarm_follows_the_box_into_another_time_zone() -> None:
    shelf = Shelf()
    house = House(shelf)
    await house.ask("set_alarm", time="18:00")
    await house.ask("set_timer", seconds=60)
    await house.switch_off()

    moved = House(shelf)
    await moved.switch_off()
    moved.zone = ZoneInfo("America/New_York")
    moved.keeper._clock.zone = lambda: moved.zone
    rings = moved.keeper._in_zone(shelf.kept.values())
    assert [ring.due_wall_s - MONDAY_NOON_S for ring in rings] == [12 * HOUR_S, 60]
    assert moved.keeper._in_zone([ScheduledRing(RingKind.ALARM, first="2020-01-01T00:00", since_s=2e9)]) == []


def test_without_a_book_nothing_is_kept() -> None:
    async def live() -> None:
        book = NoBook()
        with pytest.raises(StorageUnavailable, match="timers are not kept here"):
            await book.keep(ScheduledRing(RingKind.TIMER))
        await book.know(1.0)
        await book.drop([1])
        assert (await book.rings(), await book.known_s(), await book.version()) == ([], 0.0, 0)
        assert book.stamp() is None
        voice = NoVoice()
        await voice.welcome()
        assert (await voice.prepare("x"), await voice.ready("x"), await voice.announce("x")) == ("", "", False)

    asyncio.run(live())


def test_the_machines_own_clocks_and_zone_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(NoBook(), NoVoice())

    assert keeper.now().wall_s > MONDAY_NOON_S
    assert keeper.now().boot_id
    assert datetime.now(keeper.zone).utcoffset() is not None
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert str(keeper.zone) == "Europe/Berlin"
    monkeypatch.setenv("TZ", "Nowhere/At_All")
    assert datetime.now(keeper.zone).tzinfo is UTC
