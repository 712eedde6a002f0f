import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgevoice.core.notices import Role
from edgevoice.errors import ToolRefused
from edgevoice.memory.household import with_note
from edgevoice.memory.memory import Memory
from edgevoice.memory.remembering import Remembering
from edgevoice.memory.tools import MemoryTools
from edgevoice.steady_clock import ClockReading
from edgevoice.wall_clock import local_time

UNREADABLE = """
UPDATE turn SET at = 'yesterday' WHERE id = 1; UPDATE turn SET role = 'dog' WHERE id = 2;
UPDATE turn SET text = 7 WHERE id = 3;
UPDATE household SET record = '{"notes": 7}'; UPDATE service_state SET state = '{';
"""

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


class Clock:
    """The right time passes by itself and in steps; the wall clock is wrong by ``wrong``, the boot clock never is.

    A clock that is right was set by the network.
    """

    def __init__(self) -> None:
        self.now = NOON
        self.wrong = timedelta()

    def __call__(self) -> ClockReading:
        self.now += timedelta(seconds=1)
        boot_s = (self.now - NOON).total_seconds()
        return ClockReading((self.now + self.wrong).timestamp(), boot_s, "boot", is_set=not self.wrong)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def remember(tmp_path: Path, clock: Clock) -> Callable[[Callable[[Memory], Awaitable[None]]], None]:
    """Run a function with the memory open; each call is a new start of the program."""

    def run(program: Callable[[Memory], Awaitable[None]]) -> None:
        async def scene() -> None:
            async with Memory(tmp_path, days=30, read=clock) as memory:
                await program(memory)

        asyncio.run(scene())

    return run


Remember = Callable[[Callable[[Memory], Awaitable[None]]], None]


async def nothing_is_going_on() -> None:
    """Stand for a recorder with nothing to leave out."""


def content(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir())


async def talk(memory: Memory, count: int, letters: int = 40) -> None:
    for number in range(count):
        await memory.add((Role.USER, f"question {number} ".ljust(letters, "x")))
        await memory.add((Role.ASSISTANT, f"answer {number} ".ljust(letters, "x")))


def test_the_household_record_survives_a_restart(remember: Remember) -> None:
    async def learn(memory: Memory) -> None:
        assert await memory.household() == {}
        await memory.change(lambda record: with_note(record, "Bins on Monday"))

    async def know(memory: Memory) -> None:
        assert await memory.household() == {"notes": ["Bins on Monday"]}

    remember(learn)
    remember(know)


def test_a_refused_change_changes_nothing(remember: Remember) -> None:
    async def learn(memory: Memory) -> None:
        await memory.change(lambda record: with_note(record, "Bins on Monday"))
        with pytest.raises(ToolRefused):
            await memory.change(lambda record: with_note(record, "x" * 3000))
        assert await memory.household() == {"notes": ["Bins on Monday"]}

    remember(learn)


def test_the_last_turns_are_given_within_the_budget_oldest_first(remember: Remember) -> None:
    async def converse(memory: Memory) -> None:
        await talk(memory, 3)
        history = await memory.history(1000)
        assert [turn.role for turn in history] == [Role.USER, Role.ASSISTANT] * 3
        assert history[0].text.startswith("question 0")
        assert history[0].at < history[-1].at

    remember(converse)


def test_the_oldest_turns_are_dropped_in_one_chunk_and_not_turn_by_turn(remember: Remember) -> None:
    async def converse(memory: Memory) -> None:
        begins = []
        for _ in range(30):
            await talk(memory, 1)
            history = await memory.history(200)  # 20 turns of 10 tokens
            assert sum(len(turn.text) for turn in history) <= 800
            assert history[0].role is Role.USER
            begins.append(history[0].at)
        # The model's input starts the same in several conversations.
        assert len(set(begins)) <= 10
        assert len(await memory.search("question", most=99)) == 30

    remember(converse)


def test_one_turn_larger_than_the_budget_leaves_an_empty_history(remember: Remember) -> None:
    async def converse(memory: Memory) -> None:
        await talk(memory, 1, letters=1000)
        assert await memory.history(100) == []
        await talk(memory, 1)
        assert len(await memory.history(100)) == 2

    remember(converse)


