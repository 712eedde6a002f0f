"""The ``session`` object of each session, and its changes while it is open."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import structs

from edgevoice.box.session_configuration import SessionConfiguration
from edgevoice.core.notices import Role
from edgevoice.memory.remembering import Remembering
from edgevoice.personas import state as states
from edgevoice.personas.persona import Persona
from edgevoice.personas.personas import Personas, Shelf
from edgevoice.personas.speaking import SpeakingPersona
from edgevoice.personas.state import Choice, PersonaState
from edgevoice.settings.instructions import CALLS, WHISPERED
from edgevoice.settings.service import ServiceSettings
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.words import WakeWord

SERVICE = ServiceSettings(voice="Sarah", instructions="You are a cook.", steering="off")
OPENAI = structs.replace(SERVICE, url="wss://api.openai.com/v1/realtime", voice="marin")
ALEXA = WakeWord("alexa", Path("alexa.onnx"), Thresholds(), voice="Mark", instructions="You are a sailor.")
JARVIS = WakeWord("hey_jarvis", Path("hey_jarvis.onnx"), Thresholds())


def no_tools() -> list[dict[str, Any]]:
    return []


def voice_of(session: dict[str, Any]) -> tuple[str, str]:
    return session["audio"]["output"]["voice"], session["instructions"]


def test_a_wake_word_may_bring_its_own_voice_and_instructions() -> None:
    settings = SessionConfiguration(lambda: SERVICE, (ALEXA, JARVIS), no_tools)

    assert voice_of(settings.begin("alexa")) == ("Mark", "You are a sailor.")
    assert settings.begin("hey_jarvis") == settings.begin("")
    assert voice_of(settings.begin("")) == ("Sarah", "You are a cook.")


class Recalling(Remembering):
    """Remembers one thing, one turn, and something else of the service's own each time."""

    notes = 0

    def service(self, service: ServiceSettings) -> ServiceSettings:
        self.notes += 1
        told = f"{service.instructions} The bins go out on Monday."
        return structs.replace(service, instructions=told, provider_data={"notes": self.notes})

    async def earlier(self) -> Sequence[tuple[Role, str]]:
        return [(Role.USER, "Hello")]


def test_what_is_remembered_follows_the_instructions() -> None:
    settings = SessionConfiguration(lambda: SERVICE, (), no_tools, Recalling())

    assert voice_of(settings.begin(""))[1] == "You are a cook. The bins go out on Monday."
    assert asyncio.run(settings.earlier()) == [(Role.USER, "Hello")]


def test_without_memory_and_personas_nothing_is_read_and_nothing_changes() -> None:
    sent: list[object] = []
    settings = SessionConfiguration(lambda: SERVICE, (), no_tools)
    settings.follow(sent.append)

    assert asyncio.run(settings.earlier()) == ()
    assert sent == []


def follow(folder: Path, service: ServiceSettings, *choices: Choice) -> list[dict[str, Any]]:
    """Return what is sent when these choices take effect in a session that began without any."""
    sent: list[dict[str, Any]] = []

    async def scene() -> None:
        async with AsyncExitStack() as opened:
            personas = Personas(folder)
            speaking = SpeakingPersona(personas)
            await speaking.open(opened)
            await personas.save_draft(Persona(name="owl", instructions="Hoot.", model="m", tools=("hoot",), speed=1.2))
            await personas.activate("owl")
            await personas.change(lambda shelf: states.undo(shelf.state, ""))
            await personas.activate("owl", place="elsewhere", number=1)
            tools = [{"name": name} for name in ("hoot", "fly")]
            settings = SessionConfiguration(
                lambda: service,
                (),
                lambda: [tool for tool in tools if speaking.allows(tool["name"])],
                Recalling(),
                speaking,
            )
            settings.follow(sent.append)
            await settings.earlier()
            assert settings.begin("")["tools"] == tools
            for choice in choices:
                await speaking.change(_chooses(choice))

    asyncio.run(scene())
    return sent


def _chooses(choice: Choice) -> Any:
    def change(shelf: Shelf, place: str, _before: Choice) -> PersonaState:
        return PersonaState({**shelf.state.choices, place: choice}, shelf.state.versions, shelf.state.past)

    return change


def test_another_persona_sends_exactly_what_it_changes_in_mid_session(tmp_path: Path) -> None:
    told = f"You are a cook.\n\n# Your role\nHoot. The bins go out on Monday.\n\n{CALLS}"
    owl = {"model": "m", "instructions": told, "tools": [{"name": "hoot"}], "audio": {"output": {"speed": 1.2}}}
    voice = {"audio": {"output": {"voice": "Luna"}}}

    sent = follow(tmp_path, SERVICE, Choice("owl"), Choice("owl"), Choice("owl", voice="Luna"), Choice(voice="Luna"))

    assert sent[:2] == [owl, voice]
    assert sent[2:] == [
        {
            "model": SERVICE.model,
            "instructions": f"You are a cook. The bins go out on Monday.\n\n{CALLS}",
            "tools": [{"name": "hoot"}, {"name": "fly"}],
            "audio": {"output": {"speed": 1.0}},
        }
    ]


def test_openai_is_never_sent_a_voice_or_a_model_in_mid_session(tmp_path: Path) -> None:
    sent = follow(tmp_path, OPENAI, Choice(voice="cedar"), Choice("owl", voice="cedar"), Choice(voice="cedar"))

    assert [sorted(changes) for changes in sent] == [["audio", "instructions", "tools"]] * 2
    assert [changes["audio"] for changes in sent] == [{"output": {"speed": 1.2}}, {"output": {"speed": 1.0}}]


def test_a_new_session_knows_what_the_box_has_just_asked() -> None:
    asked = (Role.ASSISTANT, "Shall I close the garage?")
    configuration = SessionConfiguration(ServiceSettings, (), list, asked=lambda: [asked])

    assert asyncio.run(configuration.earlier()) == (asked,)


STEERED = structs.replace(SERVICE, steering="auto")


def test_the_voice_of_an_open_session_whispers_while_the_user_does() -> None:
    settings = SessionConfiguration(lambda: STEERED, (), no_tools)
    updates: list[dict[str, Any]] = []
    settings.follow(updates.append)
    settings.whisper(is_whispered=True)
    assert updates == [], "there is no session"
    before = settings.begin("")["instructions"]

    for is_whispered in (False, True, True, False):
        settings.whisper(is_whispered=is_whispered)

    assert [list(update) for update in updates] == [["instructions"]] * 2
    assert WHISPERED in updates[0]["instructions"]
    assert updates[1]["instructions"] == before


def test_a_new_session_begins_in_the_usual_voice() -> None:
    settings = SessionConfiguration(lambda: STEERED, (), no_tools)
    before = settings.begin("")
    settings.whisper(is_whispered=True)

    assert settings.begin("") == before


def test_a_voice_without_steering_tags_is_not_given_any() -> None:
    settings = SessionConfiguration(lambda: SERVICE, (), no_tools)
    updates: list[dict[str, Any]] = []
    settings.follow(updates.append)
    settings.begin("")
    settings.whisper(is_whispered=True)

    assert updates == []
