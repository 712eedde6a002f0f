"""A session that goes on where another was lost: what it is told first; against real WebSocket servers."""

import asyncio
from typing import Any

from edgevoice.core.facts import LinkOpened
from tests.realtime.services import Caller, Service, Talker, obliging
from tests.waiting import eventually


def user_said(item_id: str, text: str) -> dict[str, Any]:
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": item_id,
        "content_index": 0,
        "transcript": text,
    }


def box_said(item_id: str, text: str) -> dict[str, Any]:
    return {
        "type": "response.output_audio_transcript.done",
        "response_id": "r1",
        "item_id": item_id,
        "output_index": 0,
        "content_index": 0,
        "transcript": text,
    }


async def breaking(talker: Talker) -> None:
    """Talk of the time, hear another question, and break."""
    await talker.accept()
    await talker.say(user_said("u1", "What time is it?"), box_said("a1", "[cheerful] It is noon."))
    await talker.say(user_said("u2", "And in Oslo?"))
    talker.connection.transport.abort()


def said(role: str, kind: str, text: str) -> dict[str, Any]:
    item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    return {"type": "conversation.item.create", "item": item}


def test_it_is_told_what_was_said_and_answered_before_it_hears_anything() -> None:
    service = Service(breaking, obliging)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open("hey_jarvis")
            await caller.lost()
            caller.link.open("hey_jarvis", resumes=True)
            await eventually(lambda: caller.arrivals.count(LinkOpened()) == 2)
            caller.link.send_audio(bytes(960))
            await eventually(lambda: len(service.talkers[1].received) == 4)

    asyncio.run(live())

    configured, question, answer, sound = service.talkers[1].received
    assert configured["type"] == "session.update"
    assert question == said("user", "input_text", "What time is it?")
    assert answer == said("assistant", "output_text", "It is noon.")
    assert sound["type"] == "input_audio_buffer.append"


def test_a_new_conversation_is_told_nothing_of_the_last() -> None:
    service = Service(breaking, breaking, obliging)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()
            caller.arrivals.clear()
            caller.link.open()
            await caller.lost()
            caller.link.open(resumes=True)
            await eventually(lambda: len(service.talkers) == 3 and len(service.talkers[2].received) == 3)

    asyncio.run(live())

    assert service.talkers[1].types == ["session.update"]
    assert service.talkers[2].types == ["session.update", *["conversation.item.create"] * 2]
