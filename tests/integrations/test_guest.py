"""A guest that fails is logged by name and started again; the box never notices."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from edgevoice.core.facts import Event, TalkHeld
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import ControlUnavailable, EdgevoiceError, SettingsInvalid
from edgevoice.integrations.guest import Guest
from tests import virtual_time


class Visitor(Observer):
    """Runs as the test says; fails when shown something while ``is_clumsy``."""

    def __init__(self, run: Callable[[], None] | None, *, is_clumsy: bool = False) -> None:
        self._run = run
        self._is_clumsy = is_clumsy
        self.seen: list[Notice] = []

    def observe(self, notice: Notice, now: float) -> None:
        if self._is_clumsy:
            raise KeyError("what was said")
        self.seen.append(notice)

    async def run(self, report: Report) -> None:
        if self._run is not None:
            self._run()
            return
        await asyncio.Event().wait()


class Door:
    """Makes visitors, one for each start, and keeps them with the times at which they came."""

    def __init__(self, *visitors: Visitor) -> None:
        self._coming = list(visitors)
        self.came: list[tuple[float, Visitor]] = []

    def __call__(self) -> Visitor:
        visitor = self._coming.pop(0)
        self.came.append((asyncio.get_running_loop().time(), visitor))
        return visitor


def fail() -> None:
    raise RuntimeError("what was said")


def refuse() -> None:
    raise ControlUnavailable("no folder", remedy="Make one.")


def cancel() -> None:
    raise asyncio.CancelledError


def test_a_guest_that_fails_is_started_again_after_growing_delays(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> list[float]:
        door = Door(Visitor(fail), Visitor(refuse), Visitor(cancel), Visitor(lambda: None))
        guest = Guest("control", door, lambda: 0.0)
        await guest.run(lambda _fact: None)
        return [at - door.came[0][0] for at, _ in door.came]

    with caplog.at_level(logging.ERROR, "edgevoice"):
        times = virtual_time.run(scene())

    assert times == [0, 1, 4, 13]
    fields = [record.fields for record in caplog.records]  # type: ignore[attr-defined]  # what `tell` adds
    assert [each["guest"] for each in fields] == ["control"] * 3
    assert [each["problem"] for each in fields] == ["RuntimeError", "no folder. Make one.", "RuntimeError"]


def test_a_guest_that_fails_while_it_looks_on_sees_nothing_more_until_it_is_started_again() -> None:
    async def scene() -> list[int]:
        clumsy, careful = Visitor(None, is_clumsy=True), Visitor(None)
        guest = Guest("control", Door(clumsy, careful), lambda: 0.0)
        running = asyncio.ensure_future(guest.run(lambda _fact: None))
        await asyncio.sleep(0.1)
        guest.observe(TalkHeld(), 0.0)
        guest.observe(TalkHeld(), 0.0)
        await asyncio.sleep(2)
        guest.observe(TalkHeld(), 0.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [len(clumsy.seen), len(careful.seen)]

    assert virtual_time.run(scene()) == [0, 1]


def test_a_guest_that_failed_before_it_ran_is_started_again() -> None:
    async def scene() -> int:
        door = Door(Visitor(None, is_clumsy=True), Visitor(lambda: None))
        guest = Guest("control", door, lambda: 0.0)
        guest.observe(TalkHeld(), 0.0)
        await guest.run(lambda _fact: None)
        return len(door.came)

    assert virtual_time.run(scene()) == 2


def test_a_guest_that_had_run_for_long_is_started_again_soon() -> None:
    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()

        class Steady(Visitor):
            async def run(self, report: Report) -> None:
                await asyncio.sleep(700)
                raise RuntimeError

        door = Door(Steady(None), Steady(None), Visitor(lambda: None))
        await Guest("control", door, lambda: 0.0).run(lambda _fact: None)
        began = door.came[0][0]
        assert loop.time() >= began
        return [at - began for at, _ in door.came]

    assert virtual_time.run(scene()) == [0, 701, 1402]


def test_a_guest_that_cannot_even_be_made_is_tried_again_and_the_box_starts() -> None:
    async def scene() -> list[float]:
        began, tried = asyncio.get_running_loop().time(), list[float]()

        def make() -> Visitor:
            tried.append(asyncio.get_running_loop().time() - began)
            if len(tried) < 3:
                raise ControlUnavailable("no folder")
            return Visitor(lambda: None)

        guest = Guest("control", make, lambda: 0.0)
        guest.observe(TalkHeld(), 0.0)
        await guest.run(lambda _fact: None)
        return tried

    assert virtual_time.run(scene()) == [0, 1, 4]


def test_the_box_is_told_of_each_failure_and_once_the_guest_works_again() -> None:
    async def scene() -> list[tuple[float, Event]]:
        loop, told = asyncio.get_running_loop(), list[tuple[float, Event]]()
        began = loop.time()
        guest = Guest("control", Door(Visitor(fail), Visitor(refuse), Visitor(None)), lambda: 0.0)
        running = asyncio.ensure_future(guest.run(lambda fact: told.append((loop.time() - began, fact))))
        await asyncio.sleep(600)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return told

    assert virtual_time.run(scene()) == [
        (0, GuestFailed("control", "edgevoice", "RuntimeError", EdgevoiceError.remedy)),
        (1, GuestFailed("control", "control-unavailable", "no folder", "Make one.")),
        (6, GuestRestored("control")),
    ]


def test_a_guest_that_had_failed_and_has_nothing_more_to_do_counts_as_working() -> None:
    told = list[Event]()

    async def scene() -> None:
        await Guest("metrics", Door(Visitor(fail), Visitor(lambda: None)), lambda: 0.0).run(told.append)

    virtual_time.run(scene())

    assert told[1:] == [GuestRestored("metrics")]


class Caller(Observer):
    """Reports, one each second, what a test wants, and then fails or runs on."""

    def __init__(self, *facts: Event, fails: bool = False) -> None:
        self._facts = facts
        self._fails = fails

    def observe(self, notice: Notice, now: float) -> None:
        """See nothing."""

    async def run(self, report: Report) -> None:
        for fact in self._facts:
            report(fact)
            await asyncio.sleep(1)
        if self._fails:
            raise ControlUnavailable("no folder")
        await asyncio.Event().wait()


def heard(*callers: Caller) -> list[Event]:
    told, coming = list[Event](), list(callers)

    async def scene() -> None:
        guest = Guest("mqtt", lambda: coming.pop(0), lambda: 0.0, proves_itself=True)
        running = asyncio.ensure_future(guest.run(told.append))
        await asyncio.sleep(600)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual_time.run(scene())
    return told


LOST, BACK = GuestFailed("mqtt", "mqtt-broker", "gone", ""), GuestRestored("mqtt")


def test_what_a_guest_says_of_itself_is_news_only_if_it_changes_something() -> None:
    assert heard(Caller(BACK, BACK, LOST, LOST, TalkHeld(), BACK, BACK)) == [LOST, LOST, TalkHeld(), BACK]


def test_a_guest_that_proves_itself_does_not_count_as_working_because_it_runs() -> None:
    told = heard(Caller(LOST, fails=True), Caller(), Caller())

    assert [type(fact) for fact in told] == [GuestFailed, GuestFailed]


def test_a_guest_that_failed_and_was_started_again_is_restored_once_it_says_so() -> None:
    told = heard(Caller(LOST, fails=True), Caller(BACK))

    assert [type(fact) for fact in told] == [GuestFailed, GuestFailed, GuestRestored]


def test_a_guest_that_works_from_the_start_reports_nothing() -> None:
    async def scene() -> list[Event]:
        told = list[Event]()
        running = asyncio.ensure_future(Guest("control", Door(Visitor(None))).run(told.append))
        await asyncio.sleep(600)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return told

    assert virtual_time.run(scene()) == []


def test_a_guest_that_only_a_person_can_help_is_logged_once_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> Visitor:
        raise SettingsInvalid("the secret mqtt_password is not stored")

    async def scene() -> None:
        await Guest("mqtt", make).run(told.append)

    told = list[Event]()
    virtual_time.run(scene())

    assert [type(each) for each in told] == [GuestFailed]
    assert [record.msg for record in caplog.records] == ["guest-off"]
