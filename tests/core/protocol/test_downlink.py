import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from edgevoice.core.facts import (
    CallMade,
    LinkOpened,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolCall,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import Role, ServiceStateChanged, TranscriptChanged, UsageTold
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import (
    Arrival,
    AudioPiece,
    BackchannelComplete,
    BackchannelPiece,
    Downlink,
    ItemComplete,
)

DATA = Path(__file__).parents[2] / "data"


def received(name: str) -> list[str]:
    """Return the frames of a recorded session that the service sent to the box."""
    frames = [json.loads(line) for line in (DATA / name).read_text().splitlines()]
    return [json.dumps(frame) for frame in frames if frame.pop("_dir") == "s"]


BEGUN = {"type": "response.created", "response": {"id": "r"}}


def answered(*frames: Mapping[str, object]) -> list[Arrival]:
    """Return the facts from events of a response with the id "r", after its start."""
    begun, *rest = arrivals(BEGUN, *frames)
    assert begun == ResponseStarted("r")
    return rest


def arrivals(*frames: str | Mapping[str, object]) -> list[Arrival]:
    return taken(Downlink(), *frames)


def taken(downlink: Downlink, *frames: str | Mapping[str, object]) -> list[Arrival]:
    texts = [frame if isinstance(frame, str) else json.dumps(frame) for frame in frames]
    return [arrival for text in texts for arrival in downlink.take(wire.decode(text))]


def user(text: str, *, is_final: bool = False) -> TranscriptChanged:
    return TranscriptChanged(Role.USER, "item_U1", text, is_final=is_final)


def assistant(text: str, *, is_final: bool = False) -> TranscriptChanged:
    return TranscriptChanged(Role.ASSISTANT, "item_A2", text, is_final=is_final)


QUESTION = [
    LinkOpened(),
    UserStartedSpeaking(),
    user("light on"),
    user("lights on and what time is it"),
    UserStoppedSpeaking(),
    TurnEnded(),
    user("Lights on, and what time is it?", is_final=True),
    ResponseStarted("resp_1"),
    CallMade("resp_1", ToolCall("call_1", "set_light", '{"on":true}')),
    CallMade("resp_1", ToolCall("call_2", "get_time", "")),
    ResponseEnded(
        "resp_1",
        ResponseStatus.COMPLETED,
        (ToolCall("call_1", "set_light", '{"on":true}'), ToolCall("call_2", "get_time", "")),
    ),
    UsageTold({"total_tokens": 80, "input_tokens": 60, "output_tokens": 20}),
    ResponseStarted("resp_2", "tools-1"),
    assistant("Done, it is four past six."),
    AudioPiece("resp_2", "item_A2", 0, bytes([0, 0, 1, 0, 2, 0])),
]


def test_a_whole_session_becomes_facts_in_order() -> None:
    assert arrivals(*received("session.jsonl")) == [
        *QUESTION,
        ItemComplete("resp_2", "item_A2"),
        assistant("Done, it is four past six.", is_final=True),
        ItemComplete("resp_2", "item_A2"),
        ResponseEnded("resp_2", ResponseStatus.COMPLETED, has_audio=True),
        UserStartedSpeaking(),
    ]


def test_a_session_interrupted_while_the_answer_is_generated_becomes_facts_in_order() -> None:
    whole = received("session.jsonl")
    until = next(place for place, frame in enumerate(whole) if '"event_36"' in frame)

    assert arrivals(*whole[:until], *received("session-barge-in.jsonl")) == [
        *QUESTION,
        UserStartedSpeaking(),
        AudioPiece("resp_2", "item_A2", 0, bytes([3, 0, 4, 0, 5, 0])),
        ResponseEnded("resp_2", ResponseStatus.CANCELLED, has_audio=True),
    ]


def test_the_name_of_a_call_is_remembered_from_the_item_when_the_arguments_lack_it() -> None:
    calls = answered(
        {"type": "conversation.item.added", "item": {"type": "function_call", "name": "stop", "call_id": "c"}},
        {"type": "response.function_call_arguments.done", "response_id": "r", "call_id": "c", "arguments": "{}"},
        {"type": "response.done", "response": {"id": "r", "status": "completed"}},
    )

    stop = ToolCall("c", "stop", "{}")
    assert calls == [CallMade("r", stop), ResponseEnded("r", ResponseStatus.COMPLETED, (stop,))]


def test_only_a_call_item_names_a_call_and_one_without_a_name_keeps_the_old_name() -> None:
    added: dict[str, object] = {"type": "conversation.item.added"}
    done = {"type": "response.function_call_arguments.done", "response_id": "r", "call_id": "c", "arguments": "{}"}
    message = {**added, "item": {"type": "message", "name": "stop", "call_id": "c"}}
    named, nameless = (
        {**added, "item": {"type": "function_call", "call_id": "c", **name}} for name in ({"name": "stop"}, {})
    )

    assert answered(message, done) == []
    assert answered(named, nameless, done) == [CallMade("r", ToolCall("c", "stop", "{}"))]


def test_the_name_of_a_call_may_come_with_its_arguments() -> None:
    calls = answered(
        {"type": "response.function_call_arguments.done", "response_id": "r", "call_id": "c", "name": "stop"},
        {"type": "response.done", "response": {"id": "r", "status": "completed"}},
    )

    stop = ToolCall("c", "stop", "")
    assert calls == [CallMade("r", stop), ResponseEnded("r", ResponseStatus.COMPLETED, (stop,))]


def test_a_call_that_appears_only_in_the_finished_response_is_run() -> None:
    item = {"type": "function_call", "name": "stop", "call_id": "c", "status": "completed", "arguments": "{}"}

    assert answered({"type": "response.done", "response": {"id": "r", "status": "completed", "output": [item]}}) == [
        ResponseEnded("r", ResponseStatus.COMPLETED, (ToolCall("c", "stop", "{}"),))
    ]


def test_fields_missing_from_the_finished_item_keep_their_earlier_values() -> None:
    calls = answered(
        {"type": "response.output_item.added", "item": {"type": "function_call", "name": "stop", "call_id": "c"}},
        {"type": "response.done", "response": {"id": "r", "output": [{"type": "function_call", "call_id": "c"}]}},
    )

    assert calls == [ResponseEnded("r", ResponseStatus.COMPLETED, (ToolCall("c", "stop", ""),))]
    calls = answered(
        {"type": "response.function_call_arguments.done", "response_id": "r", "call_id": "c", "arguments": "{}"},
        {"type": "response.done", "response": {"id": "r", "output": [{"type": "function_call", "call_id": "c"}]}},
    )
    assert calls == [ResponseEnded("r", ResponseStatus.COMPLETED, (ToolCall("c", "", "{}"),))]


def test_a_call_whose_arguments_were_never_finished_is_not_run() -> None:
    item = {"type": "function_call", "name": "stop", "call_id": "c", "status": "incomplete", "arguments": '{"a":'}

    assert answered({"type": "response.done", "response": {"id": "r", "status": "completed", "output": [item]}}) == [
        ResponseEnded("r", ResponseStatus.COMPLETED)
    ]


@pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
def test_the_calls_of_a_response_that_was_not_completed_are_not_run(status: str) -> None:
    item = {"type": "function_call", "name": "stop", "call_id": "c", "status": "completed", "arguments": "{}"}

    assert answered({"type": "response.done", "response": {"id": "r", "status": status, "output": [item]}}) == [
        ResponseEnded(
            "r",
            ResponseStatus(status),
            fault="" if status == "cancelled" else "answer-failed",
            has_broken=status == "failed",
        )
    ]


def test_an_item_that_is_not_a_call_and_a_call_without_an_id_are_not_run() -> None:
    output = [{"type": "message", "call_id": "m"}, {"type": "function_call", "name": "stop"}]

    assert answered(
        {"type": "conversation.item.added", "item": output[1]},
        {"type": "response.done", "response": {"id": "r", "output": output}},
    ) == [ResponseEnded("r", ResponseStatus.COMPLETED)]


@pytest.mark.parametrize(
    ("details", "has_broken"),
    [
        ({}, True),
        ({"error": {"type": "server_error"}}, True),
        ({"error": {"code": "rate_limit_exceeded"}}, False),
        ({"error": {"type": "invalid_request_error", "code": "content_filter"}}, False),
    ],
)
def test_an_answer_that_fails_for_no_reason_of_ours_is_a_failure_inside_the_service(
    details: dict[str, object], *, has_broken: bool
) -> None:
    done = {"type": "response.done", "response": {"id": "r", "status": "failed", "status_details": details}}
    [ended] = answered(done)

    assert isinstance(ended, ResponseEnded)
    assert ended.has_broken is has_broken


@pytest.mark.parametrize(
    ("metadata", "name"),
    [({"edgevoice": "q1"}, "q1"), (None, ""), ({}, ""), ([1], ""), ("q1", ""), ({"edgevoice": {}}, ""), ({"a": 1}, "")],
)
def test_a_response_says_by_which_name_it_was_requested(metadata: object, name: str) -> None:
    created = {"type": "response.created", "response": {"id": "r", "metadata": metadata}}

    assert arrivals(created) == [ResponseStarted("r", name)]


def test_a_status_outside_the_protocol_counts_as_a_failure() -> None:
    assert answered({"type": "response.done", "response": {"id": "r", "status": "queued"}}) == [
        ResponseEnded("r", ResponseStatus.FAILED, fault="answer-failed")
    ]


def test_audio_without_a_sample_is_not_sound() -> None:
    empty = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": ""}

    assert arrivals(empty, {"type": "response.done", "response": {"id": "r", "status": "completed"}})[-1] == (
        ResponseEnded("r", ResponseStatus.COMPLETED, has_audio=False)
    )


def test_sound_counts_for_its_own_response_only() -> None:
    sound = {"type": "response.output_audio.delta", "response_id": "r1", "item_id": "i", "delta": "AAAA"}
    ends = [{"type": "response.done", "response": {"id": response_id}} for response_id in ("r2", "r1", "r1")]

    heard = [arrival.has_audio for arrival in arrivals(sound, *ends) if isinstance(arrival, ResponseEnded)]

    assert heard == [False, True, False]


def test_the_state_that_the_service_wants_back_follows_the_news_that_the_session_is_open() -> None:
    memory = {"enabled": True, "state": {"version": 1}}

    assert arrivals(
        {"type": "session.updated", "session": {"providerData": {"memory": memory}}}, {"type": "session.updated"}
    ) == [LinkOpened(), ServiceStateChanged('{"version": 1}'), LinkOpened()]


def test_usage_may_be_outside_the_response_and_only_whole_numbers_are_reported() -> None:
    usage = {"total_tokens": 5, "input_token_details": {"text_tokens": 1}}

    assert answered({"type": "response.done", "response": {"id": "r"}, "usage": usage})[1:] == [
        UsageTold({"total_tokens": 5})
    ]


def test_an_error_is_identified_by_its_code_alone() -> None:
    assert arrivals({"type": "error", "error": {"code": "unknown_event_type", "message": "no such event"}}) == [
        ServiceComplained("unknown_event_type")
    ]
    assert arrivals({"type": "error", "error": {"code": "insufficient_quota"}}, {"type": "error"}) == [
        ServiceComplained("insufficient_quota", "no-credit"),
        ServiceComplained(""),
    ]


def test_noise_transcribed_as_a_full_stop_has_no_words() -> None:
    completed = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "item_U1"}

    assert arrivals({**completed, "transcript": " . "}, completed) == [user("", is_final=True)] * 2


