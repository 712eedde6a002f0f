"""What a session is told at its start, in both dialects."""

import json
from typing import Any

import pytest

from edgevoice import settings
from edgevoice.core import wire
from edgevoice.realtime.session import session_of

TOOL = {"type": "function", "name": "get_current_time", "description": "", "parameters": {"type": "object"}}


def on_the_wire(**changes: Any) -> Any:
    """Return the session as the service reads it."""
    return json.loads(wire.update_session(session_of(settings.Service(**changes), [TOOL])))["session"]


def test_inworld_is_told_everything_in_its_own_dialect() -> None:
    assert on_the_wire(instructions="Be brief.", provider_data={"stt": {"voice_profile": True}}) == {
        "type": "realtime",
        "model": "openai/gpt-4.1-mini",
        "instructions": "Be brief.",
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
    frame = wire.update_session(session_of(settings.Service(noise_reduction="off"), []))

    assert b'"noise_reduction":null' in frame


@pytest.mark.parametrize("kind", ["near_field", "far_field"])
def test_noise_reduction_is_an_object_and_no_string(kind: str) -> None:
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


def test_the_owner_cannot_take_the_answering_after_a_tool_from_us() -> None:
    session = on_the_wire(provider_data={"auto_tool_response": True, "memory": {"enabled": True}})

    assert session["providerData"] == {"auto_tool_response": False, "memory": {"enabled": True}}
    assert on_the_wire(provider_data={})["providerData"] == {"auto_tool_response": False}
