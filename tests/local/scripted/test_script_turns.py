"""Scripted turns and answers: where they stop, where they wait, and which tools they call."""

import base64

import pytest

from edgevoice.local.scripted.script import (
    AnswerStep,
    Backchannel,
    Call,
    ChangeStep,
    Expect,
    Hear,
    Resume,
    Send,
    TurnStep,
)
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import Client, question
from tests.local.talking import DELTA, SETUP, Tone, play, setup


def test_a_scripted_turn_sends_every_event_of_a_spoken_one() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("response.done")

        assert client.kinds()[:9] == [
            "input_audio_buffer.speech_started",
            "conversation.item.input_audio_transcription.delta",
            "input_audio_buffer.turn_suggestion",
            "input_audio_buffer.turn_suggestion_revoked",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
        ]
        rolling = [event["delta"] for event in client.events if event["type"].endswith("transcription.delta")]
        assert rolling == ["set", "set a timer", "set a timer for one minute"]
        turn = {event["item_id"] for event in client.events if event["type"].startswith("input_audio_buffer.")}
        assert len(turn) == 1
        assert client.events[-1]["response"]["output"][0]["content"][0]["transcript"] == "Of course."

    play(
        listen,
        SETUP,
        TurnStep("set a timer for one minute", rolling=("set", "set a timer"), suggestion=0.8, is_revoked=True),
        AnswerStep("Of course."),
    )


def test_a_turn_may_pause_anywhere_and_resume_later() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("response.done")
        kinds = client.kinds()
        assert kinds.count("input_audio_buffer.speech_started") == 1
        marks = [place for place, kind in enumerate(kinds) if kind == "mark"]
        assert kinds[marks[0] - 1] == "input_audio_buffer.speech_started"
        assert kinds[marks[1] - 1] == "input_audio_buffer.turn_suggestion"
        assert kinds[marks[2] - 1] == "input_audio_buffer.speech_stopped"

    mark = Send({"type": "mark"})
    play(
        listen,
        SETUP,
        TurnStep("", until="started"),
        mark,
        TurnStep("", suggestion=0.5, until="suggestion"),
        mark,
        TurnStep("", until="stopped"),
        mark,
        TurnStep("thank you"),
        AnswerStep("Okay."),
    )


def test_an_answer_pauses_where_the_script_says_and_a_turn_cuts_it_there() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("input_audio_buffer.speech_started")
        await client.until("input_audio_buffer.speech_started")
        deltas = [event for event in client.events if event["type"] == DELTA]
        assert len(deltas) == 3
        done = await client.answered()
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        # A few were on their way.
        assert 1 <= sum(event["type"] == DELTA for event in client.events) - 3 <= 3
        await client.send("conversation.item.truncate", item_id=done["output"][0]["id"], audio_end_ms=100)
        await client.until("conversation.item.truncated")
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Okay."

    play(
        listen,
        SETUP,
        TurnStep("tell me a story"),
        AnswerStep("Once upon a time there was a king who had no ears.", until=DELTA, times=3),
        TurnStep("", until="started"),
        Expect("conversation.item.truncate", where={"item_id": "$item", "audio_end_ms": 100}),
        TurnStep("stop"),
        AnswerStep("Okay."),
    )


def test_a_paused_answer_continues_when_the_script_says_so() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        done = await client.answered()
        marks = [place for place, event in enumerate(client.events) if event["type"] == "mark"]
        before = [event["type"] for event in client.events[: marks[0]]]
        assert before.count("response.output_audio_transcript.delta") == 1
        assert before.count(DELTA) == 0
        assert client.events[marks[1] - 1]["type"] == DELTA
        assert done["status"] == "completed"

    mark = Send({"type": "mark"})
    play(
        listen,
        SETUP,
        TurnStep("hello"),
        AnswerStep("One two three four five six.", until="response.output_audio_transcript.delta"),
        mark,
        Resume(DELTA),
        mark,
    )


def test_the_script_does_not_wait_for_an_answer_in_the_background() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.answered()
        assert "mark" in client.kinds()

    play(
        listen,
        SETUP,
        TurnStep("hello"),
        AnswerStep("Hello.", until="response.created", runs_on=True),
        Send({"type": "mark"}),
    )


DEEP = '{"a":' * 5000 + "1" + "}" * 5000

TOOLS: dict[str, tuple[AnswerStep, list[tuple[str, str]]]] = {
    "one": (AnswerStep(calls=(Call("get_current_time"),)), [("get_current_time", "")]),
    "two": (AnswerStep(calls=(Call("a", '{"x":1}'), Call("b"))), [("a", '{"x":1}'), ("b", "")]),
    "with speech": (AnswerStep("Let me see.", calls=(Call("a"),)), [("a", "")]),
    "no JSON": (AnswerStep(calls=(Call("a", '{"seconds":'),)), [("a", '{"seconds":')]),
    "too deep": (AnswerStep(calls=(Call("a", DEEP),)), [("a", DEEP)]),
}


@pytest.mark.parametrize(("answer", "calls"), TOOLS.values(), ids=TOOLS)
def test_calls_are_sent_as_scripted_and_their_outputs_are_expected(
    answer: AnswerStep, calls: list[tuple[str, str]]
) -> None:
    async def listen(client: Client) -> None:
        await setup(client, providerData={"auto_tool_response": False})
        response = await client.answered()
        made = [item for item in response["output"] if item["type"] == "function_call"]
        assert [(item["name"], item["arguments"]) for item in made] == calls
        done = [event for event in client.events if event["type"] == "response.function_call_arguments.done"]
        assert ["name" in event for event in done] == [False] * len(calls)
        for item in made:
            output = {"type": "function_call_output", "call_id": item["call_id"], "output": "{}"}
            await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Done."

    output = {"item": {"type": "function_call_output", "call_id": "*"}}
    play(
        listen,
        SETUP,
        ChangeStep("response.function_call_arguments.done", without=("name",)),
        TurnStep("what time is it"),
        answer,
        *(Expect("conversation.item.create", where=output) for _ in calls),
        Expect("response.create"),
        AnswerStep("Done."),
    )