def test_the_users_words_are_replaced_and_the_assistants_grow() -> None:
    rewritten = {"type": "conversation.item.input_audio_transcription.delta", "item_id": "item_U1"}
    added = {"type": "response.output_audio_transcript.delta", "item_id": "item_A2"}

    assert arrivals({**rewritten, "delta": "a b"}, {**rewritten, "delta": "ab"}, rewritten) == [
        user("a b"),
        user("ab"),
        user(""),
    ]
    assert arrivals({**added, "delta": "Hel"}, added, {**added, "delta": "lo"}) == [
        assistant("Hel"),
        assistant("Hel"),
        assistant("Hello"),
    ]


def test_a_final_transcript_with_words_overrides_its_deltas() -> None:
    added = {"type": "response.output_audio_transcript.delta", "item_id": "item_A2", "delta": "Helo"}
    done = {"type": "response.output_audio_transcript.done", "item_id": "item_A2"}

    assert arrivals(added, done)[-1] == assistant("Helo", is_final=True)
    assert arrivals(added, {**done, "transcript": "Hello"})[-1] == assistant("Hello", is_final=True)
    assert arrivals(done) == [assistant("", is_final=True)]
    assert arrivals({**done, "transcript": "Hello"}, done)[-1] == assistant("Hello", is_final=True)