def test_past_turns_are_found_by_words_in_any_inflection(remember: Remember) -> None:
    async def converse(memory: Memory) -> None:
        await memory.add((Role.USER, "We painted the kitchen yellow"))
        await memory.add((Role.ASSISTANT, "How lovely"))
        [found] = await memory.search("painting kitchens")
        assert (found.role, found.text) == (Role.USER, "We painted the kitchen yellow")
        for odd in ('"', "NOT", "kitchen OR lovely", "yell*", "", "a:b", "(", "NEAR(kitchen)"):
            await memory.search(odd)

    remember(converse)


def test_nothing_is_kept_longer_than_the_configured_days(remember: Remember, clock: Clock) -> None:
    async def converse(memory: Memory) -> None:
        await talk(memory, 2)

    async def later(memory: Memory) -> None:
        assert await memory.history(1000) == []
        assert await memory.search("question") == []

    remember(converse)
    clock.now += timedelta(days=31)
    remember(later)


async def _told(memory: Memory) -> None:
    await memory.history(1000)


async def _added(memory: Memory) -> None:
    await memory.add((Role.USER, "anything"))


@pytest.mark.parametrize("then", [_told, _added, Memory.forget_old])
def test_a_box_that_runs_for_months_deletes_old_turns(
    remember: Remember, clock: Clock, then: Callable[[Memory], Awaitable[None]]
) -> None:
    async def converse(memory: Memory) -> None:
        await talk(memory, 2)
        clock.now += timedelta(days=29)
        await then(memory)
        assert len(await memory.search("question")) == 2
        clock.now += timedelta(days=2)
        await then(memory)
        assert await memory.search("question") == []

    remember(converse)


def test_what_is_said_while_the_clock_is_lost_is_dated_when_it_is_set(remember: Remember, clock: Clock) -> None:
    async def converse(memory: Memory) -> None:
        await memory.add((Role.USER, "question before the power cut"))

    async def without_a_network(memory: Memory) -> None:
        await memory.add((Role.USER, "question in 1970"))
        clock.now += timedelta(days=2)
        await memory.forget_old()
        assert [turn.text[:11] for turn in await memory.history(1000)] == ["question be", "question in"]
        clock.wrong = timedelta()
        await memory.forget_old()
        [kept] = await memory.search("question")
        assert kept.text == "question in 1970"
        assert timedelta(days=2) < clock.now - kept.at < timedelta(days=2, minutes=1)

    remember(converse)
    clock.now += timedelta(days=100)  # switched off for longer than turns are kept
    clock.wrong = datetime(1970, 1, 1, tzinfo=UTC) - clock.now
    remember(without_a_network)


def test_a_clock_that_is_years_ahead_makes_nothing_old_for_a_day(remember: Remember, clock: Clock) -> None:
    async def converse(memory: Memory) -> None:
        await memory.add((Role.USER, "question"))

    async def ahead(memory: Memory) -> None:
        await memory.add((Role.USER, "question in 2046"))
        clock.now += timedelta(hours=23)
        await memory.forget_old()
        clock.wrong = timedelta()
        await memory.forget_old()
        moments = [turn.at for turn in await memory.search("question")]
        assert timedelta(hours=23) < clock.now - moments[0] < timedelta(hours=23, minutes=1)
        assert timedelta(hours=23) < clock.now - moments[1] < timedelta(hours=23, minutes=1)

    async def ahead_for_long(memory: Memory) -> None:
        clock.now += timedelta(hours=25)
        await memory.forget_old()
        assert await memory.search("question") == []

    remember(converse)
    clock.wrong = timedelta(days=20 * 365)
    remember(ahead)
    clock.wrong = timedelta(days=20 * 365)
    remember(ahead_for_long)


def test_a_box_whose_clock_is_always_lost_still_forgets_what_is_old(remember: Remember, clock: Clock) -> None:
    async def converse(memory: Memory) -> None:
        await memory.add((Role.USER, "question"))

    async def without_a_network(memory: Memory) -> None:
        clock.now += timedelta(days=29)
        await memory.forget_old()
        assert len(await memory.search("question")) == 1
        clock.now += timedelta(days=2)
        await memory.forget_old()
        assert await memory.search("question") == []

    remember(converse)
    clock.wrong = datetime(1970, 1, 1, tzinfo=UTC) - clock.now
    remember(without_a_network)


