"""Notices for observers: each fact, each order, and events beside the conversation, which ignores them."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Event
from edgevoice.core.orders import Action


class Role(StrEnum):
    """Whose words a transcript holds."""

    USER = "user"
    ASSISTANT = "assistant"


class TranscriptChanged(Struct, frozen=True):
    """The words of one speaker so far; ``text`` replaces earlier text of the same item. Never logged."""

    role: Role
    item_id: str
    text: str
    is_final: bool


class PhaseEntered(Struct, frozen=True):
    """The conversation entered a phase."""

    phase: Phase


class SpeechIgnored(Struct, frozen=True):
    """From now on only the wake word and the button interrupt the answer: the room is too noisy, as ``noise`` says."""

    noise: Noise


class SpeechHeeded(Struct, frozen=True):
    """Speech may interrupt again: the answer is over, or the room has fallen quiet."""


class RingingBegan(Struct, frozen=True):
    """Something rings; until ``RingingEnded`` the single words that end it may be heard."""


class RingingEnded(Struct, frozen=True):
    """Nothing rings any more."""


class AudioReceived(Struct, frozen=True):
    """A piece of the answer's audio passed the fence: mono s16 at 24 kHz; it may end in the middle of a sample."""

    response_id: str
    item_id: str
    pcm: bytes


class UplinkSent(Struct, frozen=True):
    """A chunk of near-end audio went to the service; ``first_sample`` counts at the near-end rate."""

    first_sample: int
    samples: int


class UsageTold(Struct, frozen=True):
    """The service reported what an answer cost, in its own units."""

    tokens: Mapping[str, int] = field(default_factory=dict)


class ServiceStateChanged(Struct, frozen=True):
    """The service reported what it wants back with its next session: a JSON object as text. Never logged."""

    state: str


Notice = (
    Event
    | Action
    | TranscriptChanged
    | PhaseEntered
    | SpeechIgnored
    | SpeechHeeded
    | RingingBegan
    | RingingEnded
    | AudioReceived
    | UplinkSent
    | UsageTold
    | ServiceStateChanged
)
