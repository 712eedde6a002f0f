"""The configuration of a session: every field explicit, in the dialect of the service."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgevoice.core.sound.rates import WIRE_HZ
from edgevoice.settings.instructions import CALLS
from edgevoice.settings.service import ServiceSettings

Json = dict[str, Any]

_PCM: Json = {"type": "audio/pcm", "rate": WIRE_HZ}


def session_of(service: ServiceSettings, tools: Sequence[Json]) -> Json:
    """Return the ``session`` object of ``session.update``.

    Booleans and nulls are sent even if they are defaults: one service acted on them only when they were present. A
    field that only Inworld knows is sent only to Inworld, because other services refuse the whole update for one
    unknown name.
    """
    is_inworld = service.spoken_dialect == "inworld"
    output: Json = {"format": _PCM, "voice": service.voice, "speed": service.speed}
    session: Json = {
        "type": "realtime",
        "model": service.model,
        "instructions": _instructions(service, has_tools=bool(tools)),
        "output_modalities": ["audio", "text"] if is_inworld else ["audio"],
        "max_output_tokens": service.max_output_tokens or "inf",
        "tools": list(tools),
        "tool_choice": "auto",
        "audio": {
            "input": {
                "format": _PCM,
                "transcription": {"model": service.stt_model, "language": service.language},
                "noise_reduction": None if service.noise_reduction == "off" else {"type": service.noise_reduction},
                "turn_detection": _turn_detection(service),
            },
            "output": output,
        },
    }
    if is_inworld:
        if service.temperature is not None:
            session["temperature"] = service.temperature  # no longer a field of a session in the GA protocol
        output["model"] = service.tts_model
        # We request the answer ourselves once every output is in: otherwise n calls get n answers.
        session["providerData"] = {**service.provider_data, "auto_tool_response": False}
    return session


def changes_of(before: Mapping[str, Any], now: Mapping[str, Any]) -> Json:
    """Return the differences of ``now`` from ``before``, object by object: a partial ``session`` object."""
    changes: Json = {}
    for name, value in now.items():
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            if inner := changes_of(before[name], value):
                changes[name] = inner
        elif name not in before or before[name] != value:
            changes[name] = value
    return changes


def _instructions(service: ServiceSettings, *, has_tools: bool) -> str:
    return f"{service.spoken_instructions}\n\n{CALLS}".lstrip() if has_tools else service.spoken_instructions


def _turn_detection(service: ServiceSettings) -> Json:
    common = {"create_response": True, "interrupt_response": True}
    if service.turn_detection == "semantic_vad":
        return {"type": "semantic_vad", "eagerness": service.eagerness, **common}
    return {
        "type": "server_vad",
        "threshold": service.vad_threshold,
        "prefix_padding_ms": service.vad_prefix_ms,
        "silence_duration_ms": service.vad_silence_ms,
        **common,
    }
