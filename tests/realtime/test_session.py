"""The configuration that a session is sent at its start, in both dialects."""

import json
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
from openai.types.realtime import SessionUpdateEvent

from edgevoice.core.protocol import wire
from edgevoice.core.protocol.transcript import visible
from edgevoice.realtime.session import changes_of, session_of
from edgevoice.settings.instructions import CALLS, STEERING
from edgevoice.settings.service import ServiceSettings

OTHER_THAN_EVER: dict[str, Any] = {
    "model": "anthropic/claude-sonnet-4-6",
    "voice": "Dennis",
    "tts_model": "inworld-tts-1.5-max",
    "stt_model": "soniox/stt-rt-v4",
    "language": "de-DE",
    "speed": 1.25,
    "instructions": "Be brief.",
    "temperature": 0.3,
    "max_output_tokens": 300,
    "turn_detection": "server_vad",
    "vad_threshold": 0.6,
    "vad_silence_ms": 700,
    "vad_prefix_ms": 250,
    "noise_reduction": "near_field",
    "provider_data": {"backchannel": {"enabled": True}, "text_generation_config": {"topP": 0.9}, "user_id": "kitchen"},
}
"""Every setting of a session, each of them another than the default."""

TOOL = {"type": "function", "name": "get_current_time", "description": "", "parameters": {"type": "object"}}


def on_the_wire(**changes: Any) -> Any:
    """Return the session as the service reads it."""
    return json.loads(wire.update_session(session_of(ServiceSettings(**changes), [TOOL])))["session"]


def test_inworld_receives_the_whole_configuration_in_its_own_dialect() -> None:
    assert on_the_wire(instructions="Be brief.", provider_data={"stt": {"voice_profile": True}}) == {
        "type": "realtime",
        "model": "openai/gpt-4.1-mini",
        "instructions": f"Be brief.\n\n{STEERING}\n\n{CALLS}",
        "output_modalities": ["audio", "text"],
        "max_output_tokens": "inf",
        "tools": [TOOL],
        "tool_choice": "auto",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "inworld/inworld-stt-1", "language": "en"},
                "noise_reduction": {"type": "far_field"},
                "turn_detection": {
                    "type": "semantic_vad",
                    "eagerness": "low",
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "model": "inworld-tts-2",
                "voice": "Sarah",
                "speed": 1.0,
            },
        },
        "providerData": {"stt": {"voice_profile": True}, "auto_tool_response": False},
    }


