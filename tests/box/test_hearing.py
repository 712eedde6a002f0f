"""A box that runs but hears nothing: this is detected, logged and shown."""

import asyncio
import logging
from dataclasses import dataclass

import pytest

from edgevoice.box.hearing import Hearing
from edgevoice.core.facts import HearingImpaired, HearingRestored
from tests.waiting import eventually

LOOK_S = 0.5


@dataclass
class Ears:
    called_at: float = 0.0
    sounded_at: float = 0.0


@dataclass
class Listener:
    kept_up_at: float = 0.0
    dropped: int = 0


class World:
    """A microphone and a wake word in virtual time; a ``stuck`` part no longer has fresh data."""

    def __init__(self, *, zeros_s: float = 30.0, has_wakeword: bool = True, now: float = 1000.0) -> None:
        self.ears = Ears()
        self.listener = Listener()
        self.hearing = Hearing(self.ears, self.listener if has_wakeword else None, zeros_s)
        self.now = now
        self.stuck: set[str] = set()
        self.changes: list[tuple[float, HearingImpaired | HearingRestored]] = []

    def pass_time(self, seconds: float, *stuck: str) -> list[HearingImpaired | HearingRestored]:
        """Check every half second; return the changes."""
        before = len(self.changes)
        for _ in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            if "card" not in stuck:
                self.ears.called_at = self.now
                if "sound" not in stuck:
                    self.ears.sounded_at = self.now
            if "wakeword" not in stuck:
                self.listener.kept_up_at = self.now
            if (change := self.hearing.look(self.now)) is not None:
                self.changes.append((self.now, change))
        return [change for _, change in self.changes[before:]]


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, object]]]:
    return [(record.msg, vars(record)["fields"]) for record in caplog.records]


def test_a_box_that_hears_reports_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "edgevoice"):
        assert World().pass_time(3600) == []

    assert told(caplog) == []


def test_a_wake_word_that_falls_behind_is_reported_within_5_s_and_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.pass_time(10)

    with caplog.at_level(logging.INFO, "edgevoice"):
        assert world.pass_time(3, "wakeword") == []
        assert world.pass_time(2, "wakeword") == [HearingImpaired("wakeword-behind")]
        world.listener.dropped = 41
        assert world.pass_time(600, "wakeword") == []
        assert world.pass_time(1) == [HearingRestored()]

    events = told(caplog)
    assert [name for name, _ in events] == ["hearing-impaired", "wakeword-dropped", "hearing-restored"]
    assert events[0][1]["code"] == "wakeword-behind"
    assert str(events[0][1]["problem"]).startswith("the wake word is computed more slowly than people speak")
    assert events[1][1]["frames"] == 41


def test_frames_that_are_dropped_while_the_machine_is_busy_for_a_moment_are_counted_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.pass_time(10)
    with caplog.at_level(logging.WARNING, "edgevoice"):
        world.listener.dropped = 6
        assert world.pass_time(60) == []
        world.listener.dropped = 8
        world.pass_time(60)

    assert [fields["frames"] for _, fields in told(caplog)] == [6, 2]


def test_a_microphone_of_zeros_is_reported_after_half_a_minute_and_its_return_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.pass_time(10)

    with caplog.at_level(logging.INFO, "edgevoice"):
        assert world.pass_time(30, "sound") == []
        assert world.pass_time(1, "sound") == [HearingImpaired("microphone-dead")]
        assert world.pass_time(3600, "sound") == []
        assert world.pass_time(0.5) == [HearingRestored()]

    assert [name for name, _ in told(caplog)] == ["hearing-impaired", "hearing-restored"]
    problem = str(told(caplog)[0][1]["problem"])
    assert problem.startswith("the microphone delivers exact zeros: check its mute switch")


def test_a_microphone_of_zeros_from_the_start_is_reported_too() -> None:
    assert World().pass_time(40, "sound") == [HearingImpaired("microphone-dead")]


