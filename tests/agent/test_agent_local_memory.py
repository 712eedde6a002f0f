"""Without an account, too, the box remembers, recalls, searches and forgets: with the service inside this package."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from edgevoice.agent.agent import Agent
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.local.server import LocalService
from edgevoice.memory.memory import Memory
from tests.agent.conftest import played
from tests.local.talking import Hears, Tone


def answers(folder: Path, *questions: str) -> list[str]:
    """Hold one conversation with the local service's own brain; return its answers."""

    async def scene() -> list[str]:
        async with LocalService(voice=Tone(), recogniser=Hears(), pace=1000.0) as service:
            voice = RealtimeVoice(url=service.url, api_key="dGVzdA==", options={"dialect": "inworld"})
            agent = Agent(voice=voice, memory=Memory(folder), playback="pull")
            async with asyncio.timeout(20), agent:
                player = asyncio.create_task(played(agent))
                said = [await agent.ask(question) for question in questions]
                player.cancel()
                return said

    return asyncio.run(scene())


def dialogue(folder: Path, *exchanges: Sequence[str]) -> None:
    questions, expected = zip(*exchanges, strict=True)
    assert answers(folder, *questions) == [*expected]


def test_a_note_lasts_from_one_conversation_to_the_next_until_it_is_forgotten(tmp_path: Path) -> None:
    dialogue(
        tmp_path,
        ("What do you remember?", "I remember nothing yet."),
        ("Remember that the bins go out on Monday.", "Okay, I will remember that."),
        ("What did I ask you to remember?", "You asked me to remember that the bins go out on Monday."),
    )
    dialogue(
        tmp_path,
        ("What do you remember about the bins?", "You asked me to remember that the bins go out on Monday."),
        ("Remember to buy milk.", "Okay, I will remember that."),
        ("Forget the bins.", "Okay, that is forgotten."),
        ("What do you remember?", "You asked me to remember to buy milk."),
        ("Forget the garden.", "I remember nothing about garden."),
    )
    dialogue(tmp_path, ("What do you remember?", "You asked me to remember to buy milk."))


def test_what_was_said_is_found_in_a_later_conversation(tmp_path: Path) -> None:
    answers(tmp_path, "The kitchen is yellow now.")

    [found] = answers(tmp_path, "What did I say about the kitchen?")

    assert found.endswith("you said: The kitchen is yellow now.")


def test_everything_is_forgotten_after_one_question(tmp_path: Path) -> None:
    dialogue(
        tmp_path,
        ("Remember that it rains.", "Okay, I will remember that."),
        ("Forget everything.", "Shall I really forget everything?"),
        ("No.", "Okay."),
        ("What do you remember?", "You asked me to remember that it rains."),
        ("Forget everything.", "Shall I really forget everything?"),
        ("Yes, please.", "I have forgotten it all."),
        ("What do you remember?", "I remember nothing yet."),
    )
    dialogue(tmp_path, ("What do you remember?", "I remember nothing yet."))
