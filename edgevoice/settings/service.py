"""The settings of ``[service]``: who answers, and how."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from edgevoice.settings.fields import Address, KeyFile, Language, NotEmpty
from edgevoice.settings.instructions import INSTRUCTIONS, STEERING


class ServiceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who answers, and how: the Realtime service at the other end of the WebSocket.

    url: The service's address. Empty uses Inworld if there is a key, else the service inside the box; "local" always
        uses the service inside the box.
    dialect: The wire format. "auto" depends on the address: inworld for Inworld and for the service inside the box,
        openai for any other.
    auth: How the key is sent. "auto" uses basic for the inworld dialect and bearer for openai.
    key_file: A file that contains only the key, readable only by its owner (chmod 600). The key itself is never among
        the settings. Not for an installed box, whose service cannot see home folders: there `sudo scripts/setup
        --key-file FILE` stores the key. EDGEVOICE_API_KEY and such a stored key override this file.
    model: The language model that answers.
    voice: The voice that speaks.
    tts_model: The model that turns text into speech.
    stt_model: The model that transcribes what the user says.
    language: The language in which people speak to the box.
    speed: How fast the voice speaks; 1 is its own pace.
    instructions: Instructions for the model: its role and its manners.
    steering: "auto" lets the model colour its words with directions such as [cheerful] if the tts_model performs them,
        as inworld-tts-2 does; "off" never does.
    temperature: How freely the model words its answers; only Inworld has this field.
    max_output_tokens: The longest answer, in the model's tokens; a longer one is cut off.
    turn_detection: How the end of a turn is detected: semantic_vad by what was said, server_vad by silence alone.
    eagerness: How soon semantic_vad considers a turn finished; low lets people pause and think.
    vad_threshold: How sure server_vad must be that it hears speech; higher for noisy rooms.
    vad_silence_ms: The silence that ends a turn under server_vad.
    vad_prefix_ms: How much audio server_vad keeps from before the detected speech.
    noise_reduction: The service's noise filter: far_field for a box across the room, near_field for a headset.
    provider_data: Further fields of the service (providerData at Inworld), sent unchanged; for example {stt =
        {voice_profile = true}}.
    connect_s: How long connecting may take.
    pong_s: How long the service may leave a ping unanswered before the connection counts as lost.
    """

    url: Address = ""
    dialect: Literal["auto", "inworld", "openai"] = "auto"
    auth: Annotated[Literal["auto", "basic", "bearer"], Meta(extra={"is_private": True})] = "auto"
    key_file: KeyFile = ""
    model: NotEmpty = "openai/gpt-4.1-mini"
    voice: NotEmpty = "Sarah"
    tts_model: NotEmpty = "inworld-tts-2"
    stt_model: NotEmpty = "inworld/inworld-stt-1"
    language: Language = "en"
    speed: Annotated[float, Meta(ge=0.5, le=1.5)] = 1.0
    instructions: str = INSTRUCTIONS
    steering: Literal["auto", "off"] = "auto"
    temperature: Annotated[Annotated[float, Meta(ge=0, le=2)] | None, Meta(extra={"example": 0.7})] = None
    max_output_tokens: Annotated[Annotated[int, Meta(ge=1, le=4096)] | None, Meta(extra={"example": 1024})] = None
    turn_detection: Literal["semantic_vad", "server_vad"] = "semantic_vad"
    eagerness: Literal["low", "medium", "high", "auto"] = "low"
    vad_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    vad_silence_ms: Annotated[int, Meta(ge=100, le=5000)] = 500
    vad_prefix_ms: Annotated[int, Meta(ge=0, le=2000)] = 300
    noise_reduction: Literal["far_field", "near_field", "off"] = "far_field"
    provider_data: dict[str, Any] = {}
    connect_s: Annotated[float, Meta(ge=1, le=60)] = 12.0
    pong_s: Annotated[float, Meta(ge=1, le=60)] = 10.0

    @property
    def spoken_dialect(self) -> Literal["inworld", "openai"]:
        """Return the wire format; for "auto", the host in ``url`` decides."""
        if self.dialect != "auto":
            return self.dialect
        if self.url in {"", "local"}:
            return "inworld"
        host = urlsplit(self.url).hostname or ""
        return "inworld" if f".{host}".endswith(".inworld.ai") else "openai"

    @property
    def may_answer_tools(self) -> bool:
        """Whether the service may answer a tool's output unasked: Inworld does, also under another host name."""
        host = urlsplit(self.url).hostname or ""
        return self.spoken_dialect == "openai" and not host.endswith((".openai.com", ".azure.com"))

    @property
    def spoken_instructions(self) -> str:
        """Return the model's instructions, including how to steer the voice if the voice supports it."""
        return f"{self.instructions}\n\n{STEERING}".lstrip() if self.is_steered else self.instructions

    @property
    def is_steered(self) -> bool:
        """Whether the voice performs steering tags, and may be given them."""
        # The other models read the tags aloud.
        return self.steering != "off" and self.spoken_dialect == "inworld" and self.tts_model == "inworld-tts-2"

    @property
    def spoken_auth(self) -> Literal["basic", "bearer"]:
        """Return how to send the key; for "auto", the dialect decides."""
        if self.auth != "auto":
            return self.auth
        return "basic" if self.spoken_dialect == "inworld" else "bearer"
