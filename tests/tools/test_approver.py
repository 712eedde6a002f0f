"""Calls that wait for the user's approval, in virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ApprovalSettled,
    Event,
    PlaybackDrained,
    PlaybackStarted,
    ToolCall,
    ToolFinished,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
)
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CreateResponse
from edgevoice.core.protocol.downlink import WRITTEN
from edgevoice.tools.approver import DECLINED, Approver
from edgevoice.tools.decorator import tool
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner
from edgevoice.tools.tool import ToolContext
from tests import virtual_time
from tests.waiting import eventually

HEARD = (CreateResponse(may_call_tools=False, asking="Ask."), PlaybackStarted(2), PlaybackDrained(2))


def turn(text: str) -> tuple[Notice, ...]:
    said = TranscriptChanged(Role.USER, "u2", text, is_final=True)
    return (UserStartedSpeaking(), TurnEnded(), said, TurnTranscribed("u2", has_words=True, is_final=True))


@dataclass
class House:
    """A runner with tools that need approval, and a user who says what a test says."""

    ran: list[str] = field(default_factory=list)
    reported: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        @tool(requires_approval=True)
        def unlock_door(door: str = "front") -> dict[str, str]:
            """Unlock a door."""
            self.ran.append(door)
            return {"unlocked": door}

        @tool(requires_approval=True, timeout_s=5)
        async def wait_long(context: ToolContext) -> None:
            """Wait for ever."""
            await context.until_cancelled()

        @tool(requires_approval=True)
        def set_channels(channels: dict[int, str]) -> None:
            """Set the channels of the television."""
            self.ran.append(str(channels))

        clock = asyncio.get_running_loop().time
        self.approver = Approver("en", self.reported.append, clock)
        registry = Registry([FunctionSource([unlock_door, wait_long, set_channels])])
        self.runner = ToolRunner(registry, self.reported.append, ToolLimits(), self.approver)

    def say(self, *notices: Notice) -> None:
        for notice in notices:
            self.approver.observe(notice, asyncio.get_running_loop().time())

    async def call(self, call_id: str, arguments: str = "", name: str = "unlock_door") -> ToolFinished:
        self.runner.run(ToolCall(call_id, name, arguments))
        await eventually(lambda: any(isinstance(each, ToolFinished) for each in self.taken(call_id)))
        return next(each for each in self.taken(call_id) if isinstance(each, ToolFinished))

    async def settled(self, call_id: str) -> ApprovalSettled:
        await eventually(lambda: any(isinstance(each, ApprovalSettled) for each in self.taken(call_id)), 20)
        return next(each for each in self.taken(call_id) if isinstance(each, ApprovalSettled))

    def taken(self, call_id: str) -> list[Event]:
        return [each for each in self.reported if getattr(each, "call_id", "") == call_id]


def in_house(test: Callable[[House], Awaitable[Any]]) -> None:
    async def run() -> None:
        await test(House())

    virtual_time.run(run())


def test_the_call_is_answered_at_once_and_the_question_is_ours() -> None:
    async def test(house: House) -> None:
        finished = await house.call("c1", '{"door": "back \\"A\\""}')

        assert json.loads(finished.output)["status"] == "not done yet"
        assert finished.asking.startswith("Say exactly: \"Shall I unlock door: door back 'A'?\"")
        assert house.ran == []

    in_house(test)


def test_after_a_yes_the_tool_runs_with_the_arguments_that_were_asked_about() -> None:
    async def test(house: House) -> None:
        await house.call("c1", '{"door": "back"}')
        house.say(*HEARD, *turn("Yes."))

        assert await house.settled("c1") == ApprovalSettled(
            "c1",
            "unlock_door",
            '{"unlocked":"back"}',
            'The user agreed. unlock_door has run and returned: {"unlocked":"back"}',
            is_spoken=True,
        )
        assert house.ran == ["back"]

    in_house(test)


def test_after_a_no_it_does_not_run_and_the_model_learns_it() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        house.say(*HEARD, *turn("No."))

        note = "The user did not agree. unlock_door has not run: " + DECLINED
        assert await house.settled("c1") == ApprovalSettled("c1", "unlock_door", DECLINED, note, is_spoken=False)
        assert house.ran == []

    in_house(test)


def test_a_user_who_may_believe_that_they_agreed_hears_that_they_did_not() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        house.say(*HEARD, *turn("Well, I suppose one could."))

        settled = await house.settled("c1")
        assert (settled.output, settled.is_spoken) == (DECLINED, True)

    in_house(test)


def test_silence_declines_after_15_seconds() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        began = asyncio.get_running_loop().time()
        house.say(*HEARD)

        assert (await house.settled("c1")).output == DECLINED
        assert 15 <= asyncio.get_running_loop().time() - began < 15.1
        house.say(*turn("Yes."))
        assert house.ran == []

    in_house(test)


def test_a_second_call_as_the_user_replies_gets_what_the_first_returns_and_it_runs_once() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        house.say(*HEARD, UserStartedSpeaking(), TurnEnded())
        house.runner.run(ToolCall("c2", "unlock_door", "{}"))
        await asyncio.sleep(0.1)
        assert house.taken("c2") == []
        house.say(*turn("Yes.")[2:])
        settled = await house.settled("c1")
        later = await house.call("c3")

        assert house.taken("c2") == [ToolFinished("c2", '{"unlocked":"front"}')]
        assert (settled.note, settled.is_spoken) == ("", False), "the model has it from the second call"
        assert later.output == '{"unlocked":"front"}'
        assert house.ran == ["front"]

    in_house(test)


def test_a_question_is_heard_to_its_end_or_the_tool_is_refused() -> None:
    async def test(house: House) -> None:
        rest = "door " * 100 + "and all windows"
        whole = await house.call("c1", json.dumps({"door": rest}))
        house.say(PhaseEntered(Phase.IDLE))
        too_long = await house.call("c2", json.dumps({"door": rest * 2}))

        assert f'{rest}?"' in whole.asking
        assert too_long.asking == ""
        assert json.loads(too_long.output)["error"].endswith("it may have 600: call it with less text")
        house.say(*HEARD, *turn("Yes."))
        assert (await house.call("c3")).asking, "no question is open"
        assert house.ran == []

    in_house(test)


def test_a_model_cannot_approve_its_own_call_by_making_it_again() -> None:
    async def test(house: House) -> None:
        first = await house.call("c1")
        house.say(*HEARD)
        again = await house.call("c2")

        assert again == ToolFinished("c2", first.output)
        assert house.ran == []

    in_house(test)


def test_a_yes_counts_for_one_turn() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        house.say(*HEARD, *turn("Yes."))
        await house.settled("c1")
        house.say(TranscriptChanged(Role.USER, f"{WRITTEN} 1", "And now?", is_final=True))

        assert (await house.call("c2")).asking
        assert house.ran == ["front"]

    in_house(test)


def test_other_arguments_need_another_approval() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        house.say(*HEARD, *turn("Yes."))
        await house.settled("c1")

        assert "door back" in (await house.call("c2", '{"door": "back"}')).asking
        assert house.ran == ["front"]

    in_house(test)


def test_an_argument_with_numbers_as_keys_can_be_asked_about() -> None:
    async def test(house: House) -> None:
        first = await house.call("c1", '{"channels": {"1": "news", "2": "sport"}}', "set_channels")
        house.say(*HEARD)
        again = await house.call("c2", '{"channels": {"2": "sport", "1": "news"}}', "set_channels")
        house.say(*turn("Yes."))
        await house.settled("c1")

        assert first.asking
        assert again == ToolFinished("c2", first.output)
        assert house.ran == ["{1: 'news', 2: 'sport'}"]

    in_house(test)


def test_while_one_question_is_open_another_is_declined() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        other = await house.call("c2", '{"door": "back"}')

        assert json.loads(other.output)["declined"] is True
        assert other.asking == ""

    in_house(test)


def test_the_end_of_the_conversation_declines_and_forgets() -> None:
    async def test(house: House) -> None:
        await house.call("c1")
        house.say(*HEARD, PhaseEntered(Phase.IDLE))
        assert (await house.settled("c1")).output == DECLINED

        assert (await house.call("c2")).asking

    in_house(test)


def test_an_approved_tool_has_its_limits_too() -> None:
    async def test(house: House) -> None:
        await house.call("c1", name="wait_long")
        house.say(*HEARD, *turn("Yes."))

        assert (await house.settled("c1")).output == '{"error":"wait_long did not answer within 5 seconds"}'

    in_house(test)


def test_arguments_that_cannot_be_used_are_refused_before_anybody_is_asked() -> None:
    async def test(house: House) -> None:
        finished = await house.call("c1", '{"door": 3}')

        assert finished == ToolFinished("c1", '{"error":"door is 3; it must be a text"}')

    in_house(test)


def test_nothing_is_reported_after_close() -> None:
    async def test(house: House) -> None:
        await house.call("c1", name="wait_long")
        house.say(*HEARD, *turn("Yes."))
        await asyncio.sleep(0.1)
        house.runner.close()
        house.say(*turn("Yes."))
        await asyncio.sleep(60)

        assert [type(each) for each in house.reported] == [ToolFinished]

    in_house(test)


def test_where_nobody_can_be_asked_the_tool_is_declined() -> None:
    async def test(house: House) -> None:
        house.runner = ToolRunner(house.runner._registry, house.reported.append, ToolLimits())

        assert await house.call("c1") == ToolFinished("c1", DECLINED)

    in_house(test)
