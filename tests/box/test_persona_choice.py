"""Programs choose personas and voices by the tools that the model has for it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from edgevoice.box.context import BoxContext, Storage, speaking_of
from edgevoice.box.persona_choice import persona_choice
from edgevoice.control.messages import Refused
from edgevoice.realtime.endpoint import local
from edgevoice.settings.assistant import PersonasSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


CONTEXT = BoxContext(lambda: local(Path("/nowhere.sock"), nothing_to_prepare))


def test_programs_choose_personas_and_voices_as_people_do_by_speaking(tmp_path: Path) -> None:
    settings = Settings(personas=PersonasSettings(enabled=True), service=ServiceSettings(voice="Sarah"))

    async def live() -> None:
        async with speaking_of(settings, tmp_path) as speaking:
            context = replace(CONTEXT, storage=Storage(speaking=speaking), wants_wakeword=False)
            personas = persona_choice(settings, context)
            assert personas is not None
            before = personas.choices()
            assert (before["persona"], before["voice"]) == ("default", "Sarah")
            assert (await personas.choose("storyteller"))["persona"] == "storyteller"
            chosen = before["voices"][-1]
            assert (await personas.speak_with(chosen))["voice"] == chosen
            with pytest.raises(Refused, match="nobody"):
                await personas.choose("nobody")
            with pytest.raises(Refused, match="no such voice"):
                await personas.speak_with("nobody")

    asyncio.run(live())


def test_a_box_without_personas_has_no_choice() -> None:
    assert persona_choice(Settings(), CONTEXT) is None