def test_expired_turns_are_gone_from_the_file_and_its_index(remember: Remember, clock: Clock, tmp_path: Path) -> None:
    async def converse(memory: Memory) -> None:
        await memory.add((Role.USER, "xylophone"))
        await memory.add((Role.ASSISTANT, "a word of its own in the index"))
        clock.now += timedelta(days=31)
        await memory.forget_old()

    remember(converse)
    assert b"xylophon" not in content(tmp_path)


def test_the_data_that_the_service_asked_us_to_keep_is_returned(remember: Remember) -> None:
    async def keep(memory: Memory) -> None:
        assert await memory.service_state() is None
        await memory.keep_service_state({"version": 3, "facts": ["x"]})

    async def hand_back(memory: Memory) -> None:
        assert await memory.service_state() == {"version": 3, "facts": ["x"]}

    remember(keep)
    remember(hand_back)


def test_words_are_forgotten_with_the_whole_state_of_the_service_that_holds_them(
    remember: Remember, tmp_path: Path
) -> None:
    async def learn(memory: Memory) -> None:
        assert not await memory.forget_service_state("xylophone")
        await memory.keep_service_state({"facts": ["The Xylophone is blue"]})
        assert not await memory.forget_service_state("xylophone red")
        assert not await memory.forget_service_state(" ")
        assert await memory.service_state() is not None
        assert await memory.forget_service_state("blue xylophone")
        assert await memory.service_state() is None

    remember(learn)
    assert b"ylophone" not in content(tmp_path)


def test_forgetting_everything_leaves_nothing_in_the_file(remember: Remember, tmp_path: Path) -> None:
    async def learn(memory: Memory) -> None:
        await memory.add((Role.USER, "xylophone"))
        await memory.change(lambda record: with_note(record, "xylophone"))
        await memory.keep_service_state({"facts": ["xylophone"]})
        await memory.forget_everything()
        assert await memory.household() == {}
        await talk(memory, 1)
        assert len(await memory.search("question")) == 1

    (tmp_path / "memory.db.damaged-20261129-120000-000000").write_bytes(b"xylophone")
    remember(learn)
    assert b"xylophone" not in content(tmp_path)


def test_turns_are_forgotten_by_words_in_any_inflection_and_gone_from_the_file(
    remember: Remember, tmp_path: Path
) -> None:
    async def converse(memory: Memory) -> None:
        await memory.add((Role.USER, "The xylophones go out on Monday"))
        await memory.add((Role.ASSISTANT, "I will remember Monday"))
        assert await memory.forget_turns("xylophone garden") == 0
        assert await memory.forget_turns(" ") == 0
        assert await memory.forget_turns("monday xylophone") == 1
        assert [turn.text for turn in await memory.history(1000)] == ["I will remember Monday"]
        # While the box runs, the journal file is part of the stored data.
        assert b"xylophone" not in content(tmp_path)

    remember(converse)


@pytest.mark.parametrize("kind", [str, Path])
def test_the_folder_may_be_a_string_or_a_path(tmp_path: Path, kind: Callable[[Path], "str | Path"]) -> None:
    async def scene() -> None:
        async with Memory(kind(tmp_path / "house")) as memory:
            assert await memory.count() == 0

    asyncio.run(scene())
    assert (tmp_path / "house" / "memory.db").exists()


def test_a_model_remembers_searches_and_forgets(remember: Remember) -> None:
    seen: list[dict[str, object]] = []

    async def converse(memory: Memory) -> None:
        tools = MemoryTools(memory, lambda: 0.0, seen.append, nothing_is_going_on, lambda: 1)
        await tools.remember("Anna is allergic to nuts")
        await tools.update_memory(people={"Ben": {"age": 3, "colour": "red"}})
        await tools.update_memory(people={"Ben": {"age": 4, "colour": None}})
        with pytest.raises(ToolRefused, match="nothing to change"):
            await tools.update_memory(people=None)  # as many models leave something out
        assert await memory.household() == {"people": {"Ben": {"age": 4}}, "notes": ["Anna is allergic to nuts"]}
        await memory.add((Role.USER, "Remember that Anna is allergic to nuts"))
        await memory.add((Role.USER, "How is Anna?"))
        assert await tools.forget("nuts") == {
            "forgotten": ["Anna is allergic to nuts"],
            "turns_of_earlier_conversations": 1,
        }
        assert [turn.text for turn in await memory.history(1000)] == ["How is Anna?"]
        assert (await tools.forget("nuts"))["forgotten"] == []
        with pytest.raises(ToolRefused, match="nothing to change"):
            await tools.update_memory()
        await memory.add((Role.USER, "We painted the kitchen"))
        [found] = await tools.search_memory("kitchen")
        assert found["said"] == "We painted the kitchen"
        assert found["at"].startswith(f"{local_time(NOON.timestamp()):%Y-%m-%d %H:%M}")

    remember(converse)
    assert seen[-1] == {"people": {"Ben": {"age": 4}}}


