"""`edgevoice timers` and `edgevoice alarms`: what is set to ring: listed, added and cancelled.

They change the file of the box, which notices within a second. So they work whether or not it runs.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from edgevoice.alarms.book import NAME, AlarmBook
from edgevoice.alarms.local_clock import LocalClock
from edgevoice.alarms.recurrence import first_at, in_words, weekly
from edgevoice.alarms.rings import LONGEST_LABEL, RingKind, ScheduledRing
from edgevoice.alarms.schedule import (
    LONGEST_TIMER_S,
    MOST_RINGS,
    at_local_time,
    by_clock,
    in_zone,
    paused,
    resumed,
    timer,
)
from edgevoice.commands.commandline import group
from edgevoice.commands.outcome import run_command
from edgevoice.commands.stored import AsJson, folder_with, looked
from edgevoice.core.printable import one_line
from edgevoice.core.weekdays import WEEKDAYS
from edgevoice.store.folders import state_folder

timers = group("List, add, pause, resume and cancel timers. The running box notices within a second.")
alarms = group("List, add and cancel alarms and reminders. The running box notices within a second.")

_T = TypeVar("_T")

_NOUNS = {RingKind.TIMER: "a timer", RingKind.ALARM: "an alarm", RingKind.REMINDER: "a reminder"}

_Folder = Annotated[Path | None, folder_with(NAME)]
_Label = Annotated[str, typer.Option("--label", metavar="NAME", help="What the box says when it rings.")]
_Ids = Annotated[
    list[int], typer.Argument(min=1, max=1_000_000_000, metavar="ID...", help="The numbers that `list` shows.")
]


@timers.command("list")
def list_timers(*, folder: _Folder = None, as_json: AsJson = False) -> None:
    """List the timers that are running, and how long is left of each."""
    run_command(lambda: _list(folder, {RingKind.TIMER}, as_json=as_json))


@timers.command("add")
def add_timer(
    seconds: Annotated[
        int, typer.Argument(min=1, max=LONGEST_TIMER_S, metavar="SECONDS", help="How long until it rings.")
    ],
    *,
    label: _Label = "",
    folder: _Folder = None,
) -> None:
    """Set a timer."""
    run_command(lambda: _add(folder, lambda clock: timer(seconds, _checked(label), clock.now())))


@timers.command("pause")
def pause_timers(ids: _Ids, *, folder: _Folder = None) -> None:
    """Pause timers: what is left of them waits until they are resumed."""
    run_command(lambda: _turn(folder, ids, pauses=True))


@timers.command("resume")
def resume_timers(ids: _Ids, *, folder: _Folder = None) -> None:
    """Let paused timers run on, for what was left of them."""
    run_command(lambda: _turn(folder, ids, pauses=False))


@timers.command("cancel")
def cancel_timers(ids: _Ids, *, folder: _Folder = None) -> None:
    """Cancel timers."""
    run_command(lambda: _cancel(folder, ids, {RingKind.TIMER}))


@alarms.command("list")
def list_alarms(*, folder: _Folder = None, as_json: AsJson = False) -> None:
    """List the alarms and reminders that are set, and when each rings next."""
    run_command(lambda: _list(folder, {RingKind.ALARM, RingKind.REMINDER}, as_json=as_json))


@alarms.command("add")
def add_alarm(
    time: Annotated[str, typer.Argument(metavar="TIME", help="Local time, such as 07:00.")],
    *,
    days: Annotated[
        str | None,
        typer.Option("--days", metavar="DAYS", help='Every week on these: "monday,friday", "weekdays", "daily".'),
    ] = None,
    reminder: Annotated[
        str | None, typer.Option("--reminder", metavar="TEXT", help="A reminder of this, instead of an alarm.")
    ] = None,
    label: _Label = "",
    folder: _Folder = None,
) -> None:
    """Set an alarm or a reminder: once, when the clock next shows that time, or every week on some days."""
    rule, at = "" if days is None else _rule(days), _time_of_day(time)
    if reminder is not None and (label or not reminder.strip()):
        raise typer.BadParameter("a reminder has its text for a name" if label else "the text of the reminder is empty")
    kind, name = (RingKind.ALARM, label) if reminder is None else (RingKind.REMINDER, reminder)

    def make(clock: LocalClock) -> ScheduledRing | None:
        now, zone = clock.now(), clock.zone()
        first = first_at(at.hour, at.minute, now.wall_s, zone)
        return at_local_time(kind, _checked(name), first, rule, now, zone)

    run_command(lambda: _add(folder, make))


@alarms.command("cancel")
def cancel_alarms(ids: _Ids, *, folder: _Folder = None) -> None:
    """Cancel alarms and reminders."""
    run_command(lambda: _cancel(folder, ids, {RingKind.ALARM, RingKind.REMINDER}))


def _time_of_day(written: str) -> datetime:
    """Return a time as a person types it, on any day. Raises ``typer.BadParameter``."""
    try:
        return datetime.strptime(written, "%H:%M")  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        raise typer.BadParameter(f"{written!r} is not a time of day; write one such as 07:00 or 18:30") from None


def _rule(days: str) -> str:
    """Return the rule for days of the week as a person types them. Raises ``typer.BadParameter``."""
    named = {"daily": WEEKDAYS, "weekdays": WEEKDAYS[:5], "weekends": WEEKDAYS[5:]}
    words = [day.strip() for day in days.lower().split(",")]
    if strange := [word for word in words if word not in {*WEEKDAYS, *named}]:
        raise typer.BadParameter(f"'{strange[0]}' is not a day; days are {', '.join([*WEEKDAYS, *named])}")
    return weekly([day for word in words for day in named.get(word, [word])])


def _checked(label: str) -> str:
    if len(label) > LONGEST_LABEL:
        raise typer.BadParameter(f"a name has at most {LONGEST_LABEL} characters")
    return one_line(label)


def _list(folder: Path | None, kinds: set[RingKind], *, as_json: bool) -> int:
    clock = LocalClock()

    async def look(book: AlarmBook) -> list[ScheduledRing]:
        return [ring for ring in await book.rings() if ring.kind in kinds]

    nothing: list[ScheduledRing] = []
    place = folder or state_folder(os.environ)
    rings = looked(place, NAME, lambda: AlarmBook(place, is_read_only=True), look, nothing)
    now, zone = clock.now(), clock.zone()
    found = [(ring, moved.left_s(now)) for ring in rings if (moved := in_zone(by_clock(ring, now), zone)) is not None]
    if as_json:
        fields = [
            {
                "id": ring.ring_id,
                "kind": ring.kind,
                "label": ring.label,
                "left_s": round(left_s, 1),
                "paused": ring.is_paused,
                "rule": ring.rule,
            }
            for ring, left_s in found
        ]
        print(json.dumps({"rings": fields}))
        return 0
    for ring, left_s in found:
        recurs = f"  ({in_words(ring.rule)})" if ring.rule else ""
        print(f"{ring.ring_id:>4}  {ring.kind:<8}  {_when(ring, left_s, clock)}  {one_line(ring.label)}{recurs}")
    if not found:
        print("Nothing is set.")
    return 0


def _when(ring: ScheduledRing, left_s: float, clock: LocalClock) -> str:
    if ring.kind is RingKind.TIMER and left_s <= 0:
        return "is up"
    if ring.kind is RingKind.TIMER:
        return f"{'paused, left ' if ring.is_paused else 'in '}{timedelta(seconds=round(left_s))}"
    return f"{datetime.fromtimestamp(clock.now().wall_s + left_s, clock.zone()):%a %Y-%m-%d %H:%M}"


def _add(folder: Path | None, make: Callable[[LocalClock], ScheduledRing | None]) -> int:
    clock = LocalClock()
    ring = make(clock)

    async def keep(book: AlarmBook) -> ScheduledRing | None:
        if ring is None or len(await book.rings()) >= MOST_RINGS:
            return None
        return await book.keep(ring)

    kept = _opened(folder, keep)
    if kept is None:
        raise typer.BadParameter(f"{MOST_RINGS} are set already: cancel some first")
    print(f"{kept.kind} {kept.ring_id} is set, and rings {_when(kept, kept.left_s(clock.now()), clock)}.")
    return 0


def _turn(folder: Path | None, ids: list[int], *, pauses: bool) -> int:
    now = LocalClock().now()

    def objection(ring: ScheduledRing) -> str:
        if ring.kind is not RingKind.TIMER:
            return f"{ring.ring_id} is {_NOUNS[ring.kind]}: only timers can be paused."
        return f"{ring.ring_id} is up already." if ring.left_s(now) <= 0 else ""

    async def turn(book: AlarmBook) -> dict[int, str]:
        rings, wrong = _sorted_out(await book.rings(), ids, objection)
        for ring in rings:
            if ring.is_paused is not pauses:
                await book.keep(paused(ring, now) if pauses else resumed(ring, now))
        return wrong

    return _said(ids, _opened(folder, turn), "is paused" if pauses else "runs")


def _cancel(folder: Path | None, ids: list[int], kinds: set[RingKind]) -> int:
    def objection(ring: ScheduledRing) -> str:
        command = "timers" if ring.kind is RingKind.TIMER else "alarms"
        right = f"{ring.ring_id} is {_NOUNS[ring.kind]}: edgevoice {command} cancel {ring.ring_id}"
        return "" if ring.kind in kinds else right

    async def drop(book: AlarmBook) -> dict[int, str]:
        rings, wrong = _sorted_out(await book.rings(), ids, objection)
        await book.drop([ring.ring_id for ring in rings])
        return wrong

    return _said(ids, _opened(folder, drop), "is cancelled")


def _sorted_out(
    rings: Iterable[ScheduledRing], ids: Sequence[int], objection: Callable[[ScheduledRing], str]
) -> tuple[list[ScheduledRing], dict[int, str]]:
    """Return those of these numbers that nothing speaks against, and for each of the others what does."""
    known = {ring.ring_id: ring for ring in rings}
    wrong = {each: objection(known[each]) if each in known else f"{each} is not set." for each in ids}
    wrong = {each: why for each, why in wrong.items() if why}
    return [known[each] for each in ids if each not in wrong], wrong


def _said(ids: Sequence[int], wrong: Mapping[int, str], done: str) -> int:
    """Say what became of each number; return the exit status."""
    for each in ids:
        print(wrong.get(each) or f"{each} {done}.")
    return 1 if wrong else 0


def _opened(folder: Path | None, work: Callable[[AlarmBook], Awaitable[_T]]) -> _T:
    async def scene() -> _T:
        async with AlarmBook(folder or state_folder(os.environ)) as book:
            if book.remark:
                print(f"{book.remark}. Set again what it held.", file=sys.stderr)
            return await work(book)

    return asyncio.run(scene())
