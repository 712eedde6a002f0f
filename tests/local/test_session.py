from typing import Any

import pytest

from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.client_events import InputAudioBufferAppend, ResponseCreate, parse, typed
from edgevoice.local.dialect import INWORLD, OPENAI, Dialect
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.session import SemanticVad, ServerVad, SessionState


def detection_of(session: SessionState) -> ServerVad | SemanticVad | None:
    return session.settings.audio.input.turn_detection


def new_session(dialect: Dialect = INWORLD) -> SessionState:
    return SessionState("sess_1", expires_at=1_900_000_000, dialect=dialect)


def document_at(session: SessionState, path: str) -> Any:
    found: Any = session.document
    for name in path.split("."):
        found = found[name]
    return found


def test_an_update_is_merged_and_leaves_the_rest_alone() -> None:
    session = new_session()

    session.update({"audio": {"output": {"voice": "Clive"}}, "instructions": "Be brief."})
    session.update({"audio": {"output": {"speed": 1.2}}})

    assert session.document["audio"]["output"]["voice"] == "Clive"
    assert session.document["instructions"] == "Be brief."
    assert session.settings.audio.output.speed == 1.2
    assert session.document["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


def test_null_turn_detection_means_manual_commits() -> None:
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
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 4000}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"format": "audio/opus"}}}, "session.audio.input.format.type"),
        ({"audio": {"input": {"noise_reduction": "far_field"}}}, "session.audio.input.noise_reduction"),
        ({"audio": {"input": {"turn_detection": {"type": "psychic"}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": {"input": {"turn_detection": {"type": []}}}}, "session.audio.input.turn_detection.type"),
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
def test_in_inworlds_dialect_a_bad_value_invalidates_the_whole_update(patch: dict[str, Any], param: str) -> None:
    session = new_session()
    before = session.document

    with pytest.raises(RequestRefused) as refused:
        session.update({"instructions": "Never applied."} | patch)

    assert (refused.value.code, refused.value.param) == ("invalid_value", param)
    assert session.document == before
    assert session.settings.instructions == ""


@pytest.mark.parametrize(
    ("patch", "param"),
    [
        ({"audio": {"input": {"format": {"type": "audio/opus", "rate": 48000}}}}, "session.audio.input.format.type"),
        ({"audio": {"input": {"format": {"rate": "fast"}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"format": 7}}}, "session.audio.input.format"),
        ({"audio": {"input": {"noise_reduction": "far_field"}}}, "session.audio.input.noise_reduction"),
        ({"audio": {"input": {"turn_detection": {"type": "psychic"}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": {"input": {"turn_detection": {"type": {}}}}}, "session.audio.input.turn_detection.type"),
        ({"audio": {"input": {"turn_detection": {"threshold": 2}}}}, "session.audio.input.turn_detection.threshold"),
        ({"audio": {"input": "loud"}}, "session.audio.input"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"voice": 3}}}, "session.audio.output.voice"),
        ({"audio": 5}, "session.audio"),
        ({"type": "dictation"}, "session.type"),
        ({"max_output_tokens": 0}, "session.max_output_tokens"),
        ({"output_modalities": []}, "session.output_modalities"),
        ({"output_modalities": "audio"}, "session.output_modalities"),
        ({"output_modalities": ["image"]}, "session.output_modalities[0]"),
        ({"tools": {"type": "function"}}, "session.tools"),
        ({"tool_choice": 1}, "session.tool_choice"),
        ({"model": ""}, "session.model"),
        ({"providerData": {"auto_tool_response": 1}}, "session.providerData.auto_tool_response"),
    ],
)
def test_in_openais_dialect_a_bad_value_does_not_affect_the_others(patch: dict[str, Any], param: str) -> None:
    session, untouched = new_session(OPENAI), new_session(OPENAI)
    rest = {"instructions": "Be brief.", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    untouched.update({"instructions": "Be brief."})

    (refused,) = session.update({"instructions": "Be brief."} | patch)

    assert (refused.code, refused.param) == ("invalid_value", param)
    assert "\n" not in str(refused)
    assert session.document == untouched.document
    assert session.update(rest) == []


def test_every_bad_value_is_named_and_every_good_one_kept() -> None:
    session = new_session(OPENAI)
    tools: list[Any] = [
        {"type": "function", "name": "first"},
        {"type": "function"},
        {"type": "telepathy", "name": "second"},
        {"type": "function", "name": "first"},
        {"type": "function", "name": "third"},
        "fourth",
        {"type": "mcp", "server_label": "a"},
    ]
    patch = {
        "tools": tools,
        "output_modalities": ["text", "image", "video"],
        "model": "",
        "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "greedy"}}, "output": {"speed": 9}},
    }

    refused = session.update(patch)

    assert [refusal.param for refusal in refused] == [
        "session.output_modalities[1]",
        "session.output_modalities[2]",
        "session.tools[1]",
        "session.tools[2].type",
        "session.tools[3]",
        "session.tools[5]",
        "session.model",
        "session.audio.input.turn_detection.eagerness",
        "session.audio.output.speed",
    ]
    assert [tool.get("name") for tool in session.document["tools"]] == ["first", "third", None]
    assert session.document["output_modalities"] == ["text"]
    assert detection_of(session) == SemanticVad()


@pytest.mark.parametrize("dialect", [INWORLD, OPENAI])
def test_an_unknown_modality_is_left_out_in_either_dialect(dialect: Dialect) -> None:
    session = new_session(dialect)

    (refused,) = session.update({"output_modalities": ["audio", "image"], "instructions": "Be brief."})

    assert str(refused) == "Unsupported modality 'image': use audio or text; everything else applies"
    assert refused.param == "session.output_modalities[1]"
    assert session.settings.output_modalities == ["audio"]
    assert session.settings.instructions == "Be brief."


OPENAI_MODELS = [
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
]


@pytest.mark.parametrize("dialect", [INWORLD, OPENAI])
@pytest.mark.parametrize("model", OPENAI_MODELS)
def test_openais_transcription_models_are_accepted(model: str, dialect: Dialect) -> None:
    session = new_session(dialect)
    transcription = {"model": model, "language": "en", "delay": "low", "keywords": ["jarvis"], "languages": ["en"]}

    assert session.update({"audio": {"input": {"transcription": transcription}}}) == []

    assert session.document["audio"]["input"]["transcription"] == transcription


def test_in_openais_dialect_any_transcription_model_is_accepted() -> None:
    assert new_session(OPENAI).update({"audio": {"input": {"transcription": {"model": "nobody/stt"}}}}) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("pcm16", {"type": "audio/pcm", "rate": 24000}),
        ("audio/pcm", {"type": "audio/pcm", "rate": 24000}),
        ({"type": "audio/pcm"}, {"type": "audio/pcm", "rate": 24000}),
        ({"type": "audio/pcm", "rate": 48000}, {"type": "audio/pcm", "rate": 48000}),
        ({"type": "audio/pcm", "rate": 44100.0}, {"type": "audio/pcm", "rate": 44100}),
        ({"rate": 11025}, {"type": "audio/pcm", "rate": 11025}),
        ("g711_ulaw", {"type": "audio/pcmu"}),
        ("audio/pcmu", {"type": "audio/pcmu"}),
        ({"type": "audio/pcmu"}, {"type": "audio/pcmu"}),
        ({"type": "audio/pcmu", "rate": 8000}, {"type": "audio/pcmu"}),
        ("g711_alaw", {"type": "audio/pcma"}),
        ("audio/pcma", {"type": "audio/pcma"}),
        ({"type": "audio/pcma"}, {"type": "audio/pcma"}),
        ("float32", {"type": "audio/float32", "rate": 24000}),
        ({"type": "audio/float32", "rate": 48000}, {"type": "audio/float32", "rate": 48000}),
    ],
)
@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("dialect", [INWORLD, OPENAI])
def test_every_way_of_naming_a_format_is_accepted(dialect: Dialect, side: str, sent: Any, kept: dict[str, Any]) -> None:
    session = new_session(dialect)

    assert session.update({"audio": {side: {"format": sent}}}) == []

    assert session.document["audio"][side]["format"] == kept
    form: AudioFormat = getattr(session.settings.audio, side).format
    assert (form.type, form.rate_hz) == (kept["type"], kept.get("rate", 8000))


def test_older_names_in_a_format_object_are_accepted_only_where_they_work() -> None:
    # Inworld takes this object and then never sends any audio: better refused.
    with pytest.raises(RequestRefused):
        new_session(INWORLD).update({"audio": {"output": {"format": {"type": "g711_ulaw"}}}})
    session = new_session(OPENAI)
    assert session.update({"audio": {"output": {"format": {"type": "g711_ulaw"}}}}) == []
    assert session.document["audio"]["output"]["format"] == {"type": "audio/pcmu"}


def test_switching_from_g711_back_to_pcm_restores_24_khz() -> None:
    session = new_session()
    session.update({"audio": {"input": {"format": "g711_ulaw"}}})
    session.update({"audio": {"input": {"format": "audio/pcm"}}})

    assert session.document["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}


def test_a_voice_may_be_given_by_name_or_by_id() -> None:
    session = new_session()
    for voice in ({"id": "voice_1"}, {"id": "voice_2"}, "alloy", {"id": "voice_3"}):
        assert session.update({"audio": {"output": {"voice": voice}}}) == []
        assert session.document["audio"]["output"]["voice"] == voice


def test_the_flat_fields_of_openais_first_protocol_are_accepted() -> None:
    session = new_session(OPENAI)
    flat = {
        "modalities": ["text"],
        "voice": "alloy",
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": "whisper-1"},
        "input_audio_noise_reduction": None,
        "turn_detection": {"type": "server_vad", "silence_duration_ms": 900},
        "max_response_output_tokens": 100,
        "speed": 1.2,
        # The value at the new place wins.
        "audio": {"output": {"voice": "marin"}},
    }

    assert session.update(flat) == []

    for path, value in (
        ("output_modalities", ["text"]),
        ("audio.output.voice", "marin"),
        ("audio.output.speed", 1.2),
        ("audio.output.format", {"type": "audio/pcm", "rate": 24000}),
        ("audio.input.format", {"type": "audio/pcmu"}),
        ("audio.input.transcription.model", "whisper-1"),
        ("audio.input.turn_detection.silence_duration_ms", 900),
        ("max_output_tokens", 100),
    ):
        assert document_at(session, path) == value
    # Where the new place is no object there is nothing to put them into.
    (refused,) = session.update({"audio": 5, "voice": "alloy"})
    assert refused.param == "session.audio"


def test_names_of_other_dialects_are_ignored() -> None:
    session = new_session()
    session.update({"provider_data": {"auto_tool_response": False}, "modelId": "x", "id": "stolen"})

    assert session.settings.provider_data.auto_tool_response
    assert session.document["id"] == "sess_1"
    assert "modelId" not in session.document


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
    assert typed({"type": "response.create", "response": None, "event_id": None}) == ResponseCreate()
    assert typed({"type": "response.create", "response": {"modalities": ["audio"]}}) == ResponseCreate()
    assert typed({"type": "input_audio_buffer.append", "audio": "AAAA", "extra": 1}) == InputAudioBufferAppend("AAAA")