def test_everything_is_forgotten_only_when_the_users_next_turn_agrees_within_half_a_minute(
    remember: Remember,
) -> None:
    now, turn = 0.0, 1

    async def converse(memory: Memory) -> None:
        nonlocal now, turn
        tools = MemoryTools(memory, lambda: now, lambda _record: None, nothing_is_going_on, lambda: turn)
        await tools.remember("Bins on Monday")
        assert (await tools.forget_everything())["done"] is False
        assert (await tools.forget_everything())["done"] is False  # a model that calls twice has asked nobody
        turn = 3
        assert (await tools.forget_everything())["done"] is False  # the user has spoken of something else since
        now, turn = 31.0, 4
        assert (await tools.forget_everything())["done"] is False
        assert await memory.household() != {}
        now, turn = 40.0, 5
        assert await tools.forget_everything() == {"done": True}
        assert await memory.household() == {}

    remember(converse)


def test_a_damaged_file_is_reported_in_one_line_and_a_new_memory_started(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def start() -> None:
        async with AsyncExitStack() as opened:
            remembering = Remembering(Memory(tmp_path), 1000)
            await remembering.open(opened)
            assert await remembering.earlier() == []

    (tmp_path / "memory.db").write_bytes(b"not a database" * 1000)
    asyncio.run(start())
    asyncio.run(start())

    assert [record.msg for record in caplog.records] == ["memory-damaged"]


def test_turns_that_are_kept_longer_than_they_are_remembered_are_only_listed(tmp_path: Path, clock: Clock) -> None:
    async def scene() -> tuple[list[str], ...]:
        async with Memory(tmp_path, days=10, recall_days=3, read=clock) as memory:
            await memory.add((Role.USER, "old paint"))
            clock.now += timedelta(days=5)
            await memory.add((Role.USER, "new paint"))
            found = await memory.turns(), await memory.search("paint"), await memory.history(1000)
            clock.now += timedelta(days=6)
            await memory.forget_old()
            return (*([turn.text for turn in each] for each in found), [turn.text for turn in await memory.turns()])

    listed, searched, recalled, later = asyncio.run(scene())

    assert listed == ["old paint", "new paint"]
    assert searched == recalled == ["new paint"]
    assert later == ["new paint"]


def test_a_memory_without_a_folder_or_for_no_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a folder"):
        Memory("")
    with pytest.raises(ValueError, match=r"^days=0: it must be a whole number, 1 or more$"):
        Memory(tmp_path, days=0)


@pytest.mark.parametrize(
    "words", ["caf\udce9", "tea\x00", "\x00", '"', "tea AND", "*", "!?", "-tea", "(", "NEAR(a b)", "é" * 9000]
)
def test_any_text_can_be_searched_for(remember: Callable[..., None], words: str) -> None:
    async def program(memory: Memory) -> None:
        await memory.add((Role.USER, "tea, please"))
        assert len(await memory.search(words)) <= 1
        assert await memory.forget_turns(words) <= 1

    remember(program)


def test_a_row_that_cannot_be_read_costs_only_itself(tmp_path: Path, clock: Clock) -> None:
    async def scene() -> None:
        async with Memory(tmp_path, read=clock) as memory:
            for number in range(4):
                await memory.add((Role.USER, f"number {number}"))
            await memory.change(lambda record: with_note(record, "eggs"))
            await memory.keep_service_state({"facts": []})
        with sqlite3.connect(tmp_path / "memory.db") as connection:
            connection.executescript(UNREADABLE)
        connection.close()
        async with Memory(tmp_path, read=clock) as memory:
            last = ["7", "number 3"]
            assert [turn.text for turn in await memory.turns()] == last
            assert [turn.text for turn in await memory.history(100)] == last
            assert [turn.text for turn in await memory.search("number")] == last[::-1]
            assert await memory.household() == {}
            assert await memory.service_state() is None
            assert await memory.change(lambda record: with_note(record, "milk")) == {"notes": ["milk"]}

    asyncio.run(scene())
