"""Changes that a client makes to the conversation while an answer is in progress."""

from typing import Any

import pytest

from edgevoice.local.scripted.script import AnswerStep, Call, Expect, Resume, TurnStep
from tests.local.client import Client
from tests.local.talking import DELTA, MESSAGE, SETUP, play, setup

CREATE, DELETE, RETRIEVE, TRUNCATE = (
    f"conversation.item.{what}" for what in ("create", "delete", "retrieve", "truncate")
)
ITEMS = frozenset({CREATE, DELETE, RETRIEVE, TRUNCATE, "response.cancel"})
NUMBERS = "One two three four five six seven eight nine ten."
# A call, then an answer that pauses after its first audio until the script continues.
CALLED = (
    SETUP,
    TurnStep("louder"),
    AnswerStep(calls=(Call("set_volume"),)),
    TurnStep("count"),
    AnswerStep(NUMBERS, until=DELTA),
)


async def called(client: Client) -> dict[str, Any]:
    """Proceed to where the answer pauses; return the output of the call, an item to send."""
    await setup(client)
    call = (await client.answered())["output"][0]
    await client.until(DELTA)
    return {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}


async def lives(client: Client) -> None:
    await client.send(CREATE, item={**MESSAGE, "id": "last"})
    await client.until("conversation.item.done")


USED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an id that is used": ({"id": "mine"}, {}, "item.id"),
    "an id that waits": ({"id": "waits"}, {}, "item.id"),
    "nothing to follow": ({}, {"previous_item_id": "nobody"}, "previous_item_id"),
}


@pytest.mark.parametrize(("fields", "where", "param"), USED.values(), ids=USED)
def test_an_output_without_a_valid_position_is_refused_during_an_answer(
    fields: dict[str, Any], where: dict[str, Any], param: str
) -> None:
    async def late(client: Client) -> None:
        output = await called(client)
        await client.send(CREATE, item={**MESSAGE, "id": "mine"})
        await client.send(CREATE, item={**output, "id": "waits"})
        error = await client.refused(CREATE, item={**output, **fields}, **where)
        assert error["param"] == param
        assert "response.done" not in client.forget().kinds()
        await client.send("response.cancel")
        await client.answered()
        assert (await client.until("conversation.item.added"))["item"]["id"] == "waits"
        await lives(client)
        assert "error" not in client.kinds()

    play(late, *CALLED, Expect("response.cancel"), Expect(CREATE), allow=ITEMS - {"response.cancel"})


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_waiting_output_whose_predecessor_is_deleted_is_refused_under_its_own_event_id(*, is_deleted: bool) -> None:
    async def late(client: Client) -> None:
        output = await called(client)
        await client.send(CREATE, item={**MESSAGE, "id": "mine"})
        await client.send(CREATE, item={**output, "id": "a"}, previous_item_id="mine", event_id="mine")
        await client.send(CREATE, item={**output, "id": "b"}, event_id="other")
        if is_deleted:
            await client.send(DELETE, item_id="mine")
        else:
            await client.send(CREATE, item={**MESSAGE, "id": "a"})
        await client.send("response.cancel")
        await client.answered()
        error = (await client.forget().until("error"))["error"]
        code, param = ("item_not_found", "previous_item_id") if is_deleted else ("item_already_exists", "item.id")
        assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
        assert (await client.until("conversation.item.added"))["item"]["id"] == "b", "the others have theirs"
        await lives(client)

    play(late, *CALLED, Expect("response.cancel"), Expect(CREATE), allow=ITEMS - {"response.cancel"})


def test_waiting_outputs_may_be_placed_after_one_another() -> None:
    async def late(client: Client) -> None:
        output = await called(client)
        await client.send(CREATE, item={**output, "id": "a"})
        await client.send(CREATE, item={**output, "id": "b"}, previous_item_id="a")
        await client.send("response.cancel")
        await client.answered()
        placed = [(await client.until("conversation.item.added")) for _ in range(2)]
        assert [event["item"]["id"] for event in placed] == ["a", "b"]
        assert placed[1]["previous_item_id"] == "a"

    play(late, *CALLED, Expect("response.cancel"), allow=ITEMS - {"response.cancel"})


