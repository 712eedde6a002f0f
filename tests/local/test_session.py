from typing import Any

import pytest

from edgevoice.local.client_events import AppendAudio, CreateResponse, parse, typed
from edgevoice.local.session import RequestRefused, SemanticVad, ServerVad, Session


def detection_of(session: Session) -> ServerVad | SemanticVad | None:
    return session.settings.audio.input.turn_detection


def new_session() -> Session:
    return Session("sess_1", expires_at=1_900_000_000)


def test_an_update_is_merged_and_leaves_the_rest_alone() -> None:
    session = new_session()

    session.update({"audio": {"output": {"voice": "Clive"}}, "instructions": "Be brief."})
    session.update({"audio": {"output": {"speed": 1.2}}})

    assert session.document["audio"]["output"]["voice"] == "Clive"
    assert session.document["instructions"] == "Be brief."
    assert session.settings.audio.output.speed == 1.2
    assert session.document["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


def test_null_turn_detection_means_by_hand() -> None:
    session = new_session()
    session.update({"audio": {"input": {"turn_detection": None}}})

    assert session.settings.audio.input.turn_detection is None


def test_another_kind_of_turn_detection_brings_its_own_defaults() -> None:
    session = new_session()
    session.update({"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}}})
    assert detection_of(session) == SemanticVad(eagerness="low")
    assert "silence_duration_ms" not in session.document["audio"]["input"]["turn_detection"]

    session.update({"audio": {"input": {"turn_detection": {"create_response": False}}}})
    assert detection_of(session) == SemanticVad(eagerness="low", create_response=False)

    session.update({"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}}})
    assert detection_of(session) == ServerVad(silence_duration_ms=700)


@pytest.mark.parametrize(
    ("patch", "param"),
    [
        ({"audio": {"input": {"transcription": {"model": "nobody/stt"}}}}, "session.audio.input.transcription.model"),
        ({"audio": {"input": {"format": {"type": "pcm16"}}}}, "session.audio.input.format.type"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 11025}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"noise_reduction": "far_field"}}}, "session.audio.input.noise_reduction"),
        ({"audio": {"input": {"turn_detection": {"type": "psychic"}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": {"input": {"turn_detection": {"threshold": 2}}}}, "session.audio.input.turn_detection.threshold"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": 5}, "session.audio"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"output_modalities": []}, "session.output_modalities"),
        ({"tools": [{"type": "function"}]}, "session.tools[0]"),
        ({"tools": [{"type": "function", "name": "a"}, {"type": "function", "name": "a"}]}, "session.tools"),
        ({"model": ""}, "session.model"),
    ],
)
def test_a_bad_value_poisons_the_whole_update(patch: dict[str, Any], param: str) -> None:
    session = new_session()
    before = session.document

    with pytest.raises(RequestRefused) as refused:
        session.update({"instructions": "Never applied."} | patch)

    assert (refused.value.code, refused.value.param) == ("invalid_value", param)
    assert session.document == before
    assert session.settings.instructions == ""


def test_names_of_other_dialects_are_ignored() -> None:
    session = new_session()
    session.update({"provider_data": {"auto_tool_response": False}, "modelId": "x", "id": "stolen"})

    assert session.settings.provider_data.auto_tool_response
    assert session.document["id"] == "sess_1"
    assert "modelId" not in session.document


def test_the_old_format_string_is_accepted() -> None:
    session = new_session()
    session.update({"audio": {"input": {"format": "pcm16"}}})

    assert session.document["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


@pytest.mark.parametrize(
    ("frame", "code"),
    [("{", "invalid_json"), (b"\xff", "invalid_json"), ("[]", "invalid_event"), ("null", "invalid_event")],
)
def test_a_frame_without_an_event_is_refused(frame: str | bytes, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(frame)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({}, "missing_required_parameter"),
        ({"type": 5}, "missing_required_parameter"),
        ({"type": "foo"}, "unknown_event_type"),
        ({"type": "input_audio_buffer.append"}, "invalid_value"),
        ({"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": -1}, "invalid_value"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "role": "cat", "content": []}},
            "invalid_value",
        ),
        ({"type": "response.create", "response": {"metadata": {"a": 1}}}, "invalid_value"),
        ({"type": "response.create", "response": {"metadata": {"a": "x" * 513}}}, "invalid_value"),
        ({"type": "response.create", "response": {"metadata": {str(n): "" for n in range(17)}}}, "invalid_value"),
    ],
)
def test_a_bad_event_is_refused_by_name(event: dict[str, Any], code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        typed(event)

    assert refused.value.code == code


def test_unknown_fields_and_nulls_are_tolerated() -> None:
    assert typed({"type": "response.create", "response": None, "event_id": None}) == CreateResponse()
    assert typed({"type": "response.create", "response": {"modalities": ["audio"]}}) == CreateResponse()
    assert typed({"type": "input_audio_buffer.append", "audio": "AAAA", "extra": 1}) == AppendAudio("AAAA")