def test_a_bracket_that_the_service_never_closes_hides_no_words_once_they_are_complete() -> None:
    added = {"type": "response.output_audio_transcript.delta", "item_id": "item_A2", "delta": "It is [about six"}
    done = {"type": "response.output_audio_transcript.done", "item_id": "item_A2"}

    assert arrivals(added, done)[-2:] == [assistant("It is"), assistant("It is [about six", is_final=True)]
    assert arrivals({**done, "transcript": added["delta"]})[-1] == assistant("It is [about six", is_final=True)


def test_a_backchannel_is_separate_sound_and_a_skipped_one_is_ignored() -> None:
    assert arrivals(
        {"type": "response.backchannel.audio.delta", "backchannel_id": "bc_1", "delta": "AQACAAM="},
        {"type": "response.backchannel.audio.done", "backchannel_id": "bc_1", "phrase": "mm-hm"},
        {"type": "response.backchannel.skipped", "backchannel_id": "bc_2", "reason": "deadline_missed"},
    ) == [BackchannelPiece("bc_1", b"\1\0\2\0\3"), BackchannelComplete("bc_1")]


# --- missing ids ------------------------------------------------------------------------------------------------------

SOUND: dict[str, object] = {"type": "response.output_audio.delta", "delta": "AAAA"}
DONE: dict[str, object] = {"type": "response.done", "response": {}}


