import asyncio
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgevoice.errors import PersonaInvalid
from edgevoice.personas import personas as module
from edgevoice.personas import state as states
from edgevoice.personas.persona import Persona
from edgevoice.personas.personas import NAME, Personas
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.state import Choice, PersonaState
from tests.killing import killed

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
OWL = Persona(name="owl", instructions="Hoot.")

Open = Callable[[Callable[[Personas], Awaitable[None]]], None]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Run a function with the personas open; each call is a new start of the program."""

    def run(program: Callable[[Personas], Awaitable[None]]) -> None:
        async def scene() -> None:
            async with Personas(tmp_path, now=lambda: NOON) as personas:
                await program(personas)

        asyncio.run(scene())

    return run


def test_a_new_box_has_the_personas_that_ship(opened: Open, tmp_path: Path) -> None:
    async def look(personas: Personas) -> None:
        shelf = await personas.shelf()
        assert shelf.names == ("default", "pirate", "storyteller", "brief", "teacher")
        assert shelf.state == PersonaState()
        assert shelf.find(" Pirate ") is PRESETS["pirate"]
        assert [version.number for version in await personas.versions("pirate")] == [0]
        assert await personas.versions("owl") == []

    opened(look)

    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


def test_a_draft_is_used_by_nothing_until_it_is_activated(opened: Open) -> None:
    async def draft(personas: Personas) -> None:
        await personas.save_draft(OWL)
        shelf = await personas.shelf()
        assert shelf.drafts == {"owl"}
        with pytest.raises(PersonaInvalid, match="there is no persona 'owl'; there are default, pirate, "):
            shelf.find("owl")

    async def activate(personas: Personas) -> None:
        assert await personas.draft("owl") == OWL
        assert await personas.activate("owl") == 1
        shelf = await personas.shelf()
        assert (shelf.drafts, shelf.find("owl")) == (frozenset(), OWL)
        assert shelf.state.choices == {"": Choice("owl")}

    opened(draft)
    opened(activate)


def test_each_activated_draft_is_a_version_and_undo_goes_back_to_the_one_before(opened: Open) -> None:
    later = Persona(name="pirate", instructions="Arr, only arr.")

    async def scene(personas: Personas) -> None:
        await personas.save_draft(later)
        assert await personas.activate("pirate") == 1
        assert (await personas.shelf()).find("pirate") == later
        await personas.save_draft(Persona(name="pirate", instructions="Ahoy."))
        assert await personas.activate("pirate") == 2
        shelf = await personas.change(lambda shelf: states.undo(shelf.state, ""))
        assert shelf.find("pirate") == later
        assert [(each.number, each.at) for each in await personas.versions("pirate")] == [
            (0, None),
            (1, NOON),
            (2, NOON),
        ]
        assert await personas.activate("pirate", number=0) == 0
        assert (await personas.shelf()).find("pirate") is PRESETS["pirate"]
        assert await personas.activate("default") == 0
        assert (await personas.shelf()).state.choices == {"": Choice("default")}

    opened(scene)


@pytest.mark.parametrize(
    ("name", "number", "complaint"),
    [
        ("owl", None, "there is no persona owl"),
        ("pirate", 7, "there is no version 7 of the persona pirate"),
        ("owl", 0, "there is no persona owl"),
    ],
)
def test_what_does_not_exist_cannot_be_activated_and_nothing_changes(
    opened: Open, name: str, number: int | None, complaint: str
) -> None:
    async def scene(personas: Personas) -> None:
        before = await personas.shelf()
        with pytest.raises(PersonaInvalid, match=complaint):
            await personas.activate(name, number=number)
        assert await personas.shelf() == before

    opened(scene)


def test_activating_what_is_in_force_leaves_nothing_to_undo(opened: Open) -> None:
    async def scene(personas: Personas) -> None:
        await personas.activate("pirate")
        await personas.activate("pirate")
        assert len((await personas.shelf()).state.past) == 1

    opened(scene)


def test_a_draft_can_be_dropped_and_a_persona_removed_with_every_trace(opened: Open, tmp_path: Path) -> None:
    async def scene(personas: Personas) -> None:
        await personas.save_draft(OWL)
        assert await personas.drop_draft("owl")
        assert not await personas.drop_draft("owl")
        await personas.save_draft(OWL)
        await personas.activate("owl", place="computer")
        assert await personas.remove("owl")
        assert not await personas.remove("owl")
        assert (await personas.shelf()).state == PersonaState()
        assert await personas.versions("owl") == []

    opened(scene)
    assert b"Hoot." not in (tmp_path / NAME).read_bytes()


def test_a_refused_change_changes_nothing(opened: Open) -> None:
    def fail(_shelf: object) -> PersonaState:
        raise ZeroDivisionError

    async def scene(personas: Personas) -> None:
        await personas.activate("pirate")
        before = await personas.shelf()
        with pytest.raises(ZeroDivisionError):
            await personas.change(fail)
        assert await personas.shelf() == before

    opened(scene)


def test_growth_is_bounded_and_versions_that_undo_needs_are_kept(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_VERSIONS", 3)
    monkeypatch.setattr(module, "_MOST_PERSONAS", 2)
    monkeypatch.setattr(states, "MOST_CHANGES", 4)

    async def scene(personas: Personas) -> None:
        for number in range(10):
            await personas.save_draft(Persona(name="owl", instructions=f"Hoot {number} times."))
            await personas.activate("owl")
        assert [each.number for each in await personas.versions("owl")] == [6, 7, 8, 9, 10]
        for _ in range(4):
            await personas.change(lambda shelf: states.undo(shelf.state, ""))
        assert (await personas.shelf()).find("owl").instructions == "Hoot 5 times."
        await personas.save_draft(Persona(name="cat"))
        await personas.save_draft(Persona(name="cat"))
        with pytest.raises(PersonaInvalid, match="there are 2 personas already"):
            await personas.save_draft(Persona(name="dog"))

    opened(scene)


def test_a_command_and_the_box_may_have_the_file_open_at_once(opened: Open, tmp_path: Path) -> None:
    async def scene(personas: Personas) -> None:
        async with Personas(tmp_path) as command:
            await command.activate("pirate")
        assert (await personas.shelf()).state.choices == {"": Choice("pirate")}
        async with Personas(tmp_path, is_read_only=True) as reader:
            assert await reader.shelf() == await personas.shelf()

    opened(scene)


def test_a_damaged_file_is_set_aside_and_reported(opened: Open, tmp_path: Path) -> None:
    async def scene(personas: Personas) -> None:
        assert f"{NAME} is damaged; it is kept as {NAME}.damaged-" in personas.remark
        assert (await personas.shelf()).state == PersonaState()

    (tmp_path / NAME).write_bytes(b"not a database" * 1000)
    opened(scene)


@pytest.mark.parametrize("record", ["{", '{"choices": 3}', '{"x": ' + "[" * 9999])
def test_a_state_that_cannot_be_read_is_as_good_as_none(
    opened: Open, tmp_path: Path, record: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(personas: Personas) -> None:
        assert (await personas.shelf()).state == PersonaState()
        await personas.activate("pirate")
        assert (await personas.shelf()).state.choices == {"": Choice("pirate")}

    async def nothing(_personas: Personas) -> None:
        """Only make the file."""

    opened(nothing)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("INSERT INTO state VALUES (1, ?)", (record,))
    opened(scene)

    assert f"rows-unreadable file={NAME} rows=1" in [entry.message for entry in caplog.records]


@pytest.mark.parametrize("change", ["DELETE FROM version", "UPDATE version SET record = '{'"])
def test_a_persona_that_cannot_be_read_costs_only_itself(opened: Open, tmp_path: Path, change: str) -> None:
    async def make(personas: Personas) -> None:
        for name in ("owl", "pirate", "raven"):
            await personas.save_draft(Persona(name=name, instructions="Hoot."))
            await personas.activate(name)

    async def scene(personas: Personas) -> None:
        shelf = await personas.shelf()
        assert shelf.find("raven").instructions == "Hoot."
        assert shelf.find("pirate") == PRESETS["pirate"]
        assert "owl" not in shelf.names
        with pytest.raises(PersonaInvalid, match="there is no persona owl"):
            await personas.activate("owl")
        assert await personas.activate("pirate") == 0, "the one that ships"

    opened(make)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute(f"{change} WHERE name IN ('owl', 'pirate')")
    opened(scene)


WRITER = """
import asyncio, itertools
from edgevoice.personas import state as states
from edgevoice.personas.persona import Persona
from edgevoice.personas.personas import Personas

async def forever(first, folder):
    async with Personas(folder) as personas:
        for number in itertools.count(first):
            await personas.save_draft(Persona(name="owl", instructions=str(number)))
            await personas.activate("owl")
            print(number, flush=True)

def write(first, *arguments):
    asyncio.run(forever(first, *arguments))
"""


def test_fifty_kills_lose_no_version_and_no_choice(tmp_path: Path) -> None:
    async def look() -> tuple[int, list[Choice]]:
        async with Personas(tmp_path, is_read_only=True) as personas:
            shelf = await personas.shelf()
            draft = await personas.draft("owl")
            number = int(shelf.find("owl").instructions)
            assert draft is None or int(draft.instructions) == number + 1
            return number, list(shelf.state.choices.values())

    for printed in killed(WRITER, str(tmp_path)):
        number, choices = asyncio.run(look())
        assert printed <= number <= printed + 1
        assert choices == [Choice("owl")]
