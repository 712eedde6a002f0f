"""OpenAI's first Realtime protocol: its names for today's events. Pure.

Clients that request it with ``OpenAI-Beta: realtime=v1`` are still published, for example Mastra's voice package.
"""

import copy
from collections.abc import Mapping
from typing import Any

from edgevoice.local import audio_format

HEADER = "OpenAI-Beta"
VALUE = "realtime=v1"

_PREFIXES = {
    "response.output_audio.": "response.audio.",
    "response.output_audio_transcript.": "response.audio_transcript.",
    "response.output_text.": "response.text.",
    "conversation.item.added": "conversation.item.created",
}
_PART_TYPES = {"output_audio": "audio", "output_text": "text"}
_FORMATS = {"audio/pcm": "pcm16", "audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw"}
# The new places of a session's fields.
_MOVED_TO: Mapping[str, tuple[str, ...]] = {
    "modalities": ("output_modalities",),
    "max_response_output_tokens": ("max_output_tokens",),
    "turn_detection": ("audio", "input", "turn_detection"),
    "input_audio_format": ("audio", "input", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "output_audio_format": ("audio", "output", "format"),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
}
_MOVED_FIELDS = frozenset({"type", "audio", "output_modalities", "max_output_tokens"})


def older(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a server event in the form of the first protocol; None for an event that it does not have."""
    kind = str(event.get("type"))
    if kind == "conversation.item.done":
        return None
    prefix = next((prefix for prefix in _PREFIXES if kind.startswith(prefix)), "")
    made = {**event, "type": _PREFIXES.get(prefix, prefix) + kind.removeprefix(prefix)}
    for name, write in (("item", _item), ("response", _response), ("session", _session)):
        if isinstance(made.get(name), Mapping):
            made[name] = write(made[name])
    return made


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{**part, "type": _PART_TYPES.get(part["type"], part["type"])} for part in item.get("content", ())]
    return {**item, "content": parts} if "content" in item else dict(item)


def _response(response: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in response.items() if name != "output_modalities"}
    modalities = response.get("output_modalities")
    return {**made, "modalities": modalities, "output": [_item(item) for item in response.get("output", ())]}


def _session(session: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in session.items() if name not in _MOVED_FIELDS}
    heard, spoken = session["audio"]["input"], session["audio"]["output"]
    return {
        **made,
        "modalities": session["output_modalities"],
        "max_response_output_tokens": session["max_output_tokens"],
        "voice": spoken["voice"],
        "speed": spoken["speed"],
        "input_audio_format": _FORMATS.get(heard["format"]["type"], heard["format"]["type"]),
        "output_audio_format": _FORMATS.get(spoken["format"]["type"], spoken["format"]["type"]),
        "input_audio_transcription": heard["transcription"],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "turn_detection": heard["turn_detection"],
    }


def newer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client event with its response parameters converted from the first protocol."""
    response = event.get("response")
    if not isinstance(response, Mapping):
        return dict(event)
    made = dict(response)
    if "modalities" in made:
        made.setdefault("output_modalities", made.pop("modalities"))
    if "output_audio_format" in made:
        made.setdefault("audio", {"output": {"format": made.pop("output_audio_format")}})
    return {**event, "response": made}


def newer_session(patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``patch`` with fields and formats converted from OpenAI's first protocol."""
    made = copy.deepcopy(dict(patch))
    for old, path in _MOVED_TO.items():
        if old in made:
            _put(made, path, made.pop(old))
    audio = made.get("audio")
    for side in audio.values() if isinstance(audio, dict) else ():
        if isinstance(side, dict) and isinstance(side.get("format"), dict):
            side["format"] = audio_format.with_known_type(side["format"])
    return made


def _put(fields: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    name, *deeper = path
    if not deeper:
        # A value at the new place takes precedence.
        fields.setdefault(name, value)
    elif isinstance(inner := fields.setdefault(name, {}), dict):
        _put(inner, tuple(deeper), value)
