import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from edgevoice.core.announcements import RingDue
from edgevoice.core.facts import Event
from edgevoice.errors import ToolRefused
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.timers import LONGEST_S, TIMERS_AT_ONCE, Timers
from tests.tools.calling import called


class Later:
    """Keeps scheduled calls until the test lets time pass."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, act: Callable[[], None]) -> "Scheduled":
        self.calls.append((seconds, act))
        return Scheduled(self, self.calls[-1])

    def pass_until(self, seconds: float) -> None:
        due = [call for call in self.calls if call[0] <= seconds]
        self.calls = [call for call in self.calls if call[0] > seconds]
        for _, act in sorted(due, key=lambda call: call[0]):
            act()


class Scheduled:
    def __init__(self, later: Later, call: tuple[float, Callable[[], None]]) -> None:
        self._later = later
        self._call = call

    def cancel(self) -> None:
        self._later.calls.remove(self._call)


class Kitchen:
    def __init__(self) -> None:
        self.reported: list[Event] = []
        self.later = Later()
        self.timers = Timers(self.reported.append, call_later=self.later)
        self._registry = Registry([FunctionSource([self.timers.set_timer, self.timers.cancel_timers])])

    def ask(self, name: str, arguments: str = "") -> Any:
        tool = self._registry.find(name)
        return asyncio.run(called(tool, arguments))


def test_a_timer_rings_once_and_not_before_its_time() -> None:
    kitchen = Kitchen()

    answer = kitchen.ask("set_timer", '{"seconds": 300, "label": "eggs"}')

    assert answer == {"rings_in_seconds": 300, "label": "eggs", "timers_running": 1}
    kitchen.later.pass_until(299)
    assert kitchen.reported == []
    kitchen.later.pass_until(300)
    kitchen.later.pass_until(1000)
    assert kitchen.reported == [RingDue(0)]


def test_each_timer_rings_independently() -> None:
    kitchen = Kitchen()
    kitchen.ask("set_timer", '{"seconds": 10}')
    kitchen.ask("set_timer", '{"seconds": 20}')

    kitchen.later.pass_until(10)

    assert kitchen.reported == [RingDue(0)]
    assert kitchen.ask("cancel_timers") == {"cancelled": 1, "labels": [""]}


def test_cancelled_timers_never_ring() -> None:
    kitchen = Kitchen()
    kitchen.ask("set_timer", '{"seconds": 10, "label": "eggs"}')
    kitchen.ask("set_timer", '{"seconds": 20, "label": "tea"}')

    assert kitchen.ask("cancel_timers") == {"cancelled": 2, "labels": ["eggs", "tea"]}

    assert kitchen.later.calls == []
    assert kitchen.ask("cancel_timers") == {"cancelled": 0, "labels": []}


@pytest.mark.parametrize(
    ("which", "cancelled", "left"),
    [
        ('{"seconds": 10}', ["eggs", "toast"], [RingDue(2)]),
        ('{"label": "TEA "}', ["tea"], [RingDue(0), RingDue(1)]),
        ('{"seconds": 10, "label": "eggs"}', ["eggs"], [RingDue(1), RingDue(2)]),
        ('{"seconds": 20, "label": "eggs"}', [], [RingDue(0), RingDue(1), RingDue(2)]),
        ('{"seconds": null}', ["eggs", "toast", "tea"], []),
    ],
)
def test_only_the_selected_timers_are_cancelled(which: str, cancelled: list[str], left: list[Event]) -> None:
    kitchen = Kitchen()
    for seconds, label in ((10, "eggs"), (10, "toast"), (20, "tea")):
        kitchen.ask("set_timer", json.dumps({"seconds": seconds, "label": label}))

    assert kitchen.ask("cancel_timers", which) == {"cancelled": len(cancelled), "labels": cancelled}
    kitchen.later.pass_until(100)
    assert kitchen.reported == left


@pytest.mark.parametrize("seconds", ["0", "-5", str(LONGEST_S + 1), '"soon"', "1.5"])
def test_a_length_out_of_range_is_refused(seconds: str) -> None:
    kitchen = Kitchen()

    with pytest.raises(ToolRefused, match=r"^seconds: "):
        kitchen.ask("set_timer", f'{{"seconds": {seconds}}}')
    assert kitchen.later.calls == []


def test_at_most_twenty_timers_can_run_and_one_that_rang_frees_its_slot() -> None:
    kitchen = Kitchen()
    for seconds in range(1, TIMERS_AT_ONCE + 1):
        kitchen.ask("set_timer", f'{{"seconds": {seconds}}}')
    with pytest.raises(ToolRefused, match="20 timers are running already"):
        kitchen.ask("set_timer", '{"seconds": 5}')

    kitchen.later.pass_until(1)

    assert kitchen.ask("set_timer", '{"seconds": 5}')["timers_running"] == TIMERS_AT_ONCE


def test_after_close_no_timer_rings() -> None:
    kitchen = Kitchen()
    kitchen.ask("set_timer", '{"seconds": 10}')

    kitchen.timers.close()

    assert kitchen.later.calls == []


def test_in_the_daemon_timers_ring_on_the_event_loop() -> None:
    async def test() -> None:
        rang = asyncio.Event()

        def report(event: Event) -> None:
            assert event == RingDue(0)
            rang.set()

        await Timers(report).set_timer(0)
        assert not rang.is_set()
        await asyncio.wait_for(rang.wait(), 10)

    asyncio.run(test())
