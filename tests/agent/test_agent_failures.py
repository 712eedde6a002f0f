"""What ends an agent's conversation is told to its program, with what to do; nothing is left running."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import pytest

from edgevoice.agent import events, voice
from edgevoice.agent.agent import Agent
from edgevoice.agent.events import AgentEvent
from edgevoice.agent.mailbox import Mailbox
from edgevoice.agent.sound import OpenSound, ProgramSound
from edgevoice.agent.soundcard import SoundCard
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.facts import Device, DeviceLost
from edgevoice.errors import AudioUnavailable, DeviceBusy, DeviceMissing, EdgevoiceError, StorageUnavailable
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Expect
from edgevoice.local.server import LocalService
from edgevoice.memory.memory import Memory
from tests.agent.conftest import played, watched
from tests.local.client import openai_address
from tests.local.talking import Hears, Tone, script_of
from tests.waiting import eventually

ABSENT = "hw:CARD=Absent"
ASKED = (Expect("conversation.item.create"), Expect("response.create"))


class LosableSound(ProgramSound):
    """The sound of a program, with devices that can be lost and a part that can fail."""

    def __init__(self) -> None:
        super().__init__(24_000, is_pulled=True)
        self.lose: Callable[[Device], None] = lambda _device: None
        self.breaks = asyncio.Event()
        self.fault: Exception = RuntimeError("broken")

    def open(
        self, mailbox: Mailbox, send: Callable[[bytes], None], lost: Callable[[AudioUnavailable], None]
    ) -> OpenSound:
        def lose(device: Device) -> None:
            lost(DeviceBusy(f"the {device} has stopped"))
            mailbox.report(DeviceLost(device))

        self.lose = lose
        opened = super().open(mailbox, send, lost)
        return OpenSound(opened.near_end, opened.far_end, self._run())

    async def _run(self) -> None:
        await self.breaks.wait()
        raise self.fault


def hold(program: Callable[[Agent], Awaitable[None]], sound: SoundCard | LosableSound) -> list[AgentEvent]:
    """Hold one conversation with a service that answers one question; return what the program saw."""
    seen: list[AgentEvent] = []

    async def scene() -> None:
        opponent = Opponent(script=script_of(Expect("session.update"), *ASKED, AnswerStep("It is noon.")))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            address = RealtimeVoice(url=openai_address(service), api_key="any")
            agent = Agent(voice=address, sound=sound)
            async with asyncio.timeout(20):
                watching = asyncio.create_task(watched(agent, seen))
                await asyncio.sleep(0)
                async with agent:
                    await program(agent)
                await watching

    asyncio.run(scene())
    return seen


def told(seen: list[AgentEvent]) -> list[AgentEvent]:
    return [event for event in seen if isinstance(event, events.Error | events.Closed)]


async def refused(agent: Agent) -> EdgevoiceError:
    """Wait until the conversation is over; return why."""
    await eventually(lambda: agent.phase.value == "idle")
    with pytest.raises(EdgevoiceError) as caught:
        await agent.ask("What time is it?")
    return caught.value


def test_a_missing_sound_card_is_reported_with_what_to_do() -> None:
    async def program(agent: Agent) -> None:
        raise await refused(agent)

    # The card may be found missing before the session opens, or after: the program gets the same error.
    with pytest.raises(DeviceMissing, match="Absent") as caught:
        hold(program, SoundCard(microphone=ABSENT, speaker=ABSENT, echo="none"))

    assert "edgevoice devices" in caught.value.line()


@pytest.mark.parametrize("device", Device, ids=str)
def test_a_device_lost_while_listening_ends_the_conversation_with_its_error(device: Device) -> None:
    sound = LosableSound()
    causes: list[EdgevoiceError] = []

    async def program(agent: Agent) -> None:
        sound.lose(device)
        causes.append(await refused(agent))

    seen = hold(program, sound)

    (cause,) = causes
    assert isinstance(cause, DeviceBusy)
    assert told(seen) == [events.Error(cause.code, cause.line(), is_fatal=True), events.Closed(cause.code)]


def test_a_second_loss_after_the_end_is_not_reported() -> None:
    sound = LosableSound()
    causes: list[EdgevoiceError] = []

    async def program(agent: Agent) -> None:
        sound.lose(Device.MICROPHONE)
        sound.lose(Device.SPEAKER)
        causes.append(await refused(agent))

    seen = hold(program, sound)

    assert str(causes[0]) == "the microphone has stopped"
    assert [event.name for event in told(seen)] == ["error", "closed"]


def test_an_answer_is_heard_to_its_end_although_the_microphone_is_lost() -> None:
    sound = LosableSound()
    answers: list[str] = []

    async def program(agent: Agent) -> None:
        asking = asyncio.create_task(agent.ask("What time is it?"))
        await eventually(lambda: agent.phase.value == "speaking")
        sound.lose(Device.MICROPHONE)
        player = asyncio.create_task(played(agent))
        answers.append(await asking)
        assert isinstance(await refused(agent), DeviceBusy)
        player.cancel()

    seen = hold(program, sound)

    assert answers == ["It is noon."]
    assert told(seen)[-1] == events.Closed("audio-device-busy")


@pytest.mark.parametrize("fault", [AudioUnavailable("the sound system hangs"), RuntimeError("a secret")], ids=repr)
def test_a_part_that_fails_ends_the_conversation(fault: Exception) -> None:
    sound = LosableSound()
    sound.fault = fault
    causes: list[EdgevoiceError] = []
    handled: list[BaseException] = []

    async def program(agent: Agent) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, about: handled.append(about["exception"]))
        sound.breaks.set()
        causes.append(await refused(agent))

    seen = hold(program, sound)

    is_bug = not isinstance(fault, EdgevoiceError)
    assert handled == [fault] * is_bug
    assert causes[0].code == ("edgevoice" if is_bug else "audio-unavailable")
    assert "secret" not in causes[0].line()
    assert told(seen)[-1] == events.Closed(causes[0].code)


def test_the_service_inside_ends_if_the_memory_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[str] = []

    class Process:
        socket_path = tmp_path / "socket"

        async def __aenter__(self) -> Self:
            steps.append("began")
            return self

        async def __aexit__(self, *_error: object) -> None:
            steps.append("ended")

        async def ensure(self) -> None:
            steps.append("ready")

    async def enter(agent: Agent) -> None:
        async with agent:
            raise AssertionError("its memory is a file")

    monkeypatch.setattr(voice, "LocalServiceProcess", Process)
    (tmp_path / "file").touch()
    agent = Agent(voice=RealtimeVoice(url="local"), memory=Memory(tmp_path / "file"))

    with pytest.raises(StorageUnavailable):
        asyncio.run(enter(agent))

    assert steps == ["began", "ready", "ended"]
