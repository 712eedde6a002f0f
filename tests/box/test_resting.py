"""When the service inside the box runs: in virtual time, with a process that only notes what it is asked."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from edgevoice.box.resting import KEPT_S, Resting
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import PhaseEntered
from edgevoice.errors import LocalServiceUnavailable
from tests import virtual_time


class Process:
    """A service that takes this long to start."""

    def __init__(self, *, loaded_s: float = 1.0, fails: bool = False) -> None:
        self.loaded_s = loaded_s
        self.asked_at = 0.0
        self.fails = fails
        self.done: list[tuple[str, float]] = []

    async def ensure(self) -> None:
        self.asked_at = time.monotonic()
        self.note("started")
        if self.fails:
            raise LocalServiceUnavailable("no models")

    async def rest(self) -> None:
        self.note("ended")

    def note(self, what: str) -> None:
        self.done.append((what, round(time.monotonic() - 1000)))

    @property
    def words(self) -> list[str]:
        return [what for what, _ in self.done]


Scene = Callable[[Resting, Process], Coroutine[Any, Any, None]]


def play(process: Process, record: Path, scene: Scene) -> None:
    async def scenario() -> None:
        resting = Resting(process, record)
        running = asyncio.ensure_future(resting.run(lambda _fact: None))
        await asyncio.sleep(1)
        await scene(resting, process)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual_time.run(scenario())


def enter(resting: Resting, phase: Phase) -> None:
    resting.observe(PhaseEntered(phase), time.monotonic())


def test_a_quick_service_starts_at_the_wake_word_and_ends_ten_minutes_after_the_conversation(tmp_path: Path) -> None:
    async def scene(resting: Resting, process: Process) -> None:
        await asyncio.sleep(5 * KEPT_S)
        assert process.done == []

        for _ in range(2):
            enter(resting, Phase.CONNECTING)
            await asyncio.sleep(2 * KEPT_S)  # a long conversation
            assert process.words[-1] == "started"
            enter(resting, Phase.IDLE)
            await asyncio.sleep(KEPT_S - 5)
            assert process.words[-1] == "started"
            await asyncio.sleep(10)
            assert process.words[-1] == "ended"

    (tmp_path / "seconds").write_text("0.90")
    process = Process()
    play(process, tmp_path / "seconds", scene)

    assert process.words == ["started", "ended"] * 2


def test_another_question_within_ten_minutes_or_any_other_use_keeps_it(tmp_path: Path) -> None:
    async def scene(resting: Resting, process: Process) -> None:
        enter(resting, Phase.CONNECTING)
        enter(resting, Phase.IDLE)
        await asyncio.sleep(KEPT_S - 10)
        process.asked_at = time.monotonic()
        await asyncio.sleep(KEPT_S - 10)
        enter(resting, Phase.CONNECTING)
        enter(resting, Phase.IDLE)
        await asyncio.sleep(KEPT_S - 10)
        assert process.words == ["started"]
        await asyncio.sleep(20)

    (tmp_path / "seconds").write_text("0.90")
    process = Process()
    play(process, tmp_path / "seconds", scene)

    assert process.words == ["started", "ended"]


@pytest.mark.parametrize("record", [None, "12.5", "damaged", "nan"])
def test_where_it_is_slow_it_starts_with_the_box_and_stays(tmp_path: Path, record: str | None) -> None:
    async def scene(resting: Resting, process: Process) -> None:
        enter(resting, Phase.CONNECTING)
        enter(resting, Phase.IDLE)
        await asyncio.sleep(5 * KEPT_S)

    if record is not None:
        (tmp_path / "seconds").write_text(record)
    process = Process(loaded_s=12.5)
    play(process, tmp_path / "seconds", scene)

    assert process.done == [("started", 0)]
    assert (tmp_path / "seconds").read_text() == "12.50"


def test_on_its_first_start_a_box_learns_that_it_is_quick(tmp_path: Path) -> None:
    async def scene(resting: Resting, process: Process) -> None:
        await asyncio.sleep(2 * KEPT_S)

    process = Process(loaded_s=0.9)
    play(process, tmp_path / "seconds", scene)

    assert process.done == [("started", 0), ("ended", KEPT_S)]
    assert (tmp_path / "seconds").read_text() == "0.90"


def test_where_the_time_cannot_be_kept_it_stays_and_a_failed_start_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(resting: Resting, process: Process) -> None:
        await asyncio.sleep(2 * KEPT_S)

    (tmp_path / "file").touch()
    kept, failed = Process(), Process(fails=True)
    with caplog.at_level(logging.ERROR):
        play(kept, tmp_path / "file" / "seconds", scene)
        assert not caplog.records
        play(failed, tmp_path / "seconds", scene)

    assert kept.words == failed.words == ["started"]
    ((event, code),) = [(record.msg, vars(record)["fields"]["code"]) for record in caplog.records]
    assert (event, code) == ("local-service", "local-service-unavailable")
