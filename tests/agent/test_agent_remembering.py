"""An agent with a memory knows in one conversation what was said in an earlier one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from edgevoice.agent.agent import Agent
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.notices import Role
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Call, ChangeStep, Expect
from edgevoice.local.server import LocalService
from edgevoice.memory.household import with_note
from edgevoice.memory.memory import Memory
from edgevoice.settings.instructions import CALLS
from tests.agent.conftest import played
from tests.local.client import openai_address
from tests.local.talking import Hears, Tone, script_of

ASKED = Expect("conversation.item.create", {"item": {"role": "user"}})


def hold(
    memory: Memory | None,
    program: Callable[[Agent], Awaitable[object]],
    *steps: Any,
    is_pulled: bool = True,
    dialect: str = "openai",
) -> None:
    """Hold one conversation with a service that follows these steps and is strict about everything else.

    Unless ``is_pulled``, the program itself must pull what is to be heard.
    """

    async def scene() -> None:
        opponent = Opponent(script=script_of(*steps))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            url = service.url if dialect == "inworld" else openai_address(service)
            voice = RealtimeVoice(url=url, api_key="dGVzdA==", options={"dialect": dialect})
            async with (
                asyncio.timeout(20),
                Agent(instructions="Be brief.", voice=voice, memory=memory, playback="pull") as agent,
            ):
                player = asyncio.create_task(played(agent) if is_pulled else asyncio.sleep(0))
                await program(agent)
                player.cancel()
            async with asyncio.timeout(10):
                await opponent.over()

    asyncio.run(scene())


def message(role: str, text: str) -> Expect:
    kind = "output_text" if role == "assistant" else "input_text"
    return Expect(
        "conversation.item.create",
        {"item": {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}},
    )


async def no_question(agent: Agent) -> None:
    """Say nothing."""


async def one_question(agent: Agent) -> None:
    await agent.ask("Where is the ladder?")


def test_the_next_session_gets_the_past_turns_and_the_remembered_notes(tmp_path: Path) -> None:
    remember = AnswerStep(calls=(Call("remember", '{"note": "The ladder is in the cellar"}'),))
    output = Expect("conversation.item.create", {"item": {"output": '{"ok":true}'}})
    hold(
        Memory(tmp_path),
        one_question,
        Expect("session.update", {"session": {"instructions": f"Be brief.\n\n{CALLS}"}}),
        ASKED,
        Expect("response.create"),
        remember,
        output,
        Expect("response.create"),
        AnswerStep("In the cellar."),
    )

    told = (
        "Be brief.\n\n# What you remember of this household\n"
        '{"notes":["The ladder is in the cellar"]}\n'
        f"Use it where it helps, and do not recite it. Change it with update_memory, remember and forget.\n\n{CALLS}"
    )
    hold(
        Memory(tmp_path),
        one_question,
        Expect("session.update", {"session": {"instructions": told}}),
        message("user", "Where is the ladder?"),
        message("assistant", "In the cellar."),
        ASKED,
        Expect("response.create"),
        AnswerStep("As before."),
    )


def test_a_forgotten_note_is_gone_from_the_record_the_history_and_the_request(tmp_path: Path) -> None:
    async def fill() -> None:
        async with Memory(tmp_path) as memory:
            await memory.change(lambda record: with_note(record, "The ladder is in the cellar"))
            await memory.add((Role.USER, "The ladder is in the cellar"))
            await memory.add((Role.ASSISTANT, "Good to know."))

    async def left() -> tuple[object, list[str]]:
        async with Memory(tmp_path) as memory:
            return await memory.household(), [turn.text for turn in await memory.history(1000)]

    asyncio.run(fill())
    hold(
        Memory(tmp_path),
        lambda agent: agent.ask("Forget the ladder."),
        Expect("session.update"),
        message("user", "The ladder is in the cellar"),
        message("assistant", "Good to know."),
        ASKED,
        Expect("response.create"),
        AnswerStep(calls=(Call("forget", '{"words": "ladder"}'),)),
        Expect("conversation.item.create"),
        Expect("response.create"),
        AnswerStep("I know nothing of a ladder in the cellar any more."),
    )

    assert asyncio.run(left()) == ({}, ["Good to know."])


def updated(memory: dict[str, Any]) -> tuple[ChangeStep, ...]:
    """From now on the service reports this memory with each ``session.updated``."""
    return (ChangeStep("session.updated", put={"session": {"providerData": {"memory": memory}}}),)


def given(memory: dict[str, Any]) -> Expect:
    return Expect("session.update", {"session": {"providerData": {"memory": memory, "auto_tool_response": False}}})


ANSWERED = (ASKED, Expect("response.create"), AnswerStep("In the cellar."))
FACTS = {"version": 2, "facts": ["The ladder is in the cellar"], "summary": ""}


def test_the_state_of_the_services_own_memory_returns_with_the_next_session(tmp_path: Path) -> None:
    async def changed_once(agent: Agent) -> None:
        agent.update(speed=1.1)
        await one_question(agent)

    hold(
        Memory(tmp_path),
        changed_once,
        *updated({"state": {**FACTS, "version": 1}}),
        given({"enabled": True}),
        *updated({"state": FACTS}),
        Expect("session.update", {"session": {"audio": {"output": {"speed": 1.1}}}}),
        *ANSWERED,
        dialect="inworld",
    )
    hold(
        Memory(tmp_path),
        lambda agent: agent.ask("Forget the ladder."),
        *updated({"state": {**FACTS, "version": 3}}),
        given({"enabled": True, "state": FACTS}),
        *[Expect("conversation.item.create")] * 2,
        ASKED,
        Expect("response.create"),
        AnswerStep(calls=(Call("forget", '{"words": "ladder"}'),)),
        Expect("conversation.item.create"),
        Expect("response.create"),
        AnswerStep("Forgotten."),
        dialect="inworld",
    )
    hold(
        Memory(tmp_path),
        no_question,
        given({"enabled": True}),
        message("assistant", "In the cellar."),
        dialect="inworld",
    )


def test_without_a_memory_the_services_own_is_neither_switched_on_nor_kept(tmp_path: Path) -> None:
    seen: list[object] = []

    async def look(agent: Agent) -> None:
        seen.append(agent._session()["providerData"])
        await one_question(agent)

    hold(None, look, *updated({"state": FACTS}), Expect("session.update"), *ANSWERED, dialect="inworld")

    assert seen == [{"auto_tool_response": False}]
    assert list(tmp_path.iterdir()) == []


def test_without_a_memory_nothing_is_written(tmp_path: Path) -> None:
    hold(None, one_question, Expect("session.update"), ASKED, Expect("response.create"), AnswerStep("In the cellar."))

    assert list(tmp_path.iterdir()) == []


def test_only_the_heard_part_of_a_cut_answer_is_kept(tmp_path: Path) -> None:
    async def interrupted(agent: Agent) -> None:
        asking = asyncio.create_task(agent.ask("Where is the ladder?"))
        heard = asyncio.Event()
        agent.on("speaking", lambda _event: heard.set())
        await heard.wait()
        while not any(agent.read(2400)):  # noqa: ASYNC110 - pulling is what lets it be heard
            await asyncio.sleep(0.001)
        agent.interrupt()
        await asking

    async def kept() -> list[str]:
        async with Memory(tmp_path) as memory:
            return [turn.text for turn in await memory.history(1000) if turn.role is Role.ASSISTANT]

    hold(
        Memory(tmp_path),
        interrupted,
        Expect("session.update"),
        ASKED,
        Expect("response.create"),
        AnswerStep("One two three four five six seven.", until="response.output_audio.delta", runs_on=True),
        Expect("response.cancel"),
        Expect("conversation.item.truncate", {"content_index": 0}),
        is_pulled=False,
    )

    words = "".join(asyncio.run(kept()))
    assert "One two three four five six seven.".startswith(words)
    assert "seven" not in words
