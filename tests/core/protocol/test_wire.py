import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from edgevoice.core.protocol import wire

DATA = Path(__file__).parents[2] / "data"
SECRET = "the user's own words"


def lines(name: str) -> list[str]:
    return (DATA / name).read_text().splitlines()


def kind(line: str) -> str:
    return str(json.loads(line)["type"])


def documented(kind_of_event: str, name: str = "client-events.jsonl") -> list[object]:
    return [json.loads(line) for line in lines(name) if kind(line) == kind_of_event]


# --- in --------------------------------------------------------------------------------------------------------------

ACTED_ON = {
    "session.created": wire.SessionCreated,
    "session.updated": wire.SessionUpdated,
    "input_audio_buffer.speech_started": wire.SpeechStarted,
    "input_audio_buffer.speech_stopped": wire.SpeechStopped,
    "input_audio_buffer.committed": wire.Committed,
    "conversation.item.added": wire.ItemAdded,
    "conversation.item.input_audio_transcription.delta": wire.TranscriptionDelta,
    "conversation.item.input_audio_transcription.completed": wire.TranscriptionCompleted,
    "conversation.item.input_audio_transcription.failed": wire.TranscriptionFailed,
    "response.created": wire.ResponseCreated,
    "response.output_item.added": wire.OutputItemAdded,
    "response.output_audio_transcript.delta": wire.TranscriptDelta,
    "response.output_audio.delta": wire.AudioDelta,
    "response.output_audio.done": wire.AudioDone,
    "response.output_audio_transcript.done": wire.TranscriptDone,
    "response.backchannel.audio.delta": wire.BackchannelDelta,
    "response.backchannel.audio.done": wire.BackchannelDone,
    "response.function_call_arguments.done": wire.ArgumentsDone,
    "response.output_item.done": wire.OutputItemDone,
    "response.done": wire.ResponseDone,
    "error": wire.ServiceError,
}


@pytest.mark.parametrize("line", lines("server-events.jsonl"), ids=kind)
def test_every_documented_event_is_read_and_those_not_acted_on_are_unknown(line: str) -> None:
    event = wire.decode(line)

    assert type(event) is ACTED_ON.get(kind(line), wire.Unknown)
    assert wire.decode(line.encode()) == event


def test_every_event_that_is_acted_on_is_documented() -> None:
    assert set(ACTED_ON) <= {kind(line) for line in lines("server-events.jsonl")}


def test_audio_is_decoded_and_may_be_odd_or_empty() -> None:
    assert wire.decode('{"type":"response.output_audio.delta","response_id":"r","item_id":"i","content_index":1}') == (
        wire.AudioDelta(response_id="r", item_id="i", content_index=1, delta=b"")
    )
    event = wire.decode('{"type":"response.output_audio.delta","delta":"AAABAAIAAwA="}')
    assert isinstance(event, wire.AudioDelta)
    assert event.delta == bytes([0, 0, 1, 0, 2, 0, 3, 0])
    odd = wire.decode('{"type":"response.output_audio.delta","delta":"AAAB"}')
    assert isinstance(odd, wire.AudioDelta)
    assert odd.delta == bytes([0, 0, 1])


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("response.audio.delta", wire.AudioDelta),
        ("response.audio.done", wire.AudioDone),
        ("response.audio_transcript.delta", wire.TranscriptDelta),
        ("response.audio_transcript.done", wire.TranscriptDone),
        ("conversation.item.created", wire.ItemAdded),
    ],
)
def test_older_names_mean_the_same(older: str, newer: type) -> None:
    assert isinstance(wire.decode(json.dumps({"type": older})), newer)


def test_unknown_events_and_unknown_fields_are_ignored() -> None:
    assert wire.decode('{"type":"rate_limits.updated","x":[1,{"y":null}]}') == wire.Unknown("rate_limits.updated")
    assert (
        type(wire.decode('{"obfuscation":"zz","type":"session.updated","session":{"phase":7}}')) is wire.SessionUpdated
    )


@pytest.mark.parametrize("name", sorted(ACTED_ON))
def test_an_event_may_lack_every_field(name: str) -> None:
    assert type(wire.decode(json.dumps({"type": name}))) is ACTED_ON[name]


@pytest.mark.parametrize("name", sorted(ACTED_ON))
def test_a_null_field_counts_as_missing(name: str) -> None:
    fields = ACTED_ON[name].__struct_fields__

    event = wire.decode(json.dumps({"type": name, **dict.fromkeys(fields)}))

    assert event == wire.decode(json.dumps({"type": name}))


