"""What a program sees of a conversation: typed events, in the order in which they happen.

Each class has a ``name``, under which ``Agent.on`` registers callbacks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_args

from edgevoice.core.facts import ResponseStatus
from edgevoice.core.notices import Role


@dataclass(frozen=True, slots=True)
class Speaking:
    """A piece of an answer arrived, usually faster than it sounds: mono s16 at 24 kHz, whole samples.

    A program that plays these pieces itself must discard them at ``Interrupted`` of the same answer.
    """

    name: ClassVar = "speaking"
    audio: bytes
    response_id: str


@dataclass(frozen=True, slots=True)
class SpeakingDone:
    """An answer has been played to its last sample."""

    name: ClassVar = "speaking_done"
    response_id: str


@dataclass(frozen=True, slots=True)
class Writing:
    """The words of one speaker so far: ``text`` replaces the earlier text of the same ``item_id``.

    ``added`` is the new text at its end; ``None`` if the service has revised earlier words. ``response_id`` is the
    answer's, and empty for what the user says. Directions for the voice, such as ``[cheerful]``, are left out.
    """

    name: ClassVar = "writing"
    text: str
    role: Role
    response_id: str
    item_id: str
    added: str | None
    is_final: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An answer was cut after ``heard_ms`` milliseconds of its sound.

    ``is_exact``: the program pulls the audio, so that what it has taken is known; otherwise it is what would have been
    heard if each piece had been played as soon as it arrived.
    """

    name: ClassVar = "interrupted"
    response_id: str
    heard_ms: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The service hears the user begin to speak."""

    name: ClassVar = "speech_started"


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The service hears the user stop; the turn may go on."""

    name: ClassVar = "speech_stopped"


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    """A tool is about to run; ``arguments`` is JSON text as the model wrote it, unchecked."""

    name: ClassVar = "tool_call_start"
    call_id: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallResult:
    """A tool has returned; ``output`` is the JSON text that the model gets."""

    name: ClassVar = "tool_call_result"
    call_id: str
    tool: str
    output: str


@dataclass(frozen=True, slots=True)
class TurnDone:
    """An answer is over, with its tools, and has been played or cut; it is the user's turn."""

    name: ClassVar = "turn_done"
    response_id: str
    status: ResponseStatus
    was_interrupted: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost, as the service counts it: tokens by kind."""

    name: ClassVar = "usage"
    tokens: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Error:
    """Something went wrong: a stable ``code``, one line for a person, and whether it ended the session."""

    name: ClassVar = "error"
    code: str
    text: str
    is_fatal: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The conversation is over; ``code`` is that of the error that ended it, and empty if the program did."""

    name: ClassVar = "closed"
    code: str


AgentEvent = (
    Speaking
    | SpeakingDone
    | Writing
    | Interrupted
    | SpeechStarted
    | SpeechStopped
    | ToolCallStart
    | ToolCallResult
    | TurnDone
    | Usage
    | Error
    | Closed
)

NAMES: tuple[str, ...] = tuple(kind.name for kind in get_args(AgentEvent))