def begun(response_id: str | None) -> dict[str, object]:
    return {"type": "response.created", "response": {"id": response_id}}


def test_an_end_without_an_id_ends_the_open_response_once() -> None:
    ends = arrivals(begun("r1"), DONE, begun("r2"), SOUND, DONE, SOUND, DONE)

    assert [end for end in ends if isinstance(end, ResponseEnded)] == [
        ResponseEnded("r1", ResponseStatus.COMPLETED),
        ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True),
        ResponseEnded("", ResponseStatus.COMPLETED, has_audio=True),
    ]


def test_an_event_that_names_another_response_does_not_affect_the_open_one() -> None:
    late = {**SOUND, "response_id": "r1", "item_id": "a1"}

    assert arrivals(begun("r1"), begun(None), late)[-1] == AudioPiece("r1", "a1", 0, b"\0\0\0")
    assert arrivals(begun("r2"), late)[-1] == AudioPiece("r1", "a1", 0, b"\0\0\0")


def test_responses_without_ids_are_kept_apart() -> None:
    started = [arrival for arrival in arrivals(begun(None), DONE, begun(None)) if isinstance(arrival, ResponseStarted)]

    assert started == [ResponseStarted("nameless:response 1"), ResponseStarted("nameless:response 2")]


def test_words_of_answers_without_items_are_not_mixed_up() -> None:
    words: dict[str, object] = {"type": "response.output_audio_transcript.delta", "delta": "Yes."}
    told = [
        arrival.text
        for arrival in arrivals(begun("r1"), words, DONE, begun("r2"), words)
        if isinstance(arrival, TranscriptChanged)
    ]

    assert told == ["Yes.", "Yes."]


def test_sound_without_an_item_belongs_to_the_item_its_response_is_speaking() -> None:
    def added(**item: str) -> dict[str, object]:
        return {"type": "response.output_item.added", "item": item}

    pieces = arrivals(
        begun("r1"),
        added(type="message", id="a1"),
        added(type="function_call", id="f1"),
        SOUND,
        {**SOUND, "item_id": "a2"},
        SOUND,
    )

    assert [piece.item_id for piece in pieces if isinstance(piece, AudioPiece)] == ["a1", "a2", "a2"]


def test_the_users_words_without_an_item_belong_to_the_current_turn() -> None:
    words: dict[str, object] = {"type": "conversation.item.input_audio_transcription.completed", "transcript": "Yes."}
    started: dict[str, object] = {"type": "input_audio_buffer.speech_started"}
    committed: dict[str, object] = {"type": "input_audio_buffer.committed"}

    told = arrivals(started, committed, words, started, {**committed, "item_id": "u2"}, words)

    assert [words.item_id for words in told if isinstance(words, TranscriptChanged)] == ["nameless:turn 1", "u2"]