def test_a_null_in_a_response_counts_as_missing_and_spoils_no_other_item() -> None:
    empty = wire.decode('{"type":"response.done","response":{"id":null,"output":null,"usage":null}}')
    odd = wire.decode('{"type":"response.done","response":{"id":null,"output":[null,{"id":"i"}]}}')

    assert empty == wire.ResponseDone(response=wire.Response())
    assert isinstance(odd, wire.ResponseDone)
    assert odd.response.items() == [wire.Item(id="i")]


# --- what errors say -------------------------------------------------------------------------------------------------


def test_a_service_error_has_a_code_and_a_text_whatever_its_shape() -> None:
    told = []
    for line in lines("errors.jsonl")[:-1]:
        event = wire.decode(line)
        assert isinstance(event, wire.ServiceError)
        told.append((event.code, event.text))

    assert told == [
        ("conversation_already_has_active_response", "a response (resp_2) is already running"),
        ("response_cancel_not_active", "nothing to cancel"),
        ("invalid_value", "Audio content of 900ms is already shorter than 1200ms"),
        ("unknown_event_type", "no such event: foo"),
        ("server_error", "Failed to read content stream."),
        ("session_expired", "session reached its time limit"),
        ("", "top-level only"),
    ]


def test_an_empty_error_has_an_empty_code_and_text() -> None:
    silent = wire.decode('{"type":"error","error":{}}')

    assert isinstance(silent, wire.ServiceError)
    assert (silent.code, silent.text) == ("", "")
    bare = wire.decode('{"type":"error"}')
    assert isinstance(bare, wire.ServiceError)
    assert (bare.code, bare.codes, bare.text) == ("", set(), "")


def test_the_codes_of_an_error_are_its_code_and_its_type() -> None:
    event = wire.decode('{"type":"error","error":{"code":"insufficient_quota","type":"server_error"}}')

    assert isinstance(event, wire.ServiceError)
    assert event.codes == {"insufficient_quota", "server_error"}


# --- nonsense --------------------------------------------------------------------------------------------------------

NONSENSE: dict[str, str | bytes] = {
    "no JSON": "{'type': 'error'}",
    "cut off": '{"type":"response.output_audio.delta","delta":"AAAB',
    "no object": '["error"]',
    "no type": lines("errors.jsonl")[-1],
    "type of the wrong kind": '{"type":7}',
    "nothing": "",
    "audio that is not text": '{"type":"response.output_audio.delta","delta":["the user\'s own words"]}',
    "no base64": '{"type":"response.output_audio.delta","delta":"the user\'s own words"}',
    "nested too deep": '{"type":"x","a":' + "[" * 100_000,
    "nested too deep in a field": '{"type":"response.done","response":{"id":"r","usage":{"a":' + "[" * 5000,
    "text in bytes that are not UTF-8": b"\xff\xfethe user's own words",
    "nested too deep to be read leniently": '{"type":"response.done","x":\x7f' + "[" * 5000,
}


