"""The mix that the settings name: captured while the microphone runs; what serves is logged and noted once."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from edgevoice.audio import mix_capture
from edgevoice.box import echo_reference
from edgevoice.box.echo_reference import EchoReference
from edgevoice.core.facts import Event
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.mix import MixReference, MixState
from edgevoice.echo.reference import FarEndReference
from tests.waiting import eventually


@dataclass
class Ears:
    called_at: float = 0.0


@dataclass
class FakeInput:
    problem: str = ""
    timing: Ears = field(default_factory=lambda: Ears(1e12))

    def close(self) -> None:
        """Nothing is open."""


class World:
    """The observer with a microphone that runs, and a mix whose state a test sets."""

    def __init__(self, *, microphone: str = "plughw:CARD=Mic") -> None:
        near = ClockFit(16_000)
        # It runs, however long a busy machine takes until somebody looks.
        self.ears = Ears(1e12)
        self.mix = MixReference(FarEndReference(near, ClockFit(24_000)), near)
        self.notes: list[str] = []
        self.input = FakeInput()
        self.watch = EchoReference(
            self.mix, self.ears, "plughw:CARD=Loopback,DEV=1", microphone, self._note, open_input=lambda: self.input
        )

    def _note(self, device: str, problem: str) -> None:
        assert device == "plughw:CARD=Loopback,DEV=1"
        self.notes.append(problem)

    def become(self, *states: MixState) -> None:
        for state in states:
            self.mix.state = state
            self.watch.look()


def unheard(_event: Event) -> None:
    raise AssertionError("it reports no fact")


def test_each_change_is_logged_and_noted_once_and_what_is_about_to_begin_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    with caplog.at_level(logging.INFO, "edgevoice"):
        world.become(MixState.CLOSED, MixState.SETTLING, MixState.USED, MixState.USED)
        world.become(MixState.STILL, MixState.STILL, MixState.SETTLING, MixState.USED)
        world.become(MixState.LATE, MixState.SILENT)

    still, late, silent = "it has stopped", "it comes more than 0.2 s late", "it is silent while the box speaks"
    assert world.notes == ["", still, "", late, silent]
    assert [record.msg for record in caplog.records] == ["echo-reference"] * 5
    told = [vars(record)["fields"] for record in caplog.records]
    assert told[0] == {"reference": "mix", "device": "plughw:CARD=Loopback,DEV=1"}
    assert told[1] == {"reference": "own", "device": "plughw:CARD=Loopback,DEV=1", "why": still}


def test_it_captures_while_the_microphone_runs_and_says_why_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mix_capture, "_LOOK_S", 0.002)
    monkeypatch.setattr(echo_reference, "_LOOK_S", 0.002)
    world = World()

    async def story() -> None:
        running = asyncio.create_task(world.watch.run(unheard))
        await asyncio.sleep(0.01)
        assert world.notes == []
        world.input.problem = "it was unplugged"
        await eventually(lambda: world.notes == ["it was unplugged"])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())


@pytest.mark.parametrize("microphone", ["nothing_of_the_kind", "plughw:CARD=Loopback,DEV=1"])
def test_a_device_that_does_not_open_or_is_the_microphone_leaves_the_boxs_own_sound(
    monkeypatch: pytest.MonkeyPatch, microphone: str
) -> None:
    monkeypatch.setattr(echo_reference, "_LOOK_S", 0.002)
    monkeypatch.setattr(mix_capture, "_OPEN_LIMIT_S", 60.0)  # a busy machine's thread may be late
    world = World()
    notes: list[str] = []
    watch = EchoReference(
        world.mix, world.ears, "plughw:CARD=Loopback,DEV=1", microphone, lambda _device, problem: notes.append(problem)
    )

    async def story() -> None:
        running = asyncio.create_task(watch.run(unheard))
        await eventually(lambda: bool(notes))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())

    (problem,) = notes
    assert ("is the microphone itself" in problem) is ("Loopback" in microphone)
    assert ("does not open as the echo reference" in problem) is not ("Loopback" in microphone)
    assert world.mix.state is MixState.CLOSED
