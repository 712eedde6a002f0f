"""The tools by which the model sets, lists, changes and cancels timers, alarms and reminders."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from edgevoice.alarms.keeper import Keeper
from edgevoice.alarms.recurrence import day_named, first_at, in_words, weekly
from edgevoice.alarms.rings import LONGEST_LABEL, RingKind, ScheduledRing, named
from edgevoice.alarms.schedule import LONGEST_TIMER_S, at_local_time, in_seconds, later, paused, resumed, timer
from edgevoice.core.weekdays import WEEKDAYS
from edgevoice.errors import WishRefused
from edgevoice.steady_clock import ClockReading

ALARM_TOOLS = frozenset(
    {"set_timer", "change_timer", "list_timers", "cancel_timers", "set_alarm", "set_reminder", "list_alarms"}
)
"""The names of tools without which nothing is ever set."""

Seconds = Annotated[int, Meta(ge=1, le=LONGEST_TIMER_S)]
Label = Annotated[str, Meta(max_length=LONGEST_LABEL)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
ClockTime = Annotated[str, Meta(pattern=r"^([01]?\d|2[0-3]):[0-5]\d$"), "local time of 24 hours, such as 07:00"]
Date = Annotated[
    str,
    Meta(pattern=rf"^(\d{{4}}-\d\d-\d\d|today|tomorrow|{'|'.join(WEEKDAYS)})$"),
    "the date of a single one: 2026-12-24, today, tomorrow, or a weekday for the next of that name",
]
Days = Annotated[list[Weekday], "the days on which it recurs every week; all seven for every day, none for once"]

Everything = Annotated[bool, "all of them, when the user said so"]
Newest = Annotated[bool, "of those, only the one that was set last"]

_MOST_NAMED = 10

Kind = Annotated[Literal["alarm", "reminder"], "cancel only alarms, or only reminders; both if not given"]

_SILENCED = "what had just rung is silent; nothing else was cancelled. To cancel others, name them, or everything"


class AlarmTools:
    """The tools; what they change is the ``keeper``'s."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def functions(self) -> Sequence[Callable[..., Any]]:
        """Return the functions, each a tool."""
        timers = (self.set_timer, self.change_timer, self.pause_timer, self.resume_timer, self.list_timers)
        return (
            *timers,
            self.cancel_timers,
            self.set_alarm,
            self.set_reminder,
            self.list_alarms,
            self.cancel_alarms,
            self.snooze,
        )

    # --- timers -------------------------------------------------------------------------------------------------------

    async def set_timer(
        self,
        seconds: Annotated[Seconds, "how long until it rings"],
        label: Annotated[Label, "what it is for, when the user said so"] = "",
    ) -> dict[str, Any]:
        """Set a kitchen timer that rings after some seconds."""
        await self._set(timer(seconds, label, self._keeper.now()))
        running = [one for one in await self._of(RingKind.TIMER) if not one.is_paused]
        return self._answer({"rings_in_seconds": seconds, "label": label, "timers_running": len(running)})

    async def change_timer(
        self,
        seconds: Annotated[
            int, Meta(ge=-LONGEST_TIMER_S, le=LONGEST_TIMER_S), "how much longer it is to run; negative: shorter"
        ],
        label: Annotated[Label, "the label of the timer, when several are running"] | None = None,
    ) -> dict[str, Any]:
        """Let a running timer ring later or sooner; if none is running, what has just rung rings again after it."""
        label = _given(label)
        found = named(await self._of(RingKind.TIMER), label)
        if not found and label is None and seconds > 0 and (again := await self._keeper.snooze_latest(seconds)):
            return self._answer({"label": again.label, "rings_in_seconds": round(again.left_s(self._keeper.now()))})
        if len(found) != 1:
            raise WishRefused(f"{len(found)} timers match; the labels are: {_labels(await self._of(RingKind.TIMER))}")
        now = self._keeper.now()
        changed = await self._set(later(found[0], seconds, now))
        if changed.is_paused:
            return self._answer(self._counted(changed))
        return self._answer({"label": changed.label, "rings_in_seconds": round(changed.left_s(now))})

    async def pause_timer(
        self,
        seconds: Annotated[Seconds, "pause only timers that were set for so long"] | None = None,
        label: Annotated[Label, "pause only timers with this label"] | None = None,
        everything: Everything = False,  # noqa: FBT002 - an argument of a model, always by name
    ) -> dict[str, Any]:
        """Pause a timer, the only one that is running or the one named: what is left of it waits to be resumed."""
        now = self._keeper.now()
        running = [one for one in await self._of(RingKind.TIMER) if not one.is_paused and one.left_s(now) > 0]
        return await self._turn(running, paused, seconds, label, is_all=everything)

    async def resume_timer(
        self,
        seconds: Annotated[Seconds, "resume only timers that were set for so long"] | None = None,
        label: Annotated[Label, "resume only timers with this label"] | None = None,
        everything: Everything = False,  # noqa: FBT002 - an argument of a model, always by name
    ) -> dict[str, Any]:
        """Let a paused timer run on for what was left of it, the only one that is paused or the one named."""
        waiting = [one for one in await self._of(RingKind.TIMER) if one.is_paused]
        return await self._turn(waiting, resumed, seconds, label, is_all=everything)

    async def list_timers(self) -> list[dict[str, Any]]:
        """List the timers that are running or paused, and how long is left of each."""
        return [self._counted(one) for one in await self._of(RingKind.TIMER)]

    async def cancel_timers(
        self,
        seconds: Annotated[Seconds, "cancel only timers that were set for so long"] | None = None,
        label: Annotated[Label, "cancel only timers with this label"] | None = None,
        everything: Everything = False,  # noqa: FBT002 - an argument of a model, always by name
        newest: Newest = False,  # noqa: FBT002 - as above
    ) -> dict[str, Any]:
        """Cancel a kitchen timer: the only one that is set, those of a length or label, or all of them.

        Right after a timer has rung, it silences that one and cancels no other, unless something is named.
        """
        label = _given(label)
        names_none = seconds is None and label is None and not everything and not newest
        if names_none and (rang := await self._keeper.silence({RingKind.TIMER})) is not None:
            return self._silenced(rang)
        running = await self._of(RingKind.TIMER)
        chosen = named([one for one in running if seconds in {None, one.seconds}], label)
        chosen = chosen[-1:] if newest else chosen
        if names_none and len(chosen) > 1:
            raise WishRefused(f"{len(chosen)} timers match; ask which, or cancel everything: {_labels(chosen)}")
        await self._keeper.cancel(one.ring_id for one in chosen)
        return self._answer({"cancelled": len(chosen), "labels": [one.label for one in chosen]})

    # --- alarms and reminders -----------------------------------------------------------------------------------------

    async def set_alarm(
        self, time: ClockTime, days: Days | None = None, date: Date | None = None, label: Label = ""
    ) -> dict[str, Any]:
        """Set an alarm that rings at a time of day, once or every week on some days."""
        return await self._set_at(RingKind.ALARM, label, time, days or [], date)

    async def set_reminder(
        self,
        text: Annotated[Label, Meta(min_length=1), "what to remind of, as it is to be spoken: call mum"],
        time: ClockTime | None = None,
        in_seconds_from_now: Annotated[int, Meta(ge=1, le=366 * 86_400), "instead of a time"] | None = None,
        days: Days | None = None,
        date: Date | None = None,
    ) -> dict[str, Any]:
        """Remind the user of something aloud, at a time of day or after a while."""
        if not text.strip():
            raise WishRefused("text: say what to remind of")
        if time is not None:
            return await self._set_at(RingKind.REMINDER, text, time, days or [], date)
        if in_seconds_from_now is None:
            raise WishRefused("time: say when to remind, or in_seconds_from_now")
        ring = ScheduledRing(RingKind.REMINDER, text, seconds=in_seconds_from_now)
        await self._set(in_seconds(ring, in_seconds_from_now, self._keeper.now()))
        return self._answer({"text": text, "rings_in_seconds": in_seconds_from_now})

    async def list_alarms(self) -> list[dict[str, Any]]:
        """List the alarms and reminders that are set, and when each rings next."""
        return [self._described(one) for one in await self._of(RingKind.ALARM, RingKind.REMINDER)]

    async def cancel_alarms(
        self,
        label: Annotated[Label, "cancel only those with this label or text"] | None = None,
        time: Annotated[ClockTime, "cancel only those at this time"] | None = None,
        kind: Kind | None = None,
        everything: Everything = False,  # noqa: FBT002 - an argument of a model, always by name
        newest: Newest = False,  # noqa: FBT002 - as above
    ) -> dict[str, Any]:
        """Cancel an alarm or a reminder: the only one that is set, those with a label or time, or all of a kind.

        Right after one has rung, it silences that one and cancels no other, unless something is named.
        """
        label = _given(label)
        names_none = label is None and time is None and not everything and not newest
        if names_none and (rang := await self._keeper.silence({RingKind.ALARM, RingKind.REMINDER})) is not None:
            return self._silenced(rang)
        rings = await self._of(*([RingKind(kind)] if kind is not None else [RingKind.ALARM, RingKind.REMINDER]))
        clock = None if time is None else time.zfill(5)
        chosen = named([one for one in rings if clock in {None, one.first[11:16]}], label)
        chosen = chosen[-1:] if newest else chosen
        described = [self._described(one) for one in chosen]
        if names_none and len(chosen) > 1:
            which = ", ".join(f"{one['rings_at']} {one['label']}".strip() for one in described[:_MOST_NAMED])
            raise WishRefused(f"{len(chosen)} match; ask which, or cancel everything: {which}")
        await self._keeper.cancel(one.ring_id for one in chosen)
        return self._answer({"cancelled": len(chosen), "which": described})

    async def snooze(
        self, minutes: Annotated[int, Meta(ge=1, le=1440), "how long, when the user said so"] | None = None
    ) -> dict[str, Any]:
        """Let what rings, or has just rung, ring again later."""
        again = await self._keeper.snooze_latest(None if minutes is None else minutes * 60)
        if again is None:
            raise WishRefused("nothing has rung in the last quarter of an hour")
        left_s = again.left_s(self._keeper.now())
        return self._answer({"label": again.label, "rings_in_seconds": round(left_s)})

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _set_at(
        self, kind: RingKind, label: str, time: str, days: list[Weekday], date: str | None
    ) -> dict[str, Any]:
        now, zone = self._keeper.now(), self._keeper.zone
        hour, minute = map(int, time.split(":"))
        try:
            day = first_at(hour, minute, now.wall_s, zone)
            if date is not None:
                day = datetime.fromisoformat(date) if date[0].isdigit() else day_named(date, day, now.wall_s, zone)
        except ValueError as error:
            raise WishRefused(f"date: {date} is not a date") from error
        first = day.replace(hour=hour, minute=minute)
        ring = at_local_time(kind, label, first, weekly([*days]) if days else "", now, zone)
        if ring is None:
            raise WishRefused(f"{date} {time} has passed")
        kept = await self._set(ring)
        return self._answer(self._described(kept))

    async def _set(self, ring: ScheduledRing) -> ScheduledRing:
        try:
            return await self._keeper.add(ring)
        except OverflowError as error:
            raise WishRefused(f"{error}; cancel some first") from error

    async def _turn(
        self,
        among: Sequence[ScheduledRing],
        turned: Callable[[ScheduledRing, ClockReading], ScheduledRing],
        seconds: int | None,
        label: str | None,
        *,
        is_all: bool,
    ) -> dict[str, Any]:
        """Pause or resume the timer that is meant, or all of them."""
        found = named([one for one in among if seconds in {None, one.seconds}], _given(label))
        if not found or (len(found) > 1 and not is_all):
            raise WishRefused(f"{len(found)} timers match; the labels are: {_labels(among)}")
        kept = [await self._set(turned(one, self._keeper.now())) for one in found]
        return self._answer({"timers": [self._counted(one) for one in kept]})

    def _counted(self, one: ScheduledRing) -> dict[str, Any]:
        left_s = max(0, round(one.left_s(self._keeper.now())))
        counted = {"label": one.label, "set_for_seconds": one.seconds, "seconds_left": left_s}
        return {**counted, "paused": True} if one.is_paused else counted

    async def _of(self, *kinds: RingKind) -> list[ScheduledRing]:
        return [one for one in await self._keeper.rings() if one.kind in kinds]

    def _described(self, ring: ScheduledRing) -> dict[str, Any]:
        left_s = ring.left_s(self._keeper.now())
        at = datetime.fromtimestamp(self._keeper.now().wall_s + left_s, self._keeper.zone)
        described = {"kind": ring.kind, "label": ring.label, "rings_at": f"{at:%A %Y-%m-%d %H:%M}"}
        return {**described, "recurs": in_words(ring.rule)} if ring.rule else described

    def _silenced(self, rang: ScheduledRing) -> dict[str, Any]:
        return self._answer({"cancelled": 0, "silenced": rang.label or rang.kind, "note": _SILENCED})

    def _answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; if the disk did not keep it, the user must hear that."""
        if not self._keeper.problem:
            return answer
        warning = "tell the user that it could not be stored and is lost if the box is switched off"
        return {**answer, "warning": warning, "problem": self._keeper.problem}


class NumberedAlarmTools(AlarmTools):
    """The same for programs, which see lists: each entry has its ``id``, the number of ``edgevoice timers list``.

    With ``only`` the tools know of no other than that one: what has the same name, length or time stays as it is.
    """

    def __init__(self, keeper: Keeper, only: int | None = None) -> None:
        super().__init__(keeper)
        self._only = only

    async def _of(self, *kinds: RingKind) -> list[ScheduledRing]:
        return [one for one in await super()._of(*kinds) if self._only in {None, one.ring_id}]

    def _counted(self, one: ScheduledRing) -> dict[str, Any]:
        return {"id": one.ring_id, **super()._counted(one)}

    def _described(self, ring: ScheduledRing) -> dict[str, Any]:
        return {"id": ring.ring_id, **super()._described(ring)}


def _given(label: str | None) -> str | None:
    """Return a label that names something: models leave an optional text empty, and must not mean everything by it."""
    return label if label is not None and label.strip() else None


def _labels(rings: Sequence[ScheduledRing]) -> str:
    return ", ".join(one.label or f"{one.seconds} seconds" for one in rings) or "none"
