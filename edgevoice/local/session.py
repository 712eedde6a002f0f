"""The Realtime session: what a client may set, merged update by update. No I/O.

In Inworld's dialect a refused value refuses its whole update, as Inworld documents. In OpenAI's dialect the rest of the
update applies, so that a client does not lose its tools because of one unknown field.
"""

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from edgevoice.local import audio_format, first_protocol
from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.dialect import INWORLD, Dialect
from edgevoice.local.mind.tool_kinds import DeclaredTool
from edgevoice.local.refusals import RequestRefused, refusal_of
from edgevoice.local.serialiser_noise import tidied
from edgevoice.local.session_patch import merge, rest_of, without_unknown_modalities

TRANSCRIPTION_MODELS = (
    "inworld/inworld-stt-1",
    "assemblyai/u3-rt-pro",
    "assemblyai/universal-streaming-multilingual",
    "assemblyai/universal-streaming-english",
    "soniox/stt-rt-v4",
)
PREFIX_PADDING_MS = 300


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


class TranscriptionSettings(msgspec.Struct, frozen=True):
    """The speech-to-text model; whatever its name, the local recogniser is used."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None


class NoiseReduction(msgspec.Struct, frozen=True):
    """Accepted for compatibility; the client's own echo canceller has done this."""

    type: Literal["near_field", "far_field"]


class InputSettings(msgspec.Struct, frozen=True):
    """How the uplink is processed."""

    format: AudioFormat = AudioFormat()
    transcription: TranscriptionSettings | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: ServerVad | SemanticVad | None = None


class CustomVoice(msgspec.Struct, frozen=True):
    """A voice of the client's own account, by its id."""

    id: str


class OutputSettings(msgspec.Struct, frozen=True):
    """What the downlink sounds like; the local service has only one voice, whatever ``voice`` names."""

    format: AudioFormat = AudioFormat()
    model: str | None = None
    voice: str | CustomVoice = ""
    speed: Annotated[float, msgspec.Meta(ge=0.25, le=1.5)] = 1.0


class AudioSettings(msgspec.Struct, frozen=True):
    """Both directions."""

    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()


class ClientTool(msgspec.Struct, frozen=True, tag_field="type", tag="function"):
    """A tool that the client runs."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)


class WebSearchTool(msgspec.Struct, frozen=True, tag_field="type", tag="web_search"):
    """Accepted, never used: the local service has no web."""


class McpTool(msgspec.Struct, frozen=True, tag_field="type", tag="mcp"):
    """Accepted, never used: the local service has no web."""


SessionTool = ClientTool | WebSearchTool | McpTool
Modality = Literal["audio", "text"]


class ProviderData(msgspec.Struct, frozen=True):
    """The one extension that changes what this service does."""

    auto_tool_response: bool = True


class SessionSettings(msgspec.Struct, frozen=True, rename={"provider_data": "providerData"}):
    """The session as the service obeys it; unknown fields are ignored.

    A ``transcription`` session converts speech to text and answers only on request.
    """

    type: Literal["realtime", "transcription"] = "realtime"
    model: Annotated[str, msgspec.Meta(min_length=1)] = "edgevoice/local"
    instructions: str = ""
    output_modalities: Annotated[list[Modality], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=list)
    temperature: float | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)] | Literal["inf"] = "inf"
    tools: list[SessionTool] = msgspec.field(default_factory=list)
    tool_choice: str | dict[str, Any] = "auto"
    audio: AudioSettings = AudioSettings()
    provider_data: ProviderData = ProviderData()


# What an update may set; anything else in it is ignored, as the real service ignores `modelId` and `provider_data`.
_SETTABLE_NAMES = (
    "type model instructions output_modalities temperature max_output_tokens tools tool_choice parallel_tool_calls "
    "reasoning truncation tracing include prompt audio providerData"
)
_SETTABLE = frozenset(_SETTABLE_NAMES.split())
_SAME_NAME = "Two tools have the same name"
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


class SessionState:
    """One connection's session; ``document`` is what goes on the wire, ``settings`` is what is obeyed."""

    def __init__(self, session_id: str, *, expires_at: int, dialect: Dialect = INWORLD) -> None:
        self.dialect = dialect
        self.document: dict[str, Any] = copy.deepcopy(_DEFAULTS) | {"id": session_id, "expires_at": expires_at}
        self.settings = msgspec.convert(self.document, SessionSettings)

    def update(self, patch: Mapping[str, Any]) -> list[RequestRefused]:
        """Merge ``patch`` and return what was refused of it while the rest applies.

        Raises RequestRefused and changes nothing if a value is bad and this dialect refuses whole updates.
        """
        patch = tidied(dict(patch))
        if self.dialect.keeps_valid_rest:
            patch = first_protocol.newer_session(patch)
        patch, refused = without_unknown_modalities({name: patch[name] for name in patch if name in _SETTABLE})
        if self.dialect.keeps_valid_rest:
            patch, strange = _sound_tools(patch)
            refused += strange
        while True:
            try:
                self._apply(patch)
            except RequestRefused as refusal:
                if not self.dialect.keeps_valid_rest:
                    raise
                patch = rest_of(patch, refusal)
                refused.append(refusal)
            else:
                return refused

    def _apply(self, patch: Mapping[str, Any]) -> None:
        document = copy.deepcopy(self.document)
        merge(document, patch)
        _settle(document)
        try:
            settings = msgspec.convert(document, SessionSettings)
        except msgspec.ValidationError as error:
            raise refusal_of(error, root="session") from None
        _check(settings, self.dialect)
        self.document, self.settings = document, settings


