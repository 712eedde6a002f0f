"""A tool that requires approval, from the call to the report, with the local service on the other side."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from edgevoice.agent import events
from edgevoice.agent.agent import Agent
from edgevoice.agent.events import AgentEvent
from edgevoice.core.notices import Role
from edgevoice.local.speech.voice import HibariVoice
from edgevoice.tools.decorator import tool
from tests.agent.conftest import watched
from tests.local.client import question
from tests.waiting import eventually

Converse = Callable[..., None]
QUESTION = "Shall I set volume: percent 30?"


def results(seen: list[AgentEvent]) -> list[tuple[str, str]]:
    return [(event.tool, event.output) for event in seen if isinstance(event, events.ToolCallResult)]


def held(converse: Converse, program: Callable[[Agent], Awaitable[None]]) -> tuple[list[int], list[AgentEvent]]:
    """Hold a conversation in which the volume may be set only with approval; return what was set, and all events."""
    ran: list[int] = []
    seen: list[AgentEvent] = []

    @tool(requires_approval=True)
    def set_volume(percent: int) -> dict[str, int]:
        """Set the volume to a percentage."""
        ran.append(percent)
        return {"volume_percent": percent}

    async def watching(agent: Agent) -> None:
        watcher = asyncio.create_task(watched(agent, seen))
        await asyncio.sleep(0)
        assert await agent.ask("Set the volume to thirty percent.") == QUESTION
        assert ran == []
        await program(agent)
        watcher.cancel()

    converse(watching, tools=[set_volume])
    return ran, seen


def test_a_tool_runs_once_the_user_has_said_yes_and_its_result_is_reported(converse: Converse) -> None:
    async def program(agent: Agent) -> None:
        await agent.ask("Yes, please.")

    ran, seen = held(converse, program)

    assert ran == [30]
    assert results(seen) == [("set_volume", '{"volume_percent":30}')]


@pytest.mark.parametrize("reply", ["No.", "What time is it?", "Set the volume to thirty percent."])
def test_a_tool_never_runs_on_anything_else(converse: Converse, reply: str) -> None:
    async def program(agent: Agent) -> None:
        await agent.ask(reply)

    ran, seen = held(converse, program)

    assert ran == []
    assert results(seen)[0] == ("set_volume", '{"declined":true}')


def test_another_question_instead_of_a_reply_is_answered_too(converse: Converse) -> None:
    answers: list[str] = []

    async def program(agent: Agent) -> None:
        agent.add_tools(get_current_time)
        answers.append(await agent.ask("What time is it?"))

        answers.append(await agent.ask("Set the volume to thirty percent."))
        answers.append(await agent.ask("No."))
        answers.append(await agent.ask("What time is it?"))

    _, seen = held(converse, program)

    assert answers == [
        "It is eight fifteen in the morning. Okay, then I leave it.",
        QUESTION,
        "Okay, then I leave it.",
        "It is eight fifteen in the morning.",
    ]
    assert not [event for event in seen if isinstance(event, events.Error)]


def get_current_time() -> str:
    """Say what time it is."""
    return "2026-11-29T08:15:00"


def test_the_users_spoken_yes_is_enough(converse: Converse, voice: HibariVoice) -> None:
    said: list[str] = []

    async def program(agent: Agent) -> None:
        seen: list[AgentEvent] = []
        watcher = asyncio.create_task(watched(agent, seen))
        await asyncio.sleep(0)
        agent.send(question(voice, "Yes."))
        await eventually(lambda: results(seen) != [])
        said.extend(each.text for each in seen if isinstance(each, events.Writing) and each.role is Role.USER)
        watcher.cancel()

    ran, _ = held(converse, program)

    assert said[-1].lower().startswith("yes")
    assert ran == [30]
