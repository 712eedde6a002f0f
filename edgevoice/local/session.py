"""The Realtime session: what a client may set, merged update by update. No I/O.

A refused value refuses its whole update, as the real service does (one bad value poisons the update).
"""

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

TRANSCRIPTION_MODELS = (
    "inworld/inworld-stt-1",
    "assemblyai/u3-rt-pro",
    "assemblyai/universal-streaming-multilingual",
    "assemblyai/universal-streaming-english",
    "soniox/stt-rt-v4",
)
PREFIX_PADDING_MS = 300


class RequestRefused(Exception):
    """A client event was refused; becomes one ``error`` event and changes nothing."""

    def __init__(self, code: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class AudioFormat(msgspec.Struct, frozen=True):
    """Mono s16 at ``rate`` Hz; G.711 is not spoken here."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[8000, 16000, 24000] = 24000


class ServerVad(msgspec.Struct, frozen=True, tag_field="type", tag="server_vad"):
    """End a turn after a fixed silence."""

    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    prefix_padding_ms: Annotated[int, msgspec.Meta(ge=0, le=5000)] = PREFIX_PADDING_MS
    silence_duration_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 500
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(msgspec.Struct, frozen=True, tag_field="type", tag="semantic_vad"):
    """End a turn when what was said is complete, else after a longer silence."""

    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


class Transcription(msgspec.Struct, frozen=True):
    """The speech-to-text model; the name is checked, then the local recogniser does the work."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None


class NoiseReduction(msgspec.Struct, frozen=True):
    """Accepted for the wire's sake; the client's own echo canceller has done this."""

    type: Literal["near_field", "far_field"]


class InputSettings(msgspec.Struct, frozen=True):
    """What happens to the uplink."""

    format: AudioFormat = AudioFormat()
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: ServerVad | SemanticVad | None = None


class OutputSettings(msgspec.Struct, frozen=True):
    """What the downlink sounds like."""

    format: AudioFormat = AudioFormat()
    model: str | None = None
    voice: str = ""
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=1.5)] = 1.0


class AudioSettings(msgspec.Struct, frozen=True):
    """Both directions."""

    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()


class FunctionTool(msgspec.Struct, frozen=True, tag_field="type", tag="function"):
    """A tool that the client runs."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)


class WebSearchTool(msgspec.Struct, frozen=True, tag_field="type", tag="web_search"):
    """Accepted, never used: the local service has no web."""


class McpTool(msgspec.Struct, frozen=True, tag_field="type", tag="mcp"):
    """Accepted, never used: the local service has no web."""


Tool = FunctionTool | WebSearchTool | McpTool
Modality = Literal["audio", "text"]


class ProviderData(msgspec.Struct, frozen=True):
    """The one extension that changes what this service does."""

    auto_tool_response: bool = True


class SessionSettings(msgspec.Struct, frozen=True, rename={"provider_data": "providerData"}):
    """The session as the service obeys it; unknown fields are ignored."""

    type: Literal["realtime"] = "realtime"
    model: Annotated[str, msgspec.Meta(min_length=1)] = "edgevoice/local"
    instructions: str = ""
    output_modalities: Annotated[list[Modality], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=list)
    temperature: float | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)] | Literal["inf"] = "inf"
    tools: list[Tool] = msgspec.field(default_factory=list)
    tool_choice: str | dict[str, Any] = "auto"
    audio: AudioSettings = AudioSettings()
    provider_data: ProviderData = ProviderData()


# What an update may set; anything else in it is ignored, as the real service ignores `modelId` and `provider_data`.
_SETTABLE_NAMES = (
    "type model instructions output_modalities temperature max_output_tokens tools tool_choice truncation tracing "
    "include prompt audio providerData"
)
_SETTABLE = frozenset(_SETTABLE_NAMES.split())
_DEFAULT_DETECTION: dict[str, dict[str, Any]] = {
    "server_vad": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": PREFIX_PADDING_MS,
        "silence_duration_ms": 500,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    },
}
_DEFAULTS: dict[str, Any] = {
    "type": "realtime",
    "object": "realtime.session",
    "model": "edgevoice/local",
    "instructions": "",
    "output_modalities": ["audio", "text"],
    "max_output_tokens": "inf",
    "tools": [],
    "tool_choice": "auto",
    "truncation": "auto",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": {"model": TRANSCRIPTION_MODELS[0]},
            "noise_reduction": None,
            "turn_detection": _DEFAULT_DETECTION["server_vad"],
        },
        "output": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "model": "hibari-tts",
            "voice": "heart",
            "speed": 1.0,
        },
    },
}


class Session:
    """One connection's session; ``document`` is what goes on the wire, ``settings`` is what is obeyed."""

    def __init__(self, session_id: str, *, expires_at: int) -> None:
        self.document: dict[str, Any] = copy.deepcopy(_DEFAULTS) | {"id": session_id, "expires_at": expires_at}
        self.settings = msgspec.convert(self.document, SessionSettings)

    def update(self, patch: Mapping[str, Any]) -> None:
        """Merge ``patch``; raise RequestRefused and change nothing when any value in it is bad."""
        document = copy.deepcopy(self.document)
        _merge(document, {key: value for key, value in patch.items() if key in _SETTABLE})
        _settle(document)
        try:
            settings = msgspec.convert(document, SessionSettings)
        except msgspec.ValidationError as error:
            raise refusal_of(error, root="session") from None
        _check(settings)
        self.document, self.settings = document, settings