def told(*, is_inworld: bool) -> dict[str, Any]:
    """The configuration sent for `OTHER_THAN_EVER`: for Inworld with the fields that only Inworld has."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    output = {"format": pcm, "voice": "Dennis", "speed": 1.25}
    session = {
        "type": "realtime",
        "model": "anthropic/claude-sonnet-4-6",
        "instructions": f"Be brief.\n\n{CALLS}",
        "output_modalities": ["audio", "text"] if is_inworld else ["audio"],
        "max_output_tokens": 300,
        "tools": [TOOL],
        "tool_choice": "auto",
        "audio": {
            "input": {
                "format": pcm,
                "transcription": {"model": "soniox/stt-rt-v4", "language": "de-DE"},
                "noise_reduction": {"type": "near_field"},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.6,
                    "prefix_padding_ms": 250,
                    "silence_duration_ms": 700,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": output | {"model": "inworld-tts-1.5-max"} if is_inworld else output,
        },
    }
    if not is_inworld:
        return session
    passed_on: dict[str, Any] = OTHER_THAN_EVER["provider_data"]
    return {**session, "temperature": 0.3, "providerData": {**passed_on, "auto_tool_response": False}}


@pytest.mark.parametrize("dialect", ["inworld", "openai"])
def test_every_setting_of_a_session_is_sent_exactly(dialect: str) -> None:
    set_otherwise = ServiceSettings(**OTHER_THAN_EVER)
    as_ever = ServiceSettings()
    assert all(getattr(as_ever, name) != getattr(set_otherwise, name) for name in OTHER_THAN_EVER)

    assert on_the_wire(dialect=dialect, **OTHER_THAN_EVER) == told(is_inworld=dialect == "inworld")


@pytest.mark.parametrize("turn_detection", ["server_vad", "semantic_vad"])
def test_the_other_dialect_is_openais_own_to_the_last_field(turn_detection: str) -> None:
    chosen = OTHER_THAN_EVER | {"turn_detection": turn_detection, "eagerness": "high"}
    frame = wire.update_session(session_of(ServiceSettings(dialect="openai", **chosen), [TOOL]))
    event = SessionUpdateEvent.model_validate_json(frame)

    # The official types accept unknown fields, and keep them separately.
    assert [*unknown_to_openai(event)] == []
    assert event.session.type == "realtime"


def unknown_to_openai(model: pydantic.BaseModel) -> Iterator[str]:
    yield from model.model_extra or ()
    for name in model.model_fields_set:
        value = getattr(model, name)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, pydantic.BaseModel):
                yield from unknown_to_openai(inner)


@pytest.mark.parametrize("eagerness", ["low", "medium", "high", "auto"])
def test_the_eagerness_of_turn_detection_is_sent_with_both_booleans(eagerness: str) -> None:
    assert on_the_wire(eagerness=eagerness)["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": eagerness,
        "create_response": True,
        "interrupt_response": True,
    }


@pytest.mark.parametrize(
    ("changes", "is_asked_for"),
    [
        ({}, True),
        ({"tts_model": "inworld-tts-2"}, True),
        ({"steering": "off"}, False),
        ({"tts_model": "inworld-tts-1.5-max"}, False),
        ({"tts_model": "inworld-tts-2-flash"}, False),
        ({"dialect": "openai"}, False),
    ],
    ids=str,
)
def test_steering_tags_are_requested_only_from_a_voice_that_performs_them(
    changes: dict[str, Any], *, is_asked_for: bool
) -> None:
    told = on_the_wire(instructions="Be brief.", **changes)["instructions"]

    assert told == (f"Be brief.\n\n{STEERING}\n\n{CALLS}" if is_asked_for else f"Be brief.\n\n{CALLS}")


def test_without_instructions_nothing_precedes_the_steering() -> None:
    assert on_the_wire(instructions="")["instructions"] == f"{STEERING}\n\n{CALLS}"
    assert on_the_wire(instructions="", steering="off")["instructions"] == CALLS


def test_a_model_without_tools_is_told_nothing_of_calls() -> None:
    assert session_of(ServiceSettings(instructions="Be brief.", steering="off"), [])["instructions"] == "Be brief."


def test_the_steering_tags_are_removed_from_what_people_read() -> None:
    assert "[" in STEERING
    assert "[" not in visible(STEERING)


def test_the_other_dialect_holds_nothing_that_only_inworld_knows() -> None:
    session = on_the_wire(dialect="openai", model="gpt-realtime", voice="marin", provider_data={"stt": {}})

    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["output"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "voice": "marin",
        "speed": 1.0,
    }
    text = json.dumps(session).casefold()
    assert "providerdata" not in text
    assert "provider_data" not in text
    assert "tts" not in text


def test_noise_reduction_that_is_off_is_literally_null() -> None:
    frame = wire.update_session(session_of(ServiceSettings(noise_reduction="off"), []))

    assert b'"noise_reduction":null' in frame


@pytest.mark.parametrize("kind", ["near_field", "far_field"])
def test_noise_reduction_is_an_object_and_not_a_string(kind: str) -> None:
    assert on_the_wire(noise_reduction=kind)["audio"]["input"]["noise_reduction"] == {"type": kind}


def test_silence_alone_may_end_a_turn() -> None:
    session = on_the_wire(turn_detection="server_vad", vad_threshold=0.6, vad_prefix_ms=250, vad_silence_ms=700)

    assert session["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.6,
        "prefix_padding_ms": 250,
        "silence_duration_ms": 700,
        "create_response": True,
        "interrupt_response": True,
    }


def test_limits_are_sent_when_they_are_set_and_a_temperature_only_then() -> None:
    assert "temperature" not in on_the_wire()
    session = on_the_wire(temperature=0.0, max_output_tokens=300)

    assert session["temperature"] == 0.0
    assert session["max_output_tokens"] == 300


def test_the_owner_cannot_override_our_requests_after_a_tool() -> None:
    session = on_the_wire(provider_data={"auto_tool_response": True, "memory": {"enabled": True}})

    assert session["providerData"] == {"auto_tool_response": False, "memory": {"enabled": True}}
    assert on_the_wire(provider_data={})["providerData"] == {"auto_tool_response": False}


def test_an_update_contains_only_what_changes() -> None:
    before = {"model": "a", "audio": {"output": {"voice": "Sarah", "speed": 1.0}, "input": {}}, "tools": []}
    now = {"model": "a", "audio": {"output": {"voice": "Dennis", "speed": 1.0}, "input": {}}, "tools": [1]}

    assert changes_of(before, now) == {"audio": {"output": {"voice": "Dennis"}}, "tools": [1]}
    assert changes_of(now, now) == {}
