"""What speaks in a session, by speech and by command, and when a change takes effect."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
)
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.errors import StorageUnavailable, ToolRefused
from edgevoice.personas import state as states
from edgevoice.personas.persona import Persona
from edgevoice.personas.personas import NAME, Personas
from edgevoice.personas.speaking import SETTERS, SpeakingPersona
from edgevoice.personas.state import Choice, PersonaState
from edgevoice.personas.tools import PersonaTools
from edgevoice.settings.service import ServiceSettings
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.tool import ToolContext

SERVICE = ServiceSettings(instructions="Be kind.")
OPENAI = ServiceSettings(url="wss://api.openai.com/v1/realtime", voice="marin", instructions="Be kind.")
THINKING, LISTENING = PhaseEntered(Phase.THINKING), PhaseEntered(Phase.LISTENING)
ANNOUNCED: tuple[Notice, ...] = (
    ResponseStarted("r"),
    PlaybackStarted(1),
    PhaseEntered(Phase.SPEAKING),
    ResponseEnded("r", ResponseStatus.COMPLETED, has_audio=True),
)


class Table:
    """A session with personas, as a model and a person meet it; ``followed`` holds the speeds that were sent."""

    def __init__(self, folder: Path, words: dict[str, str]) -> None:
        self.personas = Personas(folder)
        self.speaking = SpeakingPersona(self.personas, words)
        self.followed: list[ServiceSettings] = []
        self.speaking.on_change(lambda: self.followed.append(self.speaking.settings()))

    async def session(self, word: str = "", service: ServiceSettings = SERVICE) -> None:
        await self.speaking.reread()
        self.speaking.begin(word, service)
        self.sees(LISTENING)

    def sees(self, *notices: Notice) -> None:
        for notice in notices:
            self.speaking.observe(notice, 0.0)

    async def calls(self, name: str, arguments: str = "{}") -> object:
        tool = Registry([FunctionSource(PersonaTools(self.speaking).functions())]).find(name)
        result = await tool.call(tool.check(arguments), ToolContext())
        msgspec.json.encode(result)
        return result

    @property
    def spoken(self) -> tuple[str, str, float]:
        settings = self.speaking.settings()
        return settings.instructions.partition("\n\n# Your role\n")[2][:14], settings.voice, settings.speed


Sit = Callable[[Callable[[Table], Awaitable[None]]], None]


@pytest.fixture
def sit(tmp_path: Path) -> Sit:
    def run(program: Callable[[Table], Awaitable[None]]) -> None:
        async def scene() -> None:
            async with AsyncExitStack() as opened:
                table = Table(tmp_path, {"computer": "pirate", "alexa": "default"})
                await table.speaking.open(opened)
                await program(table)

        asyncio.run(scene())

    return run


def test_without_a_choice_a_session_is_as_the_settings_say(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        assert table.speaking.settings() == SERVICE
        assert table.speaking.allows("anything")

    sit(scene)


def test_a_persona_that_speech_chooses_takes_effect_when_its_announcement_has_been_heard(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        table.sees(THINKING)
        told = await table.calls("set_persona", '{"name": "Pirate"}')
        assert isinstance(told, dict)
        assert told["persona"] == "pirate"
        assert told["takes_effect"].startswith("once your next answer has been heard")
        assert (await table.personas.shelf()).state.choices == {"": Choice("pirate")}
        table.sees(*ANNOUNCED)
        assert (table.spoken, table.followed) == (("", "Sarah", 1.0), [])
        table.sees(PlaybackDrained(1))
        assert table.spoken == ("You are an old", "Sarah", 1.0)
        assert table.followed == [table.speaking.settings()]

    sit(scene)


def test_an_interrupted_announcement_lets_it_take_effect_at_once(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        table.sees(THINKING)
        await table.calls("set_speed", '{"change": -0.15}')
        table.sees(*ANNOUNCED, PlaybackCut(()))
        assert table.spoken == ("", "Sarah", 0.85)
        assert len(table.followed) == 1

    sit(scene)


def test_a_tool_that_finishes_after_its_turn_was_interrupted_takes_effect_at_once(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        await table.calls("set_voice")
        assert table.spoken == ("", "Dennis", 1.0)
        assert len(table.followed) == 1

    sit(scene)


def test_a_session_that_begins_meanwhile_has_the_change_already(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        table.sees(THINKING)
        await table.calls("set_voice", '{"voice": "luna"}')
        table.sees(PhaseEntered(Phase.CONNECTING))
        await table.session()
        table.sees(*ANNOUNCED, PlaybackDrained(1))
        assert (table.spoken, table.followed) == (("", "Luna", 1.0), [])

    sit(scene)


def test_as_before_goes_back_step_by_step_and_reset_to_the_settings(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        await table.calls("set_persona", '{"name": "storyteller"}')
        await table.calls("set_speed", '{"speed": 0.7}')
        await table.calls("set_voice", '{"voice": "Clive"}')
        assert table.spoken == ("You are a warm", "Clive", 0.7)
        await table.calls("undo_persona")
        assert table.spoken == ("You are a warm", "Sarah", 0.7)
        await table.calls("undo_persona")
        assert table.spoken == ("You are a warm", "Sarah", 0.9)
        await table.calls("set_speed", '{"speed": 0.7}')
        await table.calls("reset_persona")
        assert table.spoken == ("", "Sarah", 1.0)
        await table.calls("undo_persona")
        assert table.spoken == ("You are a warm", "Sarah", 0.7)
        for _ in range(2):
            await table.calls("undo_persona")
        with pytest.raises(ToolRefused, match="nothing has been changed that could be undone"):
            await table.calls("undo_persona")

    sit(scene)


def test_a_wake_word_with_a_persona_has_a_place_of_its_own(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session("computer")
        assert table.spoken == ("You are an old", "Sarah", 1.0)
        await table.calls("set_speed", '{"change": 0.2}')
        await table.session("hey_jarvis")
        assert table.spoken == ("", "Sarah", 1.0)
        await table.calls("set_persona", '{"name": "brief"}')
        await table.session("alexa")
        assert table.spoken == ("", "Sarah", 1.0)
        await table.session("computer")
        assert table.spoken == ("You are an old", "Sarah", 1.2)
        await table.calls("reset_persona")
        assert table.spoken == ("You are an old", "Sarah", 1.0)
        await table.session()
        assert table.spoken == ("Answer in as f", "Sarah", 1.0)

    sit(scene)


def test_a_command_takes_effect_with_the_next_session(sit: Sit, tmp_path: Path) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        async with Personas(tmp_path) as command:
            await command.save_draft(Persona(name="owl", instructions="Hoot.", voice="Luna", tools=("set_timer",)))
            await command.activate("owl")
        assert table.spoken == ("", "Sarah", 1.0)
        await table.session()
        assert table.spoken == ("Hoot.", "Luna", 1.0)
        assert (table.speaking.allows("set_timer"), table.speaking.allows("set_volume")) == (True, False)
        assert await table.calls("set_persona") == {
            "persona": "owl",
            "personas": ("default", "pirate", "storyteller", "brief", "teacher", "owl"),
        }

    sit(scene)


def test_a_persona_that_is_gone_is_as_none(sit: Sit, tmp_path: Path) -> None:
    async def scene(table: Table) -> None:
        await table.personas.change(
            lambda shelf: PersonaState({"": Choice("owl")}, shelf.state.versions, shelf.state.past)
        )
        await table.session()
        assert table.spoken == ("", "Sarah", 1.0)

    sit(scene)


def test_openai_keeps_a_voice_that_has_spoken_and_the_model_is_told(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session(service=OPENAI)
        assert not table.speaking.can_change_voice
        told = await table.calls("set_voice")
        assert isinstance(told, dict)
        assert told["voice"] == "cedar"
        assert told["voice_takes_effect"] == (
            "with the next conversation: this service keeps the voice of one that has begun. Say so"
        )
        told = await table.calls("set_speed", '{"speed": 1.2}')
        assert isinstance(told, dict)
        assert "voice_takes_effect" not in told

    sit(scene)


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("set_persona", '{"name": "owl"}', "nothing has changed: there is no persona 'owl'; there are default, pirate"),
        ("set_voice", '{"voice": "Elvis"}', "there is no such voice; there are Sarah, Dennis, "),
        ("set_speed", "{}", "give either speed or change"),
        ("set_speed", '{"speed": 1, "change": 0.1}', "give either speed or change"),
        ("set_speed", '{"speed": 1.0}', "the speed is 1 already; it can be 0.5 to 1.5"),
        ("set_speed", '{"speed": 9}', "speed"),
    ],
)
def test_a_mistaken_call_is_answered_in_one_line_and_changes_nothing(
    sit: Sit, name: str, arguments: str, complaint: str
) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        with pytest.raises(ToolRefused) as refused:
            await table.calls(name, arguments)
        assert complaint in str(refused.value)
        assert "\n" not in str(refused.value)
        assert (await table.personas.shelf()).state == PersonaState()

    sit(scene)


def test_the_speed_ends_at_the_limits_of_the_service(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session()
        await table.calls("set_speed", '{"change": -1}')
        assert table.spoken[2] == 0.5
        with pytest.raises(ToolRefused, match=r"the speed is 0\.5 already"):
            await table.calls("set_speed", '{"change": -0.1}')

    sit(scene)


def test_a_full_disk_is_one_line_to_the_model_and_the_session_stays_as_it_is(
    sit: Sit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise StorageUnavailable("the disk is full")

    async def scene(table: Table) -> None:
        await table.session()
        await table.calls("set_persona", '{"name": "pirate"}')
        monkeypatch.setattr(table.personas, "change", fail)
        monkeypatch.setattr(table.personas, "shelf", fail)
        with pytest.raises(ToolRefused, match="nothing has changed: the disk is full"):
            await table.calls("set_persona", '{"name": "brief"}')
        await table.session()
        assert table.spoken[0] == "You are an old"

    sit(scene)

    assert [record.msg for record in caplog.records] == ["personas-unavailable"]


def test_a_damaged_file_and_an_unknown_persona_in_the_settings_are_one_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def start() -> None:
        async with AsyncExitStack() as opened:
            await SpeakingPersona(Personas(tmp_path), {"computer": "piratt"}).open(opened)

    (tmp_path / NAME).write_bytes(b"not a database" * 1000)
    asyncio.run(start())

    assert [record.msg for record in caplog.records] == ["personas-damaged", "persona-unknown"]
    problem = caplog.records[1].__dict__["fields"]["problem"]
    assert problem.startswith("wakeword.words.computer.persona: there is no persona 'piratt'; there are default, pir")


def test_every_persona_may_call_the_tools_by_which_it_is_left(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        names = {function.__name__ for function in PersonaTools(table.speaking).functions()}
        assert names == SETTERS
        await table.personas.save_draft(Persona(name="owl", tools=()))
        await table.personas.activate("owl")
        await table.session()
        assert all(table.speaking.allows(name) for name in names)
        assert not table.speaking.allows("set_timer")

    sit(scene)


def test_a_change_of_the_state_never_reaches_another_place(sit: Sit) -> None:
    async def scene(table: Table) -> None:
        await table.session("computer")
        await table.speaking.change(lambda shelf, place, before: states.speak_at(shelf.state, place, before, 0.6))
        assert (await table.personas.shelf()).state.choices == {"computer": Choice("pirate", speed=0.6)}

    sit(scene)