def refusal_of(error: msgspec.ValidationError, *, root: str = "") -> RequestRefused:
    """Return the refusal that tells a validation error in the wire's terms."""
    message, _, path = str(error).partition(" - at `")
    param = path.rstrip("`").replace("$", root, 1).lstrip(".")
    return RequestRefused("invalid_value", message, param=param or None)


def properties_of(tools: list[Tool]) -> dict[str, frozenset[str]]:
    """Return the names of the declared functions, each with the names of its parameters."""
    declared = {}
    for tool in tools:
        if isinstance(tool, FunctionTool):
            properties = tool.parameters.get("properties")
            declared[tool.name] = frozenset(properties if isinstance(properties, dict) else ())
    return declared


def _merge(document: dict[str, Any], patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        present = document.get(key)
        if isinstance(present, dict) and isinstance(value, Mapping) and key != "tool_choice":
            # Fields of another kind of turn detection would be nonsense beside the new ones.
            if key == "turn_detection" and value.get("type", present.get("type")) != present.get("type"):
                present = document[key] = {}
            _merge(present, value)
        else:
            document[key] = copy.deepcopy(value)


def _settle(document: dict[str, Any]) -> None:
    audio = document.get("audio")
    for side in audio.values() if isinstance(audio, dict) else ():
        # The old string form is still accepted by the real service, and sent by its own samples.
        if isinstance(side, dict) and side.get("format") == "pcm16":
            side["format"] = {"type": "audio/pcm", "rate": 24000}
        detection = side.get("turn_detection") if isinstance(side, dict) else None
        if isinstance(detection, dict) and detection.get("type") in _DEFAULT_DETECTION:
            side["turn_detection"] = _DEFAULT_DETECTION[detection["type"]] | detection


def _check(settings: SessionSettings) -> None:
    transcription = settings.audio.input.transcription
    if transcription is not None and transcription.model not in {None, *TRANSCRIPTION_MODELS}:
        raise RequestRefused(
            "invalid_value", "Unsupported transcription model", param="session.audio.input.transcription.model"
        )
    names = [tool.name for tool in settings.tools if isinstance(tool, FunctionTool)]
    if len(names) != len(set(names)):
        raise RequestRefused("invalid_value", "Two tools have the same name", param="session.tools")
