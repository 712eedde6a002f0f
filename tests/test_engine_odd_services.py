"""Services that differ from OpenAI's in when they answer: link, engine and conversation as they are."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import Event, TalkPressed, ToolCall, ToolFinished
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.engine import Adapters, Engine
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from tests.fakes import Diary, FakeFarEnd, FakeNearEnd, FakePanel
from tests.realtime.services import SESSION, SPEECH_STARTED, Service, Talker
from tests.waiting import eventually

ACTIVE = {"type": "error", "error": {"code": "conversation_already_has_active_response", "message": "no"}}
COMMITTED = {"type": "input_audio_buffer.committed", "item_id": "u1"}
CALLS = ("c1", "c2")


def created(response_id: str) -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": response_id}}


def sound(response_id: str) -> dict[str, Any]:
    return {"type": "response.output_audio.delta", "response_id": response_id, "item_id": response_id, "delta": "AQA="}


def done(response_id: str, *call_ids: str, status: str = "completed") -> dict[str, Any]:
    output = [{"type": "function_call", "call_id": call_id, "name": "stop", "arguments": "{}"} for call_id in call_ids]
    return {"type": "response.done", "response": {"id": response_id, "status": status, "output": output}}


class Ear(FakeFarEnd):
    """A loudspeaker that plays nothing and records which item each piece of audio belongs to."""

    def __init__(self, diary: Diary) -> None:
        super().__init__(diary)
        self.heard: list[str] = []

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        self.heard.append(item_id)
        return 1 if len(self.heard) == 1 else None


class QuickTools:
    """Tools that answer one after the other, at once."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report = report

    def run(self, call: ToolCall) -> None:
        asyncio.get_running_loop().call_soon(self._report, ToolFinished(call.call_id, "{}"))

    def abandon(self, call_ids: Collection[str]) -> None:
        """Go on: nothing takes long here."""


async def converse(service: Service, policy: Policy, until: Callable[[Ear, Conversation], bool]) -> Ear:
    """Hold a conversation with a service until the condition is met; return what was heard."""
    diary = Diary()
    ear = Ear(diary)
    conversation = Conversation(policy, chance=lambda: 0.5)
    async with service.listening() as url:

        def take(arrivals: list[Arrival]) -> None:
            engine.take(arrivals)

        def report(fact: Event) -> None:
            engine.report(fact)

        link = Link(lambda: Endpoint(url, {}), lambda _word: SESSION, take, connect_s=5)
        tools = QuickTools(report)
        loop = asyncio.get_running_loop()
        engine = Engine(conversation, Adapters(link, FakeNearEnd(diary), ear, FakePanel(diary), tools), loop.time)
        engine.start()
        running = asyncio.create_task(link.run())
        try:
            engine.report(TalkPressed(0))
            await eventually(lambda: until(ear, conversation))
        finally:
            engine.stop()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return ear


def answers_tools_by_itself(calls: int) -> Callable[[Talker], Awaitable[None]]:
    """Return a service that answers each output by itself, and refuses to be asked while it does."""

    async def script(talker: Talker) -> None:
        await talker.accept()
        await talker.say(SPEECH_STARTED, COMMITTED, created("r0"), done("r0", *CALLS[:calls]))
        outputs = 0
        active = ""
        while True:
            await talker.listen(1)
            match talker.types[-1]:
                case "conversation.item.create":
                    outputs += 1
                    if active:
                        await talker.say(done(active, status="cancelled"))
                    active = f"r{outputs}"
                    await talker.say(created(active))
                    if outputs == calls:
                        await talker.say(sound(active), done(active))
                        active = ""
                        await talker.say(SPEECH_STARTED)
                case "response.create" if active:
                    await talker.say(ACTIVE)
                case "response.create":
                    await talker.say(created("asked"), sound("asked"), done("asked"))
                case _:
                    pass

    return script


def test_a_service_that_answers_a_tool_unasked_is_not_asked_and_heard_once() -> None:
    service = Service(answers_tools_by_itself(1))
    policy = Policy(hears_itself=False, may_answer_tools=True)

    ear = asyncio.run(converse(service, policy, lambda ear, talk: bool(ear.heard) and talk.phase is Phase.LISTENING))

    assert ear.heard == ["r1"]
    assert "response.create" not in service.talkers[0].types


def test_a_service_that_answers_each_of_two_tools_unasked_is_heard_once_with_both() -> None:
    service = Service(answers_tools_by_itself(2))
    policy = Policy(hears_itself=False, may_answer_tools=True)

    ear = asyncio.run(converse(service, policy, lambda ear, talk: bool(ear.heard) and talk.phase is Phase.LISTENING))

    assert ear.heard == ["r2"]
    assert "response.create" not in service.talkers[0].types


def test_a_request_that_crosses_an_unasked_answer_gives_no_second_answer() -> None:
    """Where nothing says that the service may answer by itself, it is asked at once, and refuses."""

    async def refusing(talker: Talker) -> None:
        await talker.accept()
        await talker.say(SPEECH_STARTED, COMMITTED, created("r0"), done("r0", "c1"))
        await talker.listen(1)
        await talker.say(created("r1"))
        await talker.listen(1)
        await talker.say(ACTIVE, sound("r1"), done("r1"), SPEECH_STARTED)
        await talker.listen_to_the_end()

    service = Service(refusing)

    ear = asyncio.run(
        converse(
            service, Policy(hears_itself=False), lambda ear, talk: bool(ear.heard) and talk.phase is Phase.LISTENING
        )
    )

    assert ear.heard == ["r1"]
    assert service.talkers[0].types.count("response.create") == 1


def test_an_answer_that_begins_while_the_user_seems_to_speak_is_heard() -> None:
    async def early(talker: Talker) -> None:
        await talker.accept()
        await talker.say(SPEECH_STARTED, created("r1"), sound("r1"))
        await talker.listen_to_the_end()

    service = Service(early)

    ear = asyncio.run(converse(service, Policy(hears_itself=False), lambda ear, _talk: bool(ear.heard)))

    assert ear.heard == ["r1"]
    assert "response.cancel" not in service.talkers[0].types


def test_an_answer_whose_beginning_is_missing_is_heard() -> None:
    async def abrupt(talker: Talker) -> None:
        await talker.accept()
        await talker.say(SPEECH_STARTED, COMMITTED, sound("r1"))
        await talker.listen_to_the_end()

    ear = asyncio.run(converse(Service(abrupt), Policy(hears_itself=False), lambda ear, _talk: bool(ear.heard)))

    assert ear.heard == ["r1"]