def declared_in(tools: list[SessionTool]) -> dict[str, DeclaredTool]:
    """Return the declared functions by name."""
    declared = {}
    for tool in tools:
        if isinstance(tool, ClientTool):
            properties = tool.parameters.get("properties")
            names = frozenset(properties if isinstance(properties, dict) else ())
            declared[tool.name] = DeclaredTool(names, tool.description)
    return declared


def _settle(document: dict[str, Any]) -> None:
    audio = document.get("audio")
    for side in audio.values() if isinstance(audio, dict) else ():
        if not isinstance(side, dict):
            continue
        if isinstance(side.get("format"), dict):
            side["format"] = audio_format.settled(side["format"])
        detection = side.get("turn_detection")
        if isinstance(detection, dict):
            kind = detection.get("type")
            defaults = _DEFAULT_DETECTION.get(kind, {}) if isinstance(kind, str) else {}
            side["turn_detection"] = defaults | detection


def _check(settings: SessionSettings, dialect: Dialect) -> None:
    transcription = settings.audio.input.transcription
    model = transcription.model if transcription is not None else None
    # OpenAI's model names have no provider in front; names with one are Inworld's.
    if model is not None and "/" in model and model not in TRANSCRIPTION_MODELS and not dialect.keeps_valid_rest:
        raise RequestRefused(
            "invalid_value", "Unsupported transcription model", param="session.audio.input.transcription.model"
        )
    names = [tool.name for tool in settings.tools if isinstance(tool, ClientTool)]
    if len(names) != len(set(names)):
        raise RequestRefused("invalid_value", _SAME_NAME, param="session.tools")


def _sound_tools(patch: dict[str, Any]) -> tuple[dict[str, Any], list[RequestRefused]]:
    """Return ``patch`` with the valid tools, and a refusal for each of the others."""
    if not isinstance(patch.get("tools"), list):
        return patch, []
    kept: list[Any] = []
    names: set[str] = set()
    refused: list[RequestRefused] = []
    for number, element in enumerate(patch["tools"]):
        where = f"session.tools[{number}]"
        try:
            tool = msgspec.convert(element, SessionTool)
        except msgspec.ValidationError as error:
            refused.append(refusal_of(error, root=where))
            continue
        if isinstance(tool, ClientTool):
            if tool.name in names:
                refused.append(RequestRefused("invalid_value", _SAME_NAME, param=where))
                continue
            names.add(tool.name)
        kept.append(element)
    return patch | {"tools": kept}, refused