def test_ids_occur_in_one_session_only_so_that_a_client_can_carry_items_over() -> None:
    sessions: list[set[str]] = []

    async def ask(client: Client) -> None:
        await setup(client)
        before = set().union(*sessions)
        for item_id in sorted(before):
            await client.send(CREATE, item={**MESSAGE, "id": item_id})
        turn = (await client.until("input_audio_buffer.speech_started"))["item_id"]
        assert (await client.refused(CREATE, item={**MESSAGE, "id": turn}))["code"] == "item_already_exists"
        answer = (await client.answered())["output"][0]["id"]
        assert not before & {turn, answer}
        sessions.append({turn, answer})

    for carried in (0, 2):
        play(
            ask,
            SETUP,
            *[Expect(CREATE)] * carried,
            TurnStep("hi", until="started"),
            Expect(CREATE),
            TurnStep("hi"),
            AnswerStep("Hello."),
        )


def test_an_answer_in_progress_can_be_truncated_to_what_was_sent() -> None:
    async def truncate(client: Client) -> None:
        await setup(client)
        deltas = [await client.until(DELTA) for _ in range(10)]
        item_id = deltas[0]["item_id"]
        where = {"item_id": item_id, "content_index": 0}
        error = await client.refused(TRUNCATE, **where, audio_end_ms=931)
        assert error["message"] == "Audio content of 930ms is already shorter than 931ms"
        await client.send(TRUNCATE, **where, audio_end_ms=930)
        await client.until("conversation.item.truncated", audio_end_ms=930)
        await client.send(TRUNCATE, **where, audio_end_ms=600)
        await client.until("conversation.item.truncated", audio_end_ms=600)
        error = await client.refused(TRUNCATE, **where, audio_end_ms=601)
        assert error["message"] == "Audio content of 600ms is already shorter than 601ms"
        await client.send("response.cancel")
        # 200 ms a word: words spoken after the cut are no longer part of the item.
        await client.answered()
        await client.send(RETRIEVE, item_id=item_id)
        kept = (await client.until("conversation.item.retrieved"))["item"]
        assert kept["content"][0]["transcript"] == " ".join(NUMBERS.split()[: 10 * 600 // 930])

    play(
        truncate,
        SETUP,
        TurnStep("count"),
        AnswerStep(NUMBERS, until=DELTA, times=10),
        Expect("response.cancel"),
        allow=ITEMS,
    )


def test_text_truncated_from_an_answer_in_progress_does_not_return_when_it_completes() -> None:
    async def truncate(client: Client) -> None:
        await setup(client)
        item_id = (await client.until("response.content_part.added"))["item_id"]
        await client.send(TRUNCATE, item_id=item_id, content_index=0, audio_end_ms=0)
        await client.until("conversation.item.truncated")
        content = (await client.answered())["output"][0]["content"]
        assert content == [{"type": "output_audio", "transcript": ""}]
        await client.send(TRUNCATE, item_id=item_id, content_index=0, audio_end_ms=0)
        await client.until("conversation.item.truncated")
        await client.refused(TRUNCATE, item_id=item_id, content_index=0, audio_end_ms=1)

    until = "response.content_part.added"
    play(
        truncate,
        *(SETUP, TurnStep("count"), AnswerStep(NUMBERS, until=until), Expect(TRUNCATE), Resume()),
        *[Expect(TRUNCATE)] * 2,
    )


def test_a_text_answer_cannot_be_truncated() -> None:
    async def truncate(client: Client) -> None:
        await setup(client, output_modalities=["text"])
        item_id = (await client.answered())["output"][0]["id"]
        error = await client.refused(TRUNCATE, item_id=item_id, content_index=0, audio_end_ms=0)
        assert error["message"] == "Only model output audio messages can be truncated"

    play(truncate, SETUP, TurnStep("count"), AnswerStep(NUMBERS), Expect(TRUNCATE))


@pytest.mark.parametrize("content_index", [7, 1, -1])
def test_a_content_part_that_does_not_exist_cannot_be_truncated(content_index: int) -> None:
    async def truncate(client: Client) -> None:
        await setup(client)
        item_id = (await client.answered())["output"][0]["id"]
        error = await client.refused(TRUNCATE, item_id=item_id, content_index=content_index, audio_end_ms=1)
        assert (error["code"], error["param"]) == ("invalid_value", "content_index")

    play(truncate, SETUP, TurnStep("count"), AnswerStep(NUMBERS), Expect(TRUNCATE))