@pytest.mark.parametrize("frame", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_frame_outside_the_protocol_is_refused_without_quoting_it(frame: str | bytes) -> None:
    with pytest.raises(wire.WireError) as refused:
        wire.decode(frame)

    assert SECRET not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_refusal_distinguishes_broken_json_from_a_wrong_shape() -> None:
    with pytest.raises(wire.WireError, match=r"^not a Realtime event: broken JSON$"):
        wire.decode('{"type":')
    with pytest.raises(wire.WireError, match=r"^not a Realtime event: wrong shape$"):
        wire.decode("[]")
    with pytest.raises(wire.WireError, match=r"^not a Realtime event: wrong shape$"):
        wire.decode('\ufeff["the first character is refused by the strict parser"]'.encode())


@pytest.mark.parametrize(("audio", "why"), [("!", "audio that is not base64"), (7, "audio that is not text")])
def test_a_refusal_names_the_event_and_the_reason(audio: object, why: str) -> None:
    with pytest.raises(wire.WireError, match=f"^a response\\.output_audio\\.delta event with {why}$") as refused:
        wire.decode(json.dumps({"type": "response.output_audio.delta", "delta": audio}))

    assert refused.value.kind == "response.output_audio.delta"


def refusal_of(frame: bytes | str) -> str:
    try:
        wire.decode(frame)
    except wire.WireError as refused:
        return str(refused)
    return ""


@given(st.binary() | st.text())
def test_no_frame_raises_any_other_error(frame: bytes | str) -> None:
    assert refusal_of(frame) in {"", "not a Realtime event: wrong shape", "not a Realtime event: broken JSON"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(
    name=st.sampled_from(sorted(ACTED_ON)),
    fields=st.dictionaries(
        st.sampled_from(["response", "item", "delta", "error", "item_id", "response_id", "transcript", "usage"]),
        JSON | st.fixed_dictionaries({"id": JSON, "output": JSON, "usage": JSON, "name": JSON, "call_id": JSON}),
    ),
)
def test_a_known_event_with_any_fields_is_read_or_refused(name: str, fields: dict[str, object]) -> None:
    try:
        event = wire.decode(json.dumps({"type": name, **fields}))
    except wire.WireError:
        return
    assert type(event) is ACTED_ON[name]


def test_one_odd_item_does_not_spoil_the_response() -> None:
    event = wire.decode('{"type":"response.done","response":{"id":"r","output":[7,{"id":5},{"id":"i","name":"n"}]}}')

    assert isinstance(event, wire.ResponseDone)
    assert event.response.items() == [wire.Item(id="5"), wire.Item(id="i", name="n")]


# --- out -------------------------------------------------------------------------------------------------------------


def test_sent_events_match_the_documented_protocol() -> None:
    assert json.loads(wire.append_audio(bytes([0, 0, 1, 0, 2, 0]))) in documented("input_audio_buffer.append")
    assert json.loads(wire.truncate_item("item_9", 0, 1340)) in documented("conversation.item.truncate")
    assert json.loads(wire.delete_item("item_9")) in documented("conversation.item.delete")
    assert json.loads(wire.cancel_response("resp_4")) in documented("response.cancel")
    assert json.loads(wire.tool_output("call_7", '{"ok":true}')) in documented("conversation.item.create")
    assert json.loads(wire.create_response(may_call_tools=True)) in documented("response.create")
    assert json.loads(wire.update_session({"audio": {"output": {"voice": "Clive"}}})) in documented("session.update")


def test_a_farewell_may_not_call_tools() -> None:
    asked = json.loads(wire.create_response(may_call_tools=False))

    assert asked == {"type": "response.create", "response": {"tool_choice": "none"}}


def test_an_answer_may_be_requested_with_its_own_instructions() -> None:
    asked = json.loads(wire.create_response(may_call_tools=False, instructions="Say exactly: hello"))

    assert asked == {
        "type": "response.create",
        "response": {"tool_choice": "none", "instructions": "Say exactly: hello"},
    }


def test_a_request_may_have_a_name_that_its_response_repeats() -> None:
    asked = json.loads(wire.create_response(may_call_tools=True, name="question-1"))

    assert asked == {"type": "response.create", "response": {"metadata": {"edgevoice": "question-1"}}}


def test_null_in_a_session_is_sent_because_it_means_something() -> None:
    assert wire.update_session({"turn_detection": None}) == (
        b'{"type":"session.update","session":{"turn_detection":null}}'
    )


@given(st.binary())
def test_audio_goes_out_and_comes_back_the_same(pcm: bytes) -> None:
    sent = json.loads(wire.append_audio(pcm))
    event = wire.decode(json.dumps({"type": "response.output_audio.delta", "delta": sent["audio"]}))

    assert event == wire.AudioDelta(delta=pcm)


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_tools_output_arrives_unchanged(call_id: str, output: str) -> None:
    call_id = call_id.encode(errors="replace").decode()

    item = json.loads(wire.tool_output(call_id, output))["item"]

    assert (item["call_id"], item["output"]) == (call_id, output)


@pytest.mark.parametrize(("role", "kind"), [("user", "input_text"), ("assistant", "output_text")])
def test_earlier_words_become_an_item_of_their_speaker(role: str, kind: str) -> None:
    event = json.loads(wire.message(role, "Is it late?"))

    assert event["type"] == "conversation.item.create"
    assert event["item"] == {"type": "message", "role": role, "content": [{"type": kind, "text": "Is it late?"}]}
    assert "previous_item_id" not in event
    assert json.loads(wire.message(role, "Is it late?", after="i1")) == {**event, "previous_item_id": "i1"}


def test_the_type_of_an_event_is_the_word_on_the_wire() -> None:
    assert wire.type_of(wire.decode('{"type":"response.audio.delta"}')) == "response.audio.delta"
    assert wire.type_of(wire.decode('{"type":"unheard.of"}')) == "unheard.of"


def test_an_item_with_only_a_name_is_not_a_call() -> None:
    assert not wire.Item(name="stop").is_call
    assert not wire.Item(type="message", name="stop", call_id="c").is_call


# --- unused fields of a session and a response ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "at"),
    [
        ('{"expires_at":1790000000}', 1_790_000_000),
        ('{"expires_at":1790000000.5}', 1_790_000_000.5),
        ('{"expires_at":"1790000000"}', 1_790_000_000),
        ('{"expires_at":1}', 1),
        ('{"expires_at":0}', None),
        ('{"expires_at":-1}', None),
        ('{"expires_at":null}', None),
        ('{"expires_at":true}', None),
        ('{"expires_at":"soon"}', None),
        ('{"expires_at":"nan"}', None),
        ('{"expires_at":1e999}', None),
        ('{"expires_at":[1790000000]}', None),
        (f'{{"expires_at":{10**400}}}', None),
        ("{}", None),
        ("[]", None),
        ('"x"', None),
        ("7", None),
    ],
)
@pytest.mark.parametrize("name", ["session.created", "session.updated"])
def test_the_expiry_of_a_session_is_read_or_ignored_whatever_its_type(
    name: str, session: str, at: float | None
) -> None:
    event = wire.decode(f'{{"type":"{name}","session":{session}}}')

    assert isinstance(event, wire.SessionCreated | wire.SessionUpdated)
    assert event.expires_at == at


@pytest.mark.parametrize(
    ("session", "state"),
    [
        (
            '{"providerData":{"memory":{"state":{"version":3,"facts":["\\u00fc"]}}}}',
            '{"version":3,"facts":["\\u00fc"]}',
        ),
        ('{"providerData":{"memory":{"state":{}}}}', "{}"),
        ('{"providerData":{"memory":{"state":null}}}', None),
        ('{"providerData":{"memory":{"state":[1]}}}', None),
        ('{"providerData":{"memory":{"state":"x"}}}', None),
        (f'{{"providerData":{{"memory":{{"state":{"[" * 500 + "]" * 500}}}}}}}', None),
        ('{"providerData":{"memory":{"enabled":true}}}', None),
        ('{"providerData":{"memory":[]}}', None),
        ('{"providerData":7}', None),
        ('{"provider_data":{"memory":{"state":{}}}}', None),
        ("[]", None),
    ],
)
def test_the_state_that_a_service_wants_back_is_read_or_ignored_whatever_its_type(
    session: str, state: str | None
) -> None:
    event = wire.decode(f'{{"type":"session.updated","session":{session}}}')

    assert isinstance(event, wire.SessionUpdated)
    assert event.session.memory_state == state


@pytest.mark.parametrize(
    ("details", "codes", "message"),
    [
        ('{"type":"failed","error":{"type":"server_error","code":null}}', {"server_error"}, None),
        ('{"error":{"type":"t","code":"c","message":"m"}}', {"t", "c"}, "m"),
        ('{"type":"incomplete","reason":"content_filter"}', {"content_filter"}, None),
        ('{"reason":"x","error":{"type":"t"}}', {"t", "x"}, None),
        ('{"code":"c"}', {"c"}, None),
        ('{"error":{"code":429}}', {"429"}, None),
        ('{"error":{"code":429.0}}', {"429"}, None),
        ('{"error":{"code":4.5,"type":[],"message":{}}}', set[str](), None),
        ('{"error":{"code":true}}', set[str](), None),
        ('{"error":"insufficient_quota"}', {"insufficient_quota"}, "insufficient_quota"),
        ('{"error":[]}', set[str](), None),
        ("null", set[str](), None),
        ("[1]", set[str](), None),
        ('"failed"', set[str](), None),
        ("3", set[str](), None),
    ],
)
def test_the_reason_of_a_failed_response_is_read_whatever_its_type(
    details: str, codes: set[str], message: str | None
) -> None:
    frame = f'{{"type":"response.done","response":{{"id":"r","status":"failed","status_details":{details}}}}}'
    event = wire.decode(frame)

    assert isinstance(event, wire.ResponseDone)
    assert event.response.trouble().codes == codes
    assert event.response.trouble().message == message