def test_zeros_are_not_reported_if_they_are_a_quiet_room() -> None:
    assert World(zeros_s=0).pass_time(3600, "sound") == []


def test_the_worse_problem_is_reported_first_and_then_the_remaining_one() -> None:
    world = World()
    world.pass_time(10)

    assert world.pass_time(40, "sound", "wakeword") == [HearingImpaired("wakeword-behind")]
    assert world.pass_time(2, "sound") == [HearingImpaired("microphone-dead")]


def test_while_the_card_opens_or_is_lost_nothing_is_late_and_the_time_restarts() -> None:
    world = World()
    world.pass_time(10)

    assert world.pass_time(600, "card", "wakeword") == []
    assert world.pass_time(2.5, "wakeword") == []
    assert world.pass_time(30, "sound") == []


def test_a_lost_card_ends_its_impairment() -> None:
    world = World()
    world.pass_time(60, "sound")

    assert world.pass_time(3, "card") == [HearingRestored()]


def test_a_stalled_machine_is_not_blamed_on_any_part() -> None:
    world = World()
    world.pass_time(10)
    world.now += 100
    world.ears.called_at = world.now

    assert world.hearing.look(world.now) is None
    assert world.pass_time(10) == []


def test_without_a_wake_word_none_is_late() -> None:
    assert World(has_wakeword=False).pass_time(60, "wakeword") == []


def test_changes_are_reported_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgevoice.box.hearing._LOOK_S", 0.001)
    world = World()
    reports: list[object] = []

    def clock() -> float:
        world.now += LOOK_S
        world.ears.called_at = world.listener.kept_up_at = world.now
        return world.now

    async def live() -> None:
        world.hearing.clock = clock
        task = asyncio.create_task(world.hearing.run(reports.append))
        await eventually(lambda: bool(reports))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(live())

    assert reports == [HearingImpaired("microphone-dead")]


# --- exact timing ----------------------------------------------------------------------------------------------------

NOW = 1000.0


@pytest.mark.parametrize(
    ("called_s", "kept_up_s", "sounded_s", "code"),
    [
        (0.0, 3.0, 0.0, ""),
        (0.0, 3.25, 0.0, "wakeword-behind"),
        (0.0, 0.0, 30.0, ""),
        (0.0, 0.0, 30.25, "microphone-dead"),
        (1.0, 10.0, 0.0, "wakeword-behind"),
        (1.25, 10.0, 60.0, ""),
    ],
)
def test_a_value_exactly_at_a_limit_is_still_within_it(
    called_s: float, kept_up_s: float, sounded_s: float, code: str
) -> None:
    hearing = Hearing(Ears(NOW - called_s, NOW - sounded_s), Listener(NOW - kept_up_s), 30.0)

    assert hearing.look(NOW) is None
    assert hearing.look(NOW) == (HearingImpaired(code) if code else None)
    assert hearing.code == code


def test_one_dropped_frame_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.listener.dropped = 1

    with caplog.at_level(logging.WARNING, "edgevoice"):
        world.pass_time(10)

    why = "the machine was too busy to score them"
    assert told(caplog) == [("wakeword-dropped", {"frames": 1, "why": why})]


def test_an_impairment_is_logged_with_the_frames_lost_and_its_end_with_its_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(has_wakeword=False)

    with caplog.at_level(logging.INFO, "edgevoice"):
        world.pass_time(60, "sound")
        world.pass_time(1)

    (_, impaired), restored = told(caplog)
    assert impaired["dropped"] == 0
    assert restored == ("hearing-restored", {"code": "microphone-dead"})


def test_the_check_runs_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("asyncio.sleep", sleep)
    world = World()
    world.hearing.clock = lambda: world.now

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(world.hearing.run(lambda _change: None))
    # With the other looks at something that goes on: the first comes when they do.
    assert all(0.05 <= pause_s <= 0.55 for pause_s in slept)
