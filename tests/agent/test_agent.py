"""A program holds a conversation through the library's API, with the local service on the other side."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import soxr

from edgevoice.agent import events
from edgevoice.agent.agent import Agent
from edgevoice.agent.events import AgentEvent
from edgevoice.agent.soundcard import SoundCard
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Role
from edgevoice.errors import ConversationOver, PersonaInvalid, ServiceUnreachable, SettingsInvalid
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Expect
from edgevoice.local.server import LocalService
from edgevoice.local.speech.voice import HibariVoice
from edgevoice.mcp.server import McpServer
from edgevoice.personas.persona import Persona
from edgevoice.settings.instructions import CALLS
from tests.agent.conftest import played, watched
from tests.local.client import openai_address, question
from tests.local.talking import Hears, Tone, script_of
from tests.mcp.living import SMALL
from tests.waiting import eventually

Converse = Callable[..., None]


def get_current_time() -> str:
    """Say what time it is."""
    return "2026-11-29T08:15:00"


def spoken_s(seen: list[AgentEvent]) -> float:
    return sum(len(event.audio) for event in seen if isinstance(event, events.Speaking)) / 48_000


def names(seen: list[AgentEvent]) -> list[str]:
    """The names of events, with each run of equal names given once."""
    shown: list[str] = []
    for event in seen:
        if shown[-1:] != [event.name]:
            shown.append(event.name)
    return shown


def test_a_written_question_is_answered_by_voice_with_the_help_of_a_tool(converse: Converse) -> None:
    seen: list[AgentEvent] = []

    async def program(agent: Agent) -> None:
        watching = asyncio.create_task(watched(agent, seen))
        await asyncio.sleep(0)
        assert await agent.ask("What time is it?") == "It is eight fifteen in the morning."
        assert agent.phase is Phase.LISTENING
        watching.cancel()

    converse(program, tools=[get_current_time])

    assert [name for name in names(seen) if name not in {"usage", "writing", "speaking"}] == [
        "tool_call_start", "tool_call_result", "speaking_done", "turn_done",
    ]  # fmt: skip
    [result] = [event for event in seen if isinstance(event, events.ToolCallResult)]
    assert (result.tool, result.output) == ("get_current_time", '"2026-11-29T08:15:00"')
    asked, *written = [event for event in seen if isinstance(event, events.Writing)]
    assert (asked.role, asked.text, asked.response_id) == (Role.USER, "What time is it?", "")
    assert {event.role for event in written} == {Role.ASSISTANT}
    assert "".join(event.added or "" for event in written) == written[-1].text
    assert all(event.response_id for event in written)
    assert spoken_s(seen) > 0.5


def test_a_spoken_question_is_transcribed_and_answered(converse: Converse, voice: HibariVoice) -> None:
    seen: list[AgentEvent] = []

    async def program(agent: Agent) -> None:
        watching = asyncio.create_task(watched(agent, seen))
        await asyncio.sleep(0)
        pcm = question(voice, "What time is it?")
        for start in range(0, len(pcm), 4801):  # pieces that end in mid-sample
            agent.send(pcm[start : start + 4801])
        await eventually(lambda: "turn_done" in names(seen))
        watching.cancel()

    converse(program, tools=[get_current_time])

    said = [event for event in seen if isinstance(event, events.Writing) and event.role is Role.USER]
    assert said[-1].text.lower().startswith("what time is it")
    assert said[-1].response_id == ""
    assert names(seen).index("speech_started") < names(seen).index("speech_stopped") < names(seen).index("speaking")


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_a_program_may_send_audio_at_any_common_sample_rate(
    converse: Converse, voice: HibariVoice, rate_hz: int
) -> None:
    seen: list[AgentEvent] = []
    samples = np.frombuffer(question(voice, "What time is it?"), "<i2")
    pcm = soxr.resample(samples, 24_000, rate_hz).astype("<i2").tobytes()

    async def program(agent: Agent) -> None:
        watching = asyncio.create_task(watched(agent, seen))
        await asyncio.sleep(0)
        agent.send(pcm)
        await eventually(lambda: "turn_done" in names(seen))
        watching.cancel()

    converse(program, tools=[get_current_time], input_rate_hz=rate_hz)

    assert "tool_call_result" in names(seen)


def test_the_voice_says_the_given_text(converse: Converse) -> None:
    async def program(agent: Agent) -> None:
        assert await agent.say("The eggs are ready.") == "The eggs are ready."

    converse(program)


def test_an_interruption_reports_to_the_sample_what_the_program_has_read(converse: Converse) -> None:
    seen: list[AgentEvent] = []

    async def program(agent: Agent) -> None:
        watching = asyncio.create_task(watched(agent, seen))
        telling = asyncio.create_task(agent.ask("Tell me a story."))
        await eventually(lambda: spoken_s(seen) > 2)
        agent.read(24_000)  # one second of two
        agent.interrupt()
        await telling
        watching.cancel()

    converse(program, is_pulled=False)

    [cut] = [event for event in seen if isinstance(event, events.Interrupted)]
    # A second, and the 3 ms in which it fades.
    assert (cut.heard_ms, cut.is_exact) == (1003, True)
    assert names(seen)[-2:] == ["interrupted", "turn_done"]


def test_a_question_asked_during_an_answer_interrupts_it(converse: Converse) -> None:
    async def program(agent: Agent) -> None:
        story = asyncio.create_task(agent.ask("Tell me a story."))
        await eventually(lambda: agent.phase is Phase.SPEAKING)
        assert await agent.ask("What time is it?") == "It is eight fifteen in the morning."
        assert len((await story).split()) > 3

    converse(program, tools=[get_current_time])


def test_tools_added_during_a_conversation_are_called(converse: Converse) -> None:
    async def program(agent: Agent) -> None:
        before = await agent.ask("What time is it?")
        agent.add_tools(get_current_time)
        assert await agent.ask("What time is it?") == "It is eight fifteen in the morning." != before

    converse(program)


def test_a_server_that_hangs_holds_up_neither_the_session_nor_the_other_tools(converse: Converse) -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("What time is it?") == "It is eight fifteen in the morning."

    hanging = McpServer(command=sys.executable, args=("-I", str(SMALL), "sleeping"))
    converse(program, tools=[get_current_time], mcp_servers={"hanging": hanging}, mcp_wait_s=0.1)


def test_an_update_with_an_invalid_value_changes_nothing() -> None:
    agent = Agent(voice=RealtimeVoice(url="local", speed=1.25))

    with pytest.raises(SettingsInvalid, match="speed"):
        agent.update(speed=9.0, instructions="Be brief.")

    agent.update(voice="Dennis")


def test_callbacks_get_the_events_they_are_named_for_and_may_fail(
    converse: Converse, caplog: pytest.LogCaptureFixture
) -> None:
    spoken: list[str] = []
    finished = asyncio.Event()

    async def done(_event: events.TurnDone) -> None:
        finished.set()

    def broken(_event: events.Writing) -> None:
        raise ValueError("secret words")

    async def program(agent: Agent) -> None:
        agent.on("writing", broken)
        agent.on("writing", lambda event: spoken.append(event.text))
        agent.on("turn_done", done)
        await agent.ask("What time is it?")
        await finished.wait()

    converse(program, tools=[get_current_time])

    assert spoken[-1] == "It is eight fifteen in the morning."
    assert "callback-failed" in caplog.text
    assert "secret" not in caplog.text


def test_every_event_has_a_known_name() -> None:
    with pytest.raises(ValueError, match=r"no event named 'spaeking'; there are: speaking, "):
        Agent(voice=RealtimeVoice(url="local")).on("spaeking", print)


def test_a_conversation_ends_with_its_context(converse: Converse) -> None:
    seen: list[AgentEvent] = []
    kept: list[Agent] = []

    async def program(agent: Agent) -> None:
        kept.append(agent)
        asyncio.get_running_loop().create_task(watched(agent, seen))
        await asyncio.sleep(0)

    converse(program)

    assert seen == [events.Closed("")]
    assert kept[0].phase is Phase.IDLE
    with pytest.raises(ConversationOver, match="async with"):
        kept[0].send(b"")


def test_an_unreachable_service_is_reported_in_one_line() -> None:
    async def dial() -> None:
        voice = RealtimeVoice(url="ws://127.0.0.1:9/", api_key="x", options={"connect_s": 1})
        async with Agent(voice=voice):
            raise AssertionError("nobody answers there")

    with pytest.raises(ServiceUnreachable, match=r"127\.0\.0\.1:9"):
        asyncio.run(dial())


def test_without_a_key_and_an_address_the_built_in_service_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEVOICE_API_KEY", raising=False)
    monkeypatch.delenv("INWORLD_API_KEY", raising=False)

    async def converse() -> str:
        async with Agent(tools=[get_current_time], playback="pull") as agent:
            player = asyncio.create_task(played(agent))
            answer = await agent.ask("What time is it?")
            player.cancel()
            return answer

    assert asyncio.run(converse()) == "It is eight fifteen in the morning."


def test_pushed_sound_cannot_be_pulled() -> None:
    with pytest.raises(RuntimeError, match="pull"):
        Agent(voice=RealtimeVoice(url="local")).read(240)


def test_an_unknown_playback_mode_is_refused() -> None:
    with pytest.raises(ValueError, match='playback=\'pulled\': it must be "push" or "pull"'):
        Agent(playback="pulled")  # type: ignore[arg-type]  # what a program without a type checker may write


def test_an_answer_ends_even_when_its_audio_is_not_read() -> None:
    async def scene() -> str:
        asked = (Expect("conversation.item.create"), Expect("response.create"))
        opponent = Opponent(script=script_of(Expect("session.update"), *asked, AnswerStep("Yes.")))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            address = RealtimeVoice(url=openai_address(service), api_key="any")
            async with asyncio.timeout(20), Agent(voice=address) as agent:
                return await agent.ask("Is it noon?")

    assert asyncio.run(scene()) == "Yes."


def test_a_program_cannot_handle_audio_itself_while_a_sound_card_is_used() -> None:
    with pytest.raises(RuntimeError, match="sound card"):
        Agent(voice=RealtimeVoice(url="local"), sound=SoundCard()).read(240)


def test_the_library_loads_no_hardware() -> None:
    heavy = ("pyaudio", "gpiozero", "lgpio", "systemd", "onnxruntime", "openwakeword", "typer", "hibari_tts")
    listing = f"import sys, edgevoice; edgevoice.Agent; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_importing_the_package_loads_none_of_its_modules() -> None:
    listing = "import sys, edgevoice; print([name for name in sys.modules if name.startswith('edgevoice.')])"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_a_persona_changes_the_role_the_voice_and_the_tools_in_mid_conversation() -> None:
    owl = Persona(name="owl", instructions="Hoot.", voice="Luna", tools=())
    steps = (
        Expect("session.update", {"session": {"instructions": "Be brief.\n\n# Your role\nHoot.", "tools": []}}),
        Expect("session.update", {"session": {"audio": {"output": {"speed": 0.9}}}}),
        Expect("session.update", {"session": {"instructions": f"Be brief.\n\n{CALLS}"}}),
    )

    async def scene() -> None:
        opponent = Opponent(script=script_of(*steps))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            voice = RealtimeVoice(url=openai_address(service), api_key="any", voice="Sarah")
            agent = Agent(instructions="Be brief.", tools=[get_current_time], voice=voice, persona=owl)
            async with asyncio.timeout(20), agent:
                with pytest.raises(PersonaInvalid, match="there is no persona 'butler'") as refused:
                    agent.update(persona="butler")
                assert refused.value.remedy.startswith("Take one of pirate, storyteller, ")
                agent.update(persona="storyteller")
                agent.update(persona=Persona(name=""))
                await opponent.over()

    asyncio.run(scene())


def test_an_invalid_persona_is_refused_before_the_conversation_begins() -> None:
    with pytest.raises(PersonaInvalid, match=r'persona "My owl": speed is 9\.0; it must be between 0\.5 and 1\.5'):
        Agent(persona=Persona(name="My owl", speed=9.0))


def test_a_voice_that_openai_keeps_is_reported_in_one_line_and_the_rest_is_changed() -> None:
    steps = (
        Expect("session.update"), Expect("conversation.item.create"), Expect("response.create"), AnswerStep("Yes."),
        Expect("session.update", {"session": {"type": "realtime", "instructions": "Be a pirate."}}),
    )  # fmt: skip
    seen: list[AgentEvent] = []

    async def scene() -> None:
        opponent = Opponent(script=script_of(*steps))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            voice = RealtimeVoice(url=openai_address(service), api_key="any")
            async with asyncio.timeout(20), Agent(instructions="Be brief.", voice=voice) as agent:
                agent.on("error", seen.append)
                await agent.ask("Is it noon?")
                agent.update(voice="Luna", instructions="Be a pirate.")
                await opponent.over()

    asyncio.run(scene())

    line = "the service keeps the voice of this session; the new one comes with the next session"
    assert seen == [events.Error("voice-kept", line, is_fatal=False)]
