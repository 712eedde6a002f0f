"""An answer that continues without audio, from the socket to the conversation's deadlines."""

import asyncio
from dataclasses import dataclass, field

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import AnswerProgressed, ResponseStarted, WakeWordHeard
from edgevoice.engine import Engine
from tests.fakes import Fakes
from tests.realtime.services import Caller, Service, Talker
from tests.waiting import eventually

CREATED = {"type": "response.created", "response": {"id": "r1"}}
ARGUMENTS = {"type": "response.function_call_arguments.delta", "response_id": "r1", "call_id": "c1", "delta": "word "}
POLICY = Policy(answer_s=15, progress_s=10, session_s=600)


@dataclass
class Box:
    """A conversation behind a link, with its own clock."""

    now: float = 50.0
    conversation: Conversation = field(default_factory=lambda: Conversation(POLICY, chance=lambda: 0.0))

    def __post_init__(self) -> None:
        self.engine = Engine(self.conversation, Fakes().adapters(), clock=lambda: self.now)


def test_long_tool_arguments_keep_their_answer_alive() -> None:
    async def live() -> None:
        goes_on = asyncio.Event()

        async def long_winded(talker: Talker) -> None:
            await talker.accept()
            await talker.say(CREATED)
            await goes_on.wait()
            await talker.say(ARGUMENTS)
            await talker.listen_to_the_end()

        box = Box()
        box.engine.report(WakeWordHeard("word", 0.9, 0))
        async with (
            Service(long_winded).listening() as url,
            Caller(url, take=box.engine.take).running() as caller,
        ):
            caller.link.open()
            await eventually(lambda: ResponseStarted("r1") in caller.arrivals)
            assert box.conversation.phase is Phase.THINKING
            assert box.conversation.deadline == 60
            box.now = 59
            goes_on.set()
            await eventually(lambda: AnswerProgressed() in caller.arrivals)
            assert box.conversation.deadline == 69
        box.engine.stop()

    asyncio.run(live())


def test_a_thousand_deltas_do_not_cause_a_thousand_events() -> None:
    async def live() -> None:
        async def long_winded(talker: Talker) -> None:
            await talker.accept()
            await talker.say(CREATED, *[ARGUMENTS] * 1000, {**CREATED, "response": {"id": "r2"}})
            await talker.listen_to_the_end()

        async with Service(long_winded).listening() as url, Caller(url).running() as caller:
            began = asyncio.get_running_loop().time()
            caller.link.open()
            await eventually(lambda: ResponseStarted("r2") in caller.arrivals)
            seconds = asyncio.get_running_loop().time() - began
            assert 1 <= caller.arrivals.count(AnswerProgressed()) <= 1 + seconds

    asyncio.run(live())
