"""The capture of the mix: open while the microphone runs, found again after it was lost, and never in anybody's way."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from edgevoice.audio import mix_capture
from edgevoice.audio.mix_capture import Input, MixCapture
from edgevoice.core.backoff import Backoff
from edgevoice.errors import DeviceBusy
from tests.waiting import eventually


class Always:
    """A thread that gives a sign of life whenever somebody looks, unless it hangs."""

    def __init__(self) -> None:
        self.hangs = False

    @property
    def called_at(self) -> float:
        return 0.0 if self.hangs else time.monotonic()


@dataclass
class FakeInput:
    problem: str = ""
    timing: Always = field(default_factory=Always)
    closed: threading.Event = field(default_factory=threading.Event)
    refusal: OSError | None = None

    def close(self) -> None:
        self.closed.set()
        if self.refusal is not None:
            raise self.refusal


class World:
    """A capture whose inputs are fakes; ``obstacle`` is called before each opens."""

    def __init__(self) -> None:
        self.inputs: list[FakeInput] = []
        self.is_open = False
        self.is_wanted = True
        self.tries = 0
        self.obstacle: Callable[[], None] = lambda: None
        self.capture = MixCapture(self._open_input, self, lambda: self.is_wanted)

    def _open_input(self) -> Input:
        self.tries += 1
        self.obstacle()
        self.inputs.append(FakeInput())
        return self.inputs[-1]

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def both() -> None:
            running = asyncio.create_task(self.capture.run())
            try:
                await story()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(both())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(mix_capture, "_LOOK_S", 0.002)
    monkeypatch.setattr(mix_capture, "_RETRY", Backoff(first_s=0.01, factor=1, limit_s=0.01))
    return World()


def test_it_is_open_only_while_the_microphone_runs(world: World) -> None:
    async def story() -> None:
        world.is_wanted = False
        await asyncio.sleep(0.02)
        assert world.tries == 0
        world.is_wanted = True
        await eventually(lambda: world.is_open)
        world.is_wanted = False
        await eventually(lambda: not world.is_open)
        await eventually(world.inputs[0].closed.is_set)
        world.is_wanted = True
        await eventually(lambda: world.is_open)

    world.run(story)

    assert [each.closed.is_set() for each in world.inputs] == [True, True]
    assert not world.is_open
    assert world.capture.problem == ""


@pytest.mark.parametrize("hangs", [False, True])
def test_one_that_is_lost_is_closed_explained_and_opened_again(world: World, *, hangs: bool) -> None:
    async def story() -> None:
        await eventually(lambda: world.is_open)
        blocked = threading.Event()
        world.obstacle = lambda: (blocked.wait(5), None)[1]
        world.inputs[0].timing.hangs = hangs
        world.inputs[0].problem = "" if hangs else "unplugged"
        await eventually(lambda: not world.is_open)
        assert world.capture.problem == ("it has stopped" if hangs else "unplugged")
        blocked.set()
        await eventually(lambda: world.is_open)
        assert world.capture.problem == ""

    world.run(story)

    assert [each.closed.is_set() for each in world.inputs] == [True, True]


def test_one_that_does_not_open_is_tried_again_with_its_reason_kept(world: World) -> None:
    errors: list[Exception] = [DeviceBusy("in use", remedy="End that program."), OSError("no such thing")]

    def obstacle() -> None:
        if errors:
            raise errors[0]

    world.obstacle = obstacle

    async def story() -> None:
        await eventually(lambda: world.tries > 2)
        assert world.capture.problem == "in use. End that program."
        errors.pop(0)
        await eventually(lambda: world.capture.problem == "no such thing")
        errors.clear()
        await eventually(lambda: world.is_open)

    world.run(story)


def test_one_that_hangs_while_it_opens_is_not_tried_again_and_closed_when_it_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mix_capture, "_OPEN_LIMIT_S", 0.02)
    blocked = threading.Event()
    world.obstacle = lambda: (blocked.wait(5), None)[1]

    async def story() -> None:
        await eventually(lambda: "hangs" in world.capture.problem)
        await asyncio.sleep(0.05)
        assert world.tries == 1
        world.obstacle = lambda: None
        blocked.set()
        await eventually(lambda: world.is_open)

    world.run(story)

    assert len(world.inputs) == 2
    assert all(each.closed.is_set() for each in world.inputs)


def test_what_opens_when_the_box_ends_is_closed(world: World) -> None:
    blocked = threading.Event()
    world.obstacle = lambda: (blocked.wait(5), None)[1]

    async def story() -> None:
        running = asyncio.create_task(world.capture.run())
        await eventually(lambda: world.tries == 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        blocked.set()
        await eventually(lambda: bool(world.inputs) and world.inputs[0].closed.is_set())

    asyncio.run(story())


def test_one_that_fails_as_it_is_closed_ends_nothing(world: World) -> None:
    strays: list[dict[str, Any]] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: strays.append(context))
        await eventually(lambda: world.is_open)
        world.inputs[0].refusal = OSError(19, "No such device")
        world.is_wanted = False
        await eventually(world.inputs[0].closed.is_set)
        world.is_wanted = True
        await eventually(lambda: len(world.inputs) == 2)
        gc.collect()

    world.run(story)

    assert strays == []


def test_one_that_fails_after_it_was_given_up_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mix_capture, "_OPEN_LIMIT_S", 0.02)
    blocked = threading.Event()

    def obstacle() -> None:
        blocked.wait(5)
        raise DeviceBusy("in use")

    world.obstacle = obstacle

    async def story() -> None:
        await eventually(lambda: "hangs" in world.capture.problem)
        blocked.set()
        await eventually(lambda: "in use" in world.capture.problem)

    world.run(story)

    assert world.inputs == []
