"""What programs and the live page do with timers and alarms: listed with numbers, and changed by them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edgevoice.box.timers_by_hand import TimersByHand
from edgevoice.control.messages import Refused
from tests import virtual_time
from tests.alarms.household import House, Shelf

_Scene = Callable[[TimersByHand], Awaitable[Any]]


def by_hand(scene: _Scene) -> Any:
    """Return what a scene with a new house's timers returns."""

    async def live() -> Any:
        return await scene(TimersByHand(House(Shelf()).keeper))

    return virtual_time.run(live())


async def _ids(timers: TimersByHand, of: str) -> list[int]:
    return [each["id"] for each in (await timers.carry_out("list", {}))[of]]


@pytest.mark.parametrize(
    ("action", "of"), [("cancel_timers", "timers"), ("cancel_alarms", "alarms")], ids=["timers", "alarms"]
)
def test_cancelling_one_leaves_another_of_the_same_time_and_name(action: str, of: str) -> None:
    async def scene(timers: TimersByHand) -> bool:
        for label in ("", "", "pasta"):
            await timers.carry_out("set_timer", {"seconds": 600, "label": label})
            await timers.carry_out("set_alarm", {"time": "07:00", "label": label})
        first, second, third = await _ids(timers, of)
        assert (await timers.carry_out(action, {"id": second}))["result"]["cancelled"] == 1
        return await _ids(timers, of) == [first, third]

    assert by_hand(scene)


def test_one_of_several_timers_without_names_is_extended_paused_and_resumed() -> None:
    async def scene(timers: TimersByHand) -> Any:
        for _ in range(2):
            await timers.carry_out("set_timer", {"seconds": 600})
        _, second = await _ids(timers, "timers")
        await timers.carry_out("change_timer", {"id": second, "seconds": 60})
        await timers.carry_out("pause_timer", {"id": second})
        paused = (await timers.carry_out("list", {}))["timers"]
        assert [(each["seconds_left"], each.get("paused", False)) for each in paused] == [(600, False), (660, True)]
        await timers.carry_out("resume_timer", {"id": second})
        return [each.get("paused", False) for each in (await timers.carry_out("list", {}))["timers"]]

    assert by_hand(scene) == [False, False]


@pytest.mark.parametrize("number", [7, "1", True, None, 1.0])
def test_a_number_that_is_not_set_is_refused_and_changes_nothing(number: object) -> None:
    async def scene(timers: TimersByHand) -> Any:
        await timers.carry_out("set_timer", {"seconds": 600})
        await timers.carry_out("set_alarm", {"time": "07:00"})
        with pytest.raises(Refused, match="no timer has the id"):
            await timers.carry_out("cancel_timers", {"id": number})
        (alarm,) = await _ids(timers, "alarms")
        with pytest.raises(Refused, match=f"no timer has the id {alarm}"):
            await timers.carry_out("cancel_timers", {"id": alarm})
        return [len(await _ids(timers, of)) for of in ("timers", "alarms")]

    assert by_hand(scene) == [1, 1]
