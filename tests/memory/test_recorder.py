"""What is stored of a conversation, and when."""

import asyncio
from pathlib import Path

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import PhaseEntered, Role, TranscriptChanged
from edgevoice.errors import StorageUnavailable
from edgevoice.memory.memory import Memory
from edgevoice.memory.recorder import Recorder
from tests import virtual_time


class Notebook(Memory):
    """A memory that keeps its input in a list; while it is closed, writing never finishes."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"))
        self.texts: list[str] = []
        self.looks = 0
        self.is_full = False
        self.opened = asyncio.Event()
        self.opened.set()

    async def add(self, *said: tuple[Role, str]) -> None:
        if self.is_full:
            raise StorageUnavailable("the disk is full")
        await self.opened.wait()
        self.texts += [text for _, text in said]

    async def forget_old(self) -> None:
        self.looks += 1
        if self.is_full:
            raise StorageUnavailable("the disk is full")


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def recorder(notebook: Notebook) -> Recorder:
    return Recorder(notebook)


def hears(recorder: Recorder, role: Role, text: str) -> None:
    recorder.observe(TranscriptChanged(role, text, text, is_final=True), 0.0)


def enters(recorder: Recorder, *phases: Phase) -> None:
    for phase in phases:
        recorder.observe(PhaseEntered(phase), 0.0)


def exchange(recorder: Recorder, question: str, answer: str) -> None:
    hears(recorder, Role.USER, question)
    enters(recorder, Phase.THINKING)
    hears(recorder, Role.ASSISTANT, answer)
    enters(recorder, Phase.SPEAKING, Phase.LISTENING)


def test_each_question_is_stored_with_its_answer_however_early_its_transcript_comes(
    recorder: Recorder, notebook: Notebook
) -> None:
    exchange(recorder, "One?", "1.")
    exchange(recorder, "Two?", "2.")
    exchange(recorder, "Three?", "3.")

    asyncio.run(recorder.finish())

    assert notebook.texts == ["One?", "1.", "Two?", "2.", "Three?", "3."]


def test_when_the_queue_is_full_the_oldest_exchanges_are_dropped_and_counted_in_the_log(
    recorder: Recorder, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(103):
        exchange(recorder, f"{number}?", f"{number}.")

    asyncio.run(recorder.finish())

    assert notebook.texts[:2] == ["3?", "3."]
    assert len(notebook.texts) == 200
    assert [record.__dict__["fields"] for record in caplog.records] == [{"turns": count} for count in (2, 4, 6)]


def test_an_exchange_in_which_something_is_forgotten_is_not_stored(recorder: Recorder, notebook: Notebook) -> None:
    async def scene() -> None:
        exchange(recorder, "When do the bins go out?", "On Monday.")
        hears(recorder, Role.USER, "Forget the bins.")
        enters(recorder, Phase.THINKING)
        hears(recorder, Role.ASSISTANT, "One moment.")
        enters(recorder, Phase.SPEAKING)
        await recorder.leave_out()
        # Earlier turns can be forgotten only once they are written.
        assert notebook.texts == ["When do the bins go out?", "On Monday."]
        enters(recorder, Phase.THINKING)
        hears(recorder, Role.ASSISTANT, "I have forgotten that they go out on Monday.")
        enters(recorder, Phase.SPEAKING, Phase.LISTENING)
        exchange(recorder, "Thank you.", "Not at all.")
        enters(recorder, Phase.IDLE)
        await recorder.finish()

    asyncio.run(scene())

    assert notebook.texts == ["When do the bins go out?", "On Monday.", "Thank you.", "Not at all."]


def test_a_conversation_that_ends_with_forgetting_does_not_affect_the_next_one(
    recorder: Recorder, notebook: Notebook
) -> None:
    async def scene() -> None:
        hears(recorder, Role.USER, "Forget the bins.")
        enters(recorder, Phase.THINKING)
        await recorder.leave_out()
        hears(recorder, Role.ASSISTANT, "Done.")
        enters(recorder, Phase.IDLE)
        exchange(recorder, "Hello.", "Hello!")
        await recorder.finish()

    asyncio.run(scene())

    assert notebook.texts == ["Hello.", "Hello!"]


def test_pending_writes_finish_before_forgetting_starts(recorder: Recorder, notebook: Notebook) -> None:
    async def scene() -> None:
        notebook.opened.clear()
        running = asyncio.create_task(recorder.run(lambda _fact: None))
        exchange(recorder, "One?", "1.")
        enters(recorder, Phase.IDLE)
        await asyncio.sleep(0.1)
        leaving_out = asyncio.create_task(recorder.leave_out())
        await asyncio.sleep(0.1)
        assert not leaving_out.done()
        notebook.opened.set()
        await leaving_out
        running.cancel()

    virtual_time.run(scene())

    assert notebook.texts == ["One?", "1."]


def test_an_exchange_that_is_being_written_when_the_box_stops_is_kept_whole(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Memory(tmp_path) as memory:
            recorder = Recorder(memory)
            running = asyncio.create_task(recorder.run(lambda _fact: None))
            await asyncio.sleep(0)
            exchange(recorder, "One?", "1.")
            enters(recorder, Phase.IDLE)
            for _ in range(3):
                await asyncio.sleep(0)  # it has begun to write
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await recorder.finish()
            assert [turn.text for turn in await memory.turns()] == ["One?", "1."]

    asyncio.run(scene())


@pytest.mark.parametrize("is_full", [False, True])
def test_old_turns_expire_even_when_nothing_is_said_for_days(
    recorder: Recorder, notebook: Notebook, *, is_full: bool
) -> None:
    async def scene() -> None:
        notebook.is_full = is_full
        running = asyncio.create_task(recorder.run(lambda _fact: None))
        await asyncio.sleep(3 * 24 * 3600 + 1)
        running.cancel()

    virtual_time.run(scene())

    assert notebook.looks == 72


def test_a_full_disk_loses_only_the_turns_of_that_time(
    recorder: Recorder, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    notebook.is_full = True
    exchange(recorder, "One?", "1.")
    enters(recorder, Phase.IDLE)

    asyncio.run(recorder.finish())

    assert [record.msg for record in caplog.records] == ["memory-unavailable"]
