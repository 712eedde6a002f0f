"""Questions in writing each get their own answer, whatever happens meanwhile; the service's side is a script."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from edgevoice.agent import events
from edgevoice.agent.agent import Agent
from edgevoice.agent.events import AgentEvent
from edgevoice.agent.mailbox import Mailbox
from edgevoice.agent.questions import MOST_TIMES
from edgevoice.agent.sound import OpenSound, ProgramSound, ProgramSpeaker
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackCut, PlaybackDrained
from edgevoice.core.notices import Role
from edgevoice.errors import AnswerFailed, AudioUnavailable, ConversationOver, ServiceBusy, SessionEnded
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import (
    AnswerStep,
    Call,
    Drop,
    End,
    Expect,
    Refuse,
    Resume,
    Script,
    ScriptedSession,
    Send,
    Step,
)
from edgevoice.local.server import LocalService
from tests.agent.conftest import played
from tests.local.client import openai_address
from tests.local.talking import Hears, Tone
from tests.waiting import eventually

SETUP = Expect("session.update")
MESSAGE = Expect("conversation.item.create")
ASKED = (MESSAGE, Expect("response.create"))
UNANSWERED = (MESSAGE, Expect("response.create", then="ignore"))
BUSY = Refuse("conversation_already_has_active_response")
WORDS = {"type": "response.output_audio_transcript.delta", "response_id": "other", "item_id": "o"}
OTHER = (
    Send({"type": "response.created", "response": {"id": "other", "status": "in_progress"}}),
    Send({**WORDS, "delta": "Other words."}),
)
CALLED_OFF = (
    Expect("response.cancel", then="ignore"),
    Send({"type": "response.done", "response": {"id": "other", "status": "cancelled", "output": []}}),
)
REFUSED = (Expect("response.create", refuse=BUSY), *OTHER, *CALLED_OFF)
CUT_SHORT = (AnswerStep("A long answer.", until="response.created"), Expect("response.cancel"))


def get_time() -> str:
    """Say what time it is."""
    return "noon"


def hold(
    program: Callable[[Agent], Awaitable[object]],
    *sessions: tuple[Step, ...],
    is_played: bool = True,
    sound: ProgramSound | None = None,
) -> list[AgentEvent]:
    """Hold a conversation in which each session must go as its steps say; return what the program saw."""
    seen: list[AgentEvent] = []

    async def scene() -> None:
        opponent = Opponent(script=Script(tuple(ScriptedSession((SETUP, *steps)) for steps in sessions)))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            voice = RealtimeVoice(url=openai_address(service), api_key="any")
            agent = Agent(voice=voice, tools=[get_time], playback="pull" if is_played else "push", sound=sound)
            for name in events.NAMES:
                agent.on(name, seen.append)
            async with asyncio.timeout(20), agent:
                player = asyncio.create_task(played(agent) if is_played and sound is None else asyncio.sleep(0))
                await program(agent)
                player.cancel()
            async with asyncio.timeout(5):
                await opponent.over()

    asyncio.run(scene())
    return seen


def test_of_two_questions_at_once_the_second_is_answered_and_the_first_interrupted() -> None:
    answers: list[str] = []

    async def program(agent: Agent) -> None:
        answers.extend(await asyncio.gather(agent.ask("One?"), agent.ask("Two?"), agent.ask("Three?")))

    hold(program, (*ASKED, *CUT_SHORT, *ASKED, *CUT_SHORT, *ASKED, AnswerStep("Three.")))

    assert answers == ["", "", "Three."]


def test_a_question_that_nobody_waits_for_any_more_does_not_answer_the_next() -> None:
    async def program(agent: Agent) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await agent.ask("One?")
        assert await agent.ask("Two?") == "Two."

    hold(program, (*ASKED, *CUT_SHORT, *ASKED, AnswerStep("Two.")))


def test_a_question_is_asked_again_if_the_session_is_lost_before_the_answer() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "One."
        assert await agent.ask("Two?") == "Two."

    lost = (*ASKED, AnswerStep("One."), *UNANSWERED, Drop("reset"))
    seen = hold(program, lost, (MESSAGE, MESSAGE, *ASKED, AnswerStep("Two.")))

    asked = [event.text for event in seen if isinstance(event, events.Writing) and event.role is Role.USER]
    assert asked == ["One?", "Two?"]


@pytest.mark.parametrize(
    "begun",
    [
        (AnswerStep("Half of it is", until="response.output_audio.delta"), Drop("reset")),
        (AnswerStep(calls=(Call("get_time"),)), *UNANSWERED, Drop("reset")),
    ],
    ids=["in mid-answer", "after a tool"],
)
def test_an_answer_that_breaks_off_with_its_session_raises_why_and_the_conversation_goes_on(
    begun: tuple[Step, ...],
) -> None:
    async def program(agent: Agent) -> None:
        with pytest.raises(SessionEnded):
            await agent.ask("One?")
        assert await agent.ask("Two?") == "Two."

    hold(program, (*ASKED, *begun), (*ASKED, AnswerStep("Two.")))


def test_a_question_is_asked_in_another_session_if_the_service_fails_in_this_one() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "One."

    failed = Send({"type": "error", "error": {"type": "server_error", "message": "The server had an error"}})
    hold(program, (*UNANSWERED, failed, failed, Expect("close")), (*ASKED, AnswerStep("One.")))


def test_a_session_lost_while_its_answer_is_played_is_dialled_again() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "One."
        await eventually(lambda: agent.phase is Phase.LISTENING)
        assert await agent.ask("Two?") == "Two."

    lost = (*ASKED, AnswerStep("One."), Drop("end"))
    seen = hold(program, lost, (MESSAGE, MESSAGE, *ASKED, AnswerStep("Two.")), is_played=False)

    assert [event for event in seen if isinstance(event, events.Closed)] == [events.Closed("")]


def test_an_answer_that_the_service_cannot_finish_raises() -> None:
    async def program(agent: Agent) -> None:
        with pytest.raises(AnswerFailed):
            await agent.ask("One?")
        assert await agent.ask("Two?") == "Two."

    begun = (AnswerStep("Half of it is", until="response.output_audio.delta"), End("failed"))
    hold(program, (*ASKED, *begun, *ASKED, AnswerStep("Two.")))


def test_a_question_refused_for_another_answer_is_asked_again_once_that_has_ended() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "One."

    begun_before = (*OTHER, Expect("response.create", refuse=BUSY), *CALLED_OFF)
    seen = hold(program, (MESSAGE, *begun_before, *REFUSED, Expect("response.create"), AnswerStep("One.")))

    asked = [event.text for event in seen if isinstance(event, events.Writing) and event.role is Role.USER]
    assert asked == ["One?"]


def test_what_the_voice_is_to_say_is_said_once_another_answer_has_ended() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.say("One.") == "One."

    hold(program, (*REFUSED, Expect("response.create"), AnswerStep("One.")))


WHOLE_OTHER = (
    *OTHER,
    Send({"type": "response.output_audio.delta", "response_id": "other", "item_id": "o", "delta": "AAAA" * 2400}),
    Send({"type": "response.done", "response": {"id": "other", "status": "completed", "output": []}}),
)
"""An answer to something else that begins and ends before the service reads a request."""


def test_an_answer_that_is_over_before_the_service_reads_the_question_is_not_its_answer() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "One."
        assert await agent.ask("Two?") == "Two."

    asked = (MESSAGE, *WHOLE_OTHER, Expect("response.create"))
    answered = (AnswerStep("Two.", until="response.created"), Expect("response.cancel", then="ignore"), Resume())
    seen = hold(program, (*ASKED, AnswerStep("One."), *asked, *answered))

    ended = [event for event in seen if isinstance(event, events.TurnDone)]
    assert [event.status for event in ended] == ["completed", "completed"]
    assert "other" not in {event.response_id for event in ended}


def test_a_service_that_does_not_repeat_names_answers_with_whatever_begins() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "Other words."

    hold(program, (MESSAGE, Expect("response.create", then="ignore"), *WHOLE_OTHER))


def test_a_service_that_goes_on_with_other_answers_is_busy() -> None:
    async def program(agent: Agent) -> None:
        with pytest.raises(ServiceBusy, match="another answer"):
            await agent.ask("One?")

    hold(program, (MESSAGE, *REFUSED * (MOST_TIMES - 1), Expect("response.create", refuse=BUSY)))


def test_a_refusal_for_the_outputs_of_a_tool_does_not_ask_the_question_again() -> None:
    async def program(agent: Agent) -> None:
        assert await agent.ask("One?") == "Other words."

    # The service has answered the outputs unprompted.
    sound = Send({"type": "response.output_audio.delta", "response_id": "other", "item_id": "o", "delta": "AAAA"})
    ended = Send({"type": "response.done", "response": {"id": "other", "status": "completed", "output": []}})
    unprompted = (MESSAGE, Expect("response.create", refuse=BUSY), *OTHER, sound, ended)
    hold(program, (*ASKED, AnswerStep(calls=(Call("get_time"),)), *unprompted))


def test_leaving_in_mid_answer_reports_how_much_was_heard_before_the_end() -> None:
    async def program(agent: Agent) -> None:
        received = asyncio.Event()
        agent.on("usage", lambda _event: received.set())
        asking.append(asyncio.create_task(agent.ask("One?")))
        await received.wait()

    asking: list[asyncio.Task[str]] = []
    seen = hold(program, (*ASKED, AnswerStep("A long answer."), Expect("close")), is_played=False)

    assert [event.name for event in seen][-3:] == ["interrupted", "turn_done", "closed"]


def test_a_question_asked_after_the_end_raises() -> None:
    async def program(agent: Agent) -> None:
        asking = asyncio.create_task(agent.ask("One?"))
        await eventually(lambda: agent.phase is Phase.THINKING)
        await agent.__aexit__(None, None, None)
        with pytest.raises(ConversationOver):
            await asking

    hold(program, (*UNANSWERED, Expect("close")))


class LateSound(ProgramSound):
    """A sound card reports from its own thread how much was heard, some time after the cut."""

    def __init__(self) -> None:
        super().__init__(24_000, is_pulled=True)

    def open(
        self, mailbox: Mailbox, send: Callable[[bytes], None], lost: Callable[[AudioUnavailable], None]
    ) -> OpenSound:
        opened = super().open(mailbox, send, lost)
        assert isinstance(opened.far_end, ProgramSpeaker)
        loop = asyncio.get_running_loop()

        def cut_off(fact: PlaybackCut | PlaybackDrained) -> None:
            loop.call_later(0.05, mailbox.report, fact)

        opened.far_end._cut_off = cut_off
        return opened


def test_the_end_of_an_answer_that_is_reported_late_is_not_that_of_the_next() -> None:
    async def program(agent: Agent) -> None:
        received = asyncio.Event()
        agent.on("usage", lambda _event: received.set())
        first = asyncio.create_task(agent.ask("One?"))
        await received.wait()
        agent.read(240)
        second = asyncio.create_task(agent.ask("Two?"))
        await first
        player = asyncio.create_task(played(agent))
        assert await second == "Two."
        player.cancel()

    corrected = Expect("conversation.item.truncate")
    hold(program, (*ASKED, AnswerStep("One."), corrected, *ASKED, AnswerStep("Two.")), sound=LateSound())


def test_leaving_does_not_wait_for_a_sound_card_that_reports_nothing() -> None:
    async def program(agent: Agent) -> None:
        received = asyncio.Event()
        agent.on("usage", lambda _event: received.set())
        asking.append(asyncio.create_task(agent.ask("One?")))
        await received.wait()

    asking: list[asyncio.Task[str]] = []
    seen = hold(program, (*ASKED, AnswerStep("One."), Expect("close")), sound=LateSound())

    assert [event.name for event in seen][-2:] == ["turn_done", "closed"]


def test_a_speed_that_is_changed_in_mid_answer_is_sent_once_that_is_over() -> None:
    async def program(agent: Agent) -> None:
        agent.on("usage", lambda _event: sent.set())
        agent.on("speaking", lambda _piece: agent.update(speed=0.8, instructions="Slowly."))
        assert await agent.ask("One?") == "One."
        await sent.wait()

    sent = asyncio.Event()
    slower = Expect("session.update", {"session": {"audio": {"output": {"speed": 0.8}}}})
    role = Expect("session.update", {"session": {"instructions": "*"}})
    hold(program, (*ASKED, AnswerStep("One.", until="response.output_audio.delta"), role, Resume(), slower))