def test_the_service_answers_tool_outputs_unless_asked_not_to() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        call = (await client.answered())["output"][0]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=output)
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Done."

    expected = Expect("conversation.item.create", where={"item": {"call_id": "$call"}})
    play(listen, SETUP, TurnStep("volume up"), AnswerStep(calls=(Call("set_volume"),)), expected, AnswerStep("Done."))


def test_an_early_tool_output_is_held_until_the_answer_is_over() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        call = await client.until("response.output_item.added")
        output = {"type": "function_call_output", "call_id": call["item"]["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=output)
        await client.answered()
        await client.forget().answered()
        assert client.kinds()[:3] == ["conversation.item.added", "conversation.item.done", "response.created"]

    play(
        listen,
        SETUP,
        TurnStep("volume up"),
        AnswerStep(calls=(Call("a", '{"a":"a long argument of many letters"}'),), until="response.output_item.added"),
        Expect("conversation.item.create"),
        Resume(),
        AnswerStep("Done."),
    )


def test_the_arguments_of_a_cancelled_call_stay_incomplete() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        response_id = (await client.until("response.function_call_arguments.delta"))["response_id"]
        await client.send("response.cancel", response_id=response_id)
        item = (await client.answered())["output"][0]
        assert (item["status"], item["arguments"]) == ("incomplete", "")

    play(
        listen,
        SETUP,
        TurnStep("volume up"),
        AnswerStep(calls=(Call("a", '{"a":"a long argument"}'),), until="response.function_call_arguments.delta"),
        Expect("response.cancel", where={"response_id": "$response"}),
    )


def test_one_answer_runs_at_a_time_and_metadata_is_returned() -> None:
    async def ask(client: Client) -> None:
        await setup(client)
        await client.send("response.create", response={"metadata": {"edgevoice": "1"}})
        await client.until(DELTA)
        assert (await client.refused("response.create"))["code"] == "conversation_already_has_active_response"
        assert (await client.answered())["metadata"] == {"edgevoice": "1"}

    play(
        ask,
        SETUP,
        Expect("response.create", where={"response": {"metadata": {"edgevoice": "*"}}}),
        AnswerStep("Here I am.", until=DELTA),
        Expect("response.create"),
        Resume(),
    )


def test_truncations_beyond_the_audio_are_refused_and_others_applied() -> None:
    async def ask(client: Client) -> None:
        await setup(client)
        item_id = (await client.answered())["output"][0]["id"]
        error = await client.refused("conversation.item.truncate", item_id=item_id, audio_end_ms=99_999)
        assert "is already shorter than 99999ms" in error["message"]
        await client.send("conversation.item.truncate", item_id=item_id, audio_end_ms=50)
        await client.until("conversation.item.truncated")
        await client.send("conversation.item.retrieve", item_id=item_id)
        await client.until("conversation.item.retrieved")

    truncate = Expect("conversation.item.truncate", where={"item_id": "$item"})
    play(ask, SETUP, TurnStep("hi"), AnswerStep("Hello."), truncate, truncate, Expect("conversation.item.retrieve"))


def test_the_brain_answers_where_the_script_delegates_to_it() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "You are welcome."

    play(listen, SETUP, TurnStep("thank you"), answers="brain")


def test_a_real_listener_detects_the_turns_when_the_script_says_so(voice: HibariVoice) -> None:
    async def speak(client: Client) -> None:
        await setup(client)
        await client.speak(question(voice, "What time is it?"))
        await client.until(DELTA)
        await client.speak(question(voice, "Stop it now please."))
        assert (await client.answered())["status"] == "cancelled"
        assert (await client.answered())["output"][0]["content"][0]["transcript"] == "Okay."

    play(
        speak,
        SETUP,
        Hear("some words"),
        AnswerStep("It is six, and seven, and eight, and nine.", until=DELTA, times=4),
        Hear("*"),
        AnswerStep("Okay."),
        hears="some words",
        turns="heard",
    )


def test_a_backchannel_is_spoken_during_the_turn_and_may_be_skipped() -> None:
    async def listen(client: Client) -> None:
        await setup(client)
        await client.until("response.done")

        beside = [event for event in client.events if event["type"].startswith("response.backchannel.")]
        assert [event["type"].removeprefix("response.backchannel.") for event in beside] == [
            *["audio.delta"] * 2,
            "audio.done",
            "skipped",
        ]
        assert b"".join(base64.b64decode(event["delta"]) for event in beside[:2]) == Tone().say("mm-hm", 1.0)
        assert {event["backchannel_id"] for event in beside[:3]} == {beside[0]["backchannel_id"]}
        assert beside[2]["phrase"] == "mm-hm"
        assert beside[3]["reason"] == "deadline_missed"
        assert beside[3]["backchannel_id"] != beside[0]["backchannel_id"]
        (turn,) = [event for event in client.events if event["type"].endswith("audio_transcription.completed")]
        assert turn["transcript"] == "Well you know"
        said = client.events[-1]["response"]["output"][0]["content"][0]["transcript"]
        assert said == "I do.", "it is no part of the answer"

    play(
        listen,
        SETUP,
        TurnStep("well", until="started"),
        Backchannel("mm-hm"),
        Backchannel("go on", skipped="deadline_missed"),
        TurnStep("well you know"),
        AnswerStep("I do."),
    )