def test_the_users_words_before_any_turn_have_an_id_too() -> None:
    kind = "conversation.item.input_audio_transcription"

    told = arrivals({"type": f"{kind}.delta", "delta": "Yes"}, {"type": f"{kind}.completed", "transcript": "Yes."})

    assert told == [
        TranscriptChanged(Role.USER, "nameless:turn", "Yes", is_final=False),
        TranscriptChanged(Role.USER, "nameless:turn", "Yes.", is_final=True),
    ]


def test_an_unannounced_id_belongs_to_the_open_response_that_began_without_one() -> None:
    strange = {**SOUND, "response_id": "r9", "item_id": "a1"}

    assert arrivals(begun(None), strange)[-1] == AudioPiece("nameless:response 1", "a1", 0, b"\0\0\0")


def test_items_and_their_ends_belong_to_the_response_that_they_name() -> None:
    message: dict[str, object] = {"type": "message", "id": "a1"}
    call: dict[str, object] = {"type": "function_call", "name": "stop", "call_id": "c", "arguments": "{}"}
    added: dict[str, object] = {"type": "response.output_item.added", "response_id": "r1"}
    done: dict[str, object] = {"type": "response.output_item.done", "response_id": "r1"}

    told = arrivals(
        begun("r1"), begun("r2"), {**added, "item": message}, {**done, "item": message}, {**done, "item": call}, SOUND
    )

    assert told[2:] == [
        ItemComplete("r1", "a1"),
        CallMade("r1", ToolCall("c", "stop", "{}")),
        AudioPiece("r2", "nameless:item of r2", 0, b"\0\0\0"),
    ]


def test_an_item_without_an_id_does_not_hide_the_one_being_spoken() -> None:
    def added(**item: str) -> dict[str, object]:
        return {"type": "response.output_item.added", "item": item}

    told = arrivals(begun("r1"), added(type="message", id="a1"), added(type="message"), SOUND)

    assert told[-1] == AudioPiece("r1", "a1", 0, b"\0\0\0")


def test_a_call_that_cannot_be_answered_is_not_run() -> None:
    assert arrivals(begun("r1"), {"type": "response.function_call_arguments.done", "name": "stop"}, DONE)[1:] == [
        ResponseEnded("r1", ResponseStatus.COMPLETED)
    ]


# --- the user's words, in either dialect ------------------------------------------------------------------------------

HEARD: dict[str, object] = {"type": "conversation.item.input_audio_transcription.delta", "item_id": "item_U1"}
WRITTEN: dict[str, object] = {"type": "conversation.item.input_audio_transcription.completed", "item_id": "item_U1"}


@pytest.mark.parametrize("rewrites", [False, True])
def test_increments_and_rewrites_of_the_users_words_are_both_understood(*, rewrites: bool) -> None:
    increments = [{**HEARD, "delta": delta} for delta in ("What", " time", " is", " it")]
    rewritten = [{**HEARD, "delta": delta} for delta in ("what time", "What time is", "What time is it")]

    for deltas in (increments, rewritten):
        told = taken(Downlink(rewrites=rewrites), *deltas)
        assert told[-1] == user("What time is it")


def test_the_words_of_two_turns_are_kept_apart() -> None:
    other = {**HEARD, "item_id": "item_U2"}
    downlink = Downlink(rewrites=False)

    told = taken(
        downlink,
        {**HEARD, "delta": "What time"},
        {**other, "delta": "Stop"},
        {**HEARD, "delta": " is it"},
        {**WRITTEN, "transcript": "What time is it?"},
        {**other, "delta": " now"},
        {**HEARD, "delta": " Now?"},
    )

    assert [each.text for each in told if isinstance(each, TranscriptChanged)] == [
        "What time",
        "Stop",
        "What time is it",
        "What time is it?",
        "Stop now",
        "What time is it? Now?",
    ]


def test_a_turn_that_could_not_be_transcribed_has_no_words() -> None:
    assert arrivals({"type": "conversation.item.input_audio_transcription.failed", "item_id": "item_U1"}) == []


def test_a_service_is_expected_to_rewrite_unless_it_is_known_not_to() -> None:
    deltas = [{**HEARD, "delta": delta} for delta in ("a", "b")]

    assert arrivals(*deltas)[-1] == user("b")
    assert taken(Downlink(rewrites=False), *deltas)[-1] == user("ab")


