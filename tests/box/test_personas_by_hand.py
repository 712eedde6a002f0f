"""Personas of a running box are drafted, activated and undone through the control socket."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from edgevoice.box.personas_by_hand import carry_out
from edgevoice.control.messages import PersonasByHand, Refused
from edgevoice.personas.personas import Personas

PIRATE = 'instructions = "Talk like a pirate."\n'


def scene(folder: Path, act: Callable[[Callable[..., Awaitable[dict[str, Any]]]], Awaitable[None]]) -> None:
    async def live() -> None:
        async with Personas(folder) as personas:

            async def ask(action: Any, name: str = "", text: str = "") -> dict[str, Any]:
                return await carry_out(personas, PersonasByHand(action=action, name=name, text=text))

            await act(ask)

    asyncio.run(live())


def rows(reply: dict[str, Any]) -> dict[str, tuple[int, bool]]:
    return {row["name"]: (row["version"], row["draft"]) for row in reply["personas"]}


def test_a_draft_is_kept_activated_and_undone(tmp_path: Path) -> None:
    async def act(ask: Callable[..., Awaitable[dict[str, Any]]]) -> None:
        drafted = await ask("draft", "captain", PIRATE)
        assert rows(drafted)["captain"] == (0, True)
        assert drafted["in_force"] == "default"
        shown = await ask("show", "captain")
        assert shown["draft"]
        assert "Talk like a pirate." in shown["text"]
        active = await ask("activate", "captain")
        assert (active["in_force"], rows(active)["captain"], active["can_undo"]) == ("captain", (1, False), True)
        assert not (await ask("show", "captain"))["draft"]
        undone = await ask("undo")
        assert (undone["in_force"], undone["can_undo"]) == ("default", False)

    scene(tmp_path, act)


def test_a_draft_can_be_dropped_and_a_new_name_begins_with_an_example(tmp_path: Path) -> None:
    async def act(ask: Callable[..., Awaitable[dict[str, Any]]]) -> None:
        await ask("draft", "captain", PIRATE)
        assert "captain" not in rows(await ask("drop", "captain"))
        assert 'instructions = ""' in (await ask("show", "gardener"))["text"]

    scene(tmp_path, act)


@pytest.mark.parametrize(
    ("action", "name", "text", "problem"),
    [
        ("draft", "captain", "volume = 11\n", "volume is not a field"),
        ("draft", "No Name", PIRATE, "cannot be the name of a persona"),
        ("draft", "captain", "= \n", "persona captain"),
        ("activate", "nobody", "", "there is no persona nobody"),
        ("undo", "", "", "nothing to undo"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(tmp_path: Path, action: str, name: str, text: str, problem: str) -> None:
    async def act(ask: Callable[..., Awaitable[dict[str, Any]]]) -> None:
        with pytest.raises(Refused, match=problem):
            await ask(action, name, text)

    scene(tmp_path, act)
