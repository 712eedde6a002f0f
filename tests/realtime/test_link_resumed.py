"""A session that continues a lost one, and what is sent to it first; against real WebSocket servers."""

import asyncio
import base64
from typing import Any

from edgevoice.core.facts import LinkOpened, ResponseStarted, TurnTranscribed
from edgevoice.core.protocol.downlink import AudioPiece
from tests.realtime.services import SPEECH_STARTED, Caller, Service, Talker, obliging
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


def test_a_new_session_receives_the_earlier_turns_before_any_audio() -> None:
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


def test_a_new_conversation_receives_nothing_of_the_last() -> None:
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


SECOND_OF_SOUND = base64.b64encode(bytes(48_000)).decode()


def sound(item_id: str) -> dict[str, Any]:
    return {"type": "response.output_audio.delta", "response_id": "r1", "item_id": item_id, "delta": SECOND_OF_SOUND}


def test_a_new_session_receives_what_was_heard_in_order_and_nothing_else() -> None:
    async def interrupted(talker: Talker) -> None:
        await talker.accept()
        await talker.say({"type": "input_audio_buffer.committed", "item_id": "u1"})
        await talker.say(sound("a1"), box_said("a1", "It is noon, and the sun is out."))
        await talker.say(sound("a2"), box_said("a2", "Shall I go on?"), user_said("u1", "What time is it?"))
        await talker.listen(2)
        talker.connection.transport.abort()

    service = Service(interrupted, obliging)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 9)
            caller.link.truncate("a1", 0, 500)
            caller.link.delete("a2")
            await caller.lost()
            caller.link.open(resumes=True)
            await eventually(lambda: len(service.talkers) == 2 and len(service.talkers[1].received) == 3)

    asyncio.run(live())

    assert service.talkers[0].types[1:] == ["conversation.item.truncate", "conversation.item.delete"]
    assert service.talkers[1].received[1:] == [
        said("user", "input_text", "What time is it?"),
        said("assistant", "output_text", "It is noon, and"),
    ]


def test_an_item_without_an_id_is_not_named_but_what_was_heard_of_it_is_known() -> None:
    async def nameless(talker: Talker) -> None:
        await talker.accept()
        await talker.say(
            {"type": "response.created", "response": {}},
            {"type": "response.output_audio.delta", "delta": SECOND_OF_SOUND},
            {"type": "response.output_audio_transcript.done", "transcript": "It is noon, and the sun is out."},
        )
        await talker.listen(1)
        talker.connection.transport.abort()

    service = Service(nameless, obliging)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 4)
            _, started, piece, _ = caller.arrivals
            assert isinstance(started, ResponseStarted)
            assert isinstance(piece, AudioPiece)
            caller.link.cancel(started.response_id)
            caller.link.delete(piece.item_id)
            caller.link.truncate(piece.item_id, 0, 500)
            caller.link.send_audio(bytes(960))
            await caller.lost()
            caller.link.open(resumes=True)
            await eventually(lambda: len(service.talkers) == 2 and len(service.talkers[1].received) == 2)

    asyncio.run(live())

    assert service.talkers[0].types[1:] == ["input_audio_buffer.append"]
    assert service.talkers[1].received[1:] == [said("assistant", "output_text", "It is noon, and")]


def test_what_was_heard_of_a_resumed_answer_is_added_after_it() -> None:
    async def resumed(talker: Talker) -> None:
        await talker.accept()
        await talker.say(sound("a1"), box_said("a1", "It is noon, and the sun is out."))
        await talker.say(sound("a2"), box_said("a2", "Shall I go on?"))
        await talker.listen(4)
        talker.connection.transport.abort()

    service = Service(resumed, obliging)

    async def live() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 6)
            caller.link.truncate("a1", 0, 500)
            caller.link.delete("a2")
            caller.link.extend("a1", 800)
            caller.link.extend("a2", None)
            caller.link.extend("a3", None)
            await caller.lost()
            caller.link.open(resumes=True)
            await eventually(lambda: len(service.talkers) == 2 and len(service.talkers[1].received) == 3)

    asyncio.run(live())

    assert service.talkers[0].received[3:] == [
        {**said("assistant", "output_text", "the sun"), "previous_item_id": "a1"},
        said("assistant", "output_text", "Shall I go on?"),
    ]
    assert service.talkers[1].received[1:] == [
        said("assistant", "output_text", "It is noon, and the sun"),
        said("assistant", "output_text", "Shall I go on?"),
    ]


def test_words_in_a_turn_are_reported_beside_it() -> None:
    async def transcribed(talker: Talker) -> None:
        await talker.accept()
        await talker.say(SPEECH_STARTED, user_said("u1", "[cough]"))
        await talker.listen_to_the_end()

    async def live() -> None:
        async with Service(transcribed).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: TurnTranscribed("u1", has_words=False, is_final=True) in caller.arrivals)

    asyncio.run(live())