def test_each_of_several_completed_transcripts_of_one_item_is_reported() -> None:
    said = ["Set a timer", "Set a timer for ten", "Set a timer for ten minutes."]

    assert arrivals(*[{**WRITTEN, "transcript": words} for words in said]) == [
        user(words, is_final=True) for words in said
    ]


# --- fields of the wrong type -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "taken_as"),
    [({"on": True}, '{"on": true}'), ([1], "[1]"), (7, "7"), (None, ""), ("", ""), ('{"on":true}', '{"on":true}')],
)
def test_a_call_is_run_whatever_type_its_arguments_have(arguments: object, taken_as: str) -> None:
    call = {"type": "function_call", "name": "light", "call_id": 7, "arguments": arguments}
    done = {"type": "response.function_call_arguments.done", "name": "light", "call_id": 7, "arguments": arguments}
    calls = (ToolCall("7", "light", taken_as),)

    assert arrivals({"type": "response.done", "response": {"id": 1, "output": [call]}})[-1:] == [
        ResponseEnded("1", ResponseStatus.COMPLETED, calls)
    ]
    assert arrivals({**done, "response_id": 1}, {"type": "response.done", "response": {"id": 1}})[-1:] == [
        ResponseEnded("1", ResponseStatus.COMPLETED, calls)
    ]


def test_a_call_whose_name_is_not_text_is_run_so_that_the_model_gets_an_error() -> None:
    call = {"type": "function_call", "name": {"of": "it"}, "call_id": "c", "arguments": "{}"}

    assert arrivals({"type": "response.done", "response": {"id": "r", "output": [call]}})[-1:] == [
        ResponseEnded("r", ResponseStatus.COMPLETED, (ToolCall("c", "", "{}"),))
    ]


def test_an_item_without_a_type_is_a_call_if_it_has_a_calls_name() -> None:
    output = [{"name": "stop", "call_id": "c"}, {"call_id": "d"}, {"name": "stop"}]

    assert arrivals({"type": "response.done", "response": {"id": "r", "output": output}})[-1:] == [
        ResponseEnded("r", ResponseStatus.COMPLETED, (ToolCall("c", "stop", ""),))
    ]


# --- a service that never stops sending -------------------------------------------------------------------------------


def test_endless_words_are_limited() -> None:
    downlink = Downlink()
    words: dict[str, object] = {"type": "response.output_audio_transcript.delta", "item_id": "item_A2"}

    told = taken(downlink, *[{**words, "delta": "word " * 1000}] * 30)
    assert told[-1] == assistant(("word " * 4000).strip())
    told = taken(downlink, {"type": "response.output_audio_transcript.done", "item_id": "item_A2"})
    assert told == [assistant(("word " * 4000).strip(), is_final=True)]
    done = {"type": "response.output_audio_transcript.done", "item_id": "item_A2", "transcript": "x" * 30_000}
    assert taken(downlink, done) == [assistant("x" * 20_000, is_final=True)]


def test_the_words_of_the_latest_answers_are_remembered() -> None:
    words: dict[str, object] = {"type": "response.output_audio_transcript.delta", "delta": "word"}
    downlink = Downlink()
    for number in range(9):
        taken(downlink, {**words, "item_id": f"a{number}"})

    told = taken(downlink, {**words, "item_id": "a1"}, {**words, "item_id": "a0"})
    assert [each.text for each in told if isinstance(each, TranscriptChanged)] == ["wordword", "word"]


def test_the_calls_of_unfinished_responses_are_remembered_up_to_a_limit() -> None:
    done: dict[str, object] = {"type": "response.function_call_arguments.done", "name": "stop"}
    downlink = Downlink()
    for number in range(65):
        taken(downlink, {**done, "response_id": f"r{number}", "call_id": "c"})

    ends = [{"type": "response.done", "response": {"id": response_id}} for response_id in ("r0", "r1", "r1")]
    calls = [each.calls for each in taken(downlink, *ends) if isinstance(each, ResponseEnded)]
    assert calls == [(), (ToolCall("c", "stop", ""),), ()]


def test_excessive_arguments_end_the_session() -> None:
    done: dict[str, object] = {"type": "response.function_call_arguments.done", "arguments": "x" * 65_536}
    downlink = Downlink()
    taken(downlink, *[{**done, "call_id": f"c{number}"} for number in range(4)])

    with pytest.raises(wire.LimitExceeded, match=r"^calls of tools with 327680 characters of arguments$"):
        taken(downlink, {**done, "call_id": "c4"})


# --- what a service leaves out ----------------------------------------------------------------------------------------

SAID = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": "AAAA"}
CALL_ITEM = {"type": "function_call", "name": "stop", "call_id": "c", "status": "completed", "arguments": "{}"}
STOP = ToolCall("c", "stop", "{}")


@pytest.mark.parametrize(
    "first",
    [
        SAID,
        {"type": "response.output_audio_transcript.delta", "response_id": "r", "item_id": "i", "delta": "Yes"},
        {"type": "response.output_item.added", "response_id": "r", "item": {"id": "i", "type": "message"}},
        {"type": "response.function_call_arguments.done", "response_id": "r", "call_id": "c", "name": "stop"},
        {"type": "response.done", "response": {"id": "r", "status": "completed"}},
    ],
    ids=lambda event: event["type"],
)
def test_an_answer_without_its_start_event_begins_with_its_first_event(first: dict[str, object]) -> None:
    assert arrivals(first, SAID).count(ResponseStarted("r")) == 1
    assert arrivals(first)[0] == ResponseStarted("r")


def test_an_answer_without_an_id_or_start_event_begins_after_the_end_of_the_turn() -> None:
    sound = {"type": "response.output_audio.delta", "delta": "AAAA"}
    committed = {"type": "input_audio_buffer.committed"}
    end = {"type": "response.done", "response": {"status": "completed"}}

    assert not any(isinstance(arrival, ResponseStarted) for arrival in arrivals(sound))
    assert arrivals(committed, sound, sound, end)[1] == ResponseStarted("nameless:response 1")
    late = arrivals(committed, sound, end, sound)
    assert sum(isinstance(arrival, ResponseStarted) for arrival in late) == 1, "what comes after its end is late"


@pytest.mark.parametrize(
    "late",
    [
        {"type": "response.done", "response": {"id": "r2", "status": "cancelled"}},
        {**SAID, "response_id": "r2", "delta": ""},
        {"type": "response.output_audio.done", "response_id": "r2"},
    ],
    ids=["cancelled", "no sound", "sound done"],
)
def test_an_event_without_sound_does_not_begin_an_answer(late: dict[str, object]) -> None:
    assert not any(isinstance(arrival, ResponseStarted) for arrival in arrivals(late))


def test_an_unknown_id_during_an_answer_and_an_ended_id_begin_no_answer() -> None:
    strange = {**SAID, "response_id": "strange"}

    assert not any(isinstance(arrival, ResponseStarted) for arrival in answered(strange, SAID))
    ended = {"type": "response.done", "response": {"id": "r", "status": "completed"}}
    assert not any(isinstance(arrival, ResponseStarted) for arrival in answered(ended, SAID))


def test_the_end_of_an_item_ends_its_sound_if_the_sounds_own_end_is_missing() -> None:
    done = {"type": "response.output_item.done", "response_id": "r", "item": {"id": "i", "type": "message"}}

    assert answered(done) == [ItemComplete("r", "i")]
    message = {"id": "i", "type": "message", "arguments": ""}
    assert answered({**done, "item": message}) == [ItemComplete("r", "i")], "it is no call"


def test_the_end_of_an_item_completes_its_call_if_the_arguments_end_is_missing() -> None:
    done = {"type": "response.output_item.done", "response_id": "r", "item": CALL_ITEM}

    assert answered(done, done) == [CallMade("r", STOP)], "once"
    assert answered(done, {"type": "response.done", "response": {"id": "r"}})[-1] == (
        ResponseEnded("r", ResponseStatus.COMPLETED, (STOP,))
    )


@pytest.mark.parametrize(
    "item",
    [
        {**CALL_ITEM, "status": "incomplete"},
        {**CALL_ITEM, "arguments": None},
        {**CALL_ITEM, "call_id": None},
        {**CALL_ITEM, "name": None},
        {"type": "message", "id": "i", "status": "incomplete"},
        {"type": "message"},
        {"type": "reasoning", "id": "i"},
    ],
)
def test_an_incomplete_item_completes_nothing(item: dict[str, object]) -> None:
    assert answered({"type": "response.output_item.done", "response_id": "r", "item": item}) == []
