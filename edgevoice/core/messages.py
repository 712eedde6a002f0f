"""Facts and orders: everything that goes into the conversation and everything that comes out of it.

Facts are in the past tense, orders in the imperative. Times are monotonic seconds, given beside a fact, never inside
it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# --- words that facts and orders share -------------------------------------------------------------------------------


class Earcon(StrEnum):
    """A short status sound; each has one meaning."""

    MUTED = "muted"
    UNMUTED = "unmuted"
    TROUBLE = "trouble"
    ALARM = "alarm"


class Light(StrEnum):
    """What the panel shows; one at a time, so that a person never has to combine two."""

    OFF = "off"
    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    MUTED = "muted"
    RINGING = "ringing"
    FAULT = "fault"


class Device(StrEnum):
    """A half of the sound system."""

    MICROPHONE = "microphone"
    SPEAKER = "speaker"


class ResponseStatus(StrEnum):
    """How a response ended, in the service's own words."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class Role(StrEnum):
    """Whose words a transcript holds."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants run; ``arguments`` is JSON text, as received and unchecked."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ItemHeard:
    """How much of one item's audio the room heard.

    ``heard_ms`` and ``received_ms`` are whole milliseconds, rounded down, so that a truncate never asks for more than
    there is. ``is_complete`` says that the service had sent all of it.
    """

    item_id: str
    content_index: int
    heard_ms: int
    received_ms: int
    is_complete: bool


# --- facts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WakeWordHeard:
    """The wake word was detected; ``at_sample`` is the near-end sample just after the frame that decided."""

    word: str
    score: float
    at_sample: int


@dataclass(frozen=True, slots=True)
class TalkPressed:
    """The talk button was pressed; ``at_sample`` is the newest near-end sample."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class TalkHeld:
    """The talk button was held: the conversation is over, whatever it is doing."""


@dataclass(frozen=True, slots=True)
class MutePressed:
    """The mute button was pressed: muted becomes unmuted and the other way round."""


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """The service accepted the session and its configuration."""


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The session ended without our asking; ``code`` is an error's stable code."""

    code: str
    is_retriable: bool


@dataclass(frozen=True, slots=True)
class UserStartedSpeaking:
    """The service heard speech begin."""


@dataclass(frozen=True, slots=True)
class UserStoppedSpeaking:
    """The service heard speech end; the turn may go on."""


@dataclass(frozen=True, slots=True)
class NearSpeechBegan:
    """The box itself heard something over its own answer: perhaps speech, perhaps a door.

    ``at_sample`` is a near-end sample from before its first sound.
    """

    at_sample: int


@dataclass(frozen=True, slots=True)
class NearSpeechConfirmed:
    """What the box heard over its own answer is speech; ``at_sample`` is a near-end sample from before it began."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class NearSpeechFaded:
    """What the box heard over its own answer was no speech, or is over."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The service took the user's turn as finished."""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The service began an answer."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """An answer is complete on the wire; its sound usually goes on for seconds."""

    response_id: str
    status: ResponseStatus
    calls: tuple[ToolCall, ...] = ()
    has_audio: bool = False


@dataclass(frozen=True, slots=True)
class ServiceComplained:
    """The service reported an error that leaves the session alive; ``code`` may be empty."""

    code: str


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """Audio of the answer reached an idle playout buffer; ``burst`` numbers the stretch of playback that begins."""

    burst: int


@dataclass(frozen=True, slots=True)
class PlaybackDrained:
    """Everything in the playout buffer was handed to the card."""

    burst: int


@dataclass(frozen=True, slots=True)
class PlaybackCut:
    """Playback was cut; ``items`` tells, oldest first, what the room heard of each item that had not ended."""

    items: tuple[ItemHeard, ...]


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool answered; ``output`` is JSON text for the model."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class GoodbyeRequested:
    """A tool asked for the end of the conversation once the answer has been spoken."""


@dataclass(frozen=True, slots=True)
class TimerRang:
    """A kitchen timer is up."""


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A half of the sound system is gone."""

    device: Device


@dataclass(frozen=True, slots=True)
class DeviceRestored:
    """A half of the sound system works again."""

    device: Device


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The deadline that the conversation had published is over."""


Event = (
    WakeWordHeard
    | TalkPressed
    | TalkHeld
    | MutePressed
    | LinkOpened
    | LinkLost
    | UserStartedSpeaking
    | UserStoppedSpeaking
    | NearSpeechBegan
    | NearSpeechConfirmed
    | NearSpeechFaded
    | TurnEnded
    | ResponseStarted
    | ResponseEnded
    | ServiceComplained
    | PlaybackStarted
    | PlaybackDrained
    | PlaybackCut
    | ToolFinished
    | GoodbyeRequested
    | TimerRang
    | DeviceLost
    | DeviceRestored
    | DeadlinePassed
)


# --- orders ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Dial the service and configure a session; ``word`` is the wake word that asked for it, empty for the button.

    ``resumes`` says that it goes on where the one that was lost ended: the service is told the last turns.
    """

    word: str = ""
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Hang up."""


@dataclass(frozen=True, slots=True)
class KeepUplink:
    """Keep what the microphone hears, from the pre-roll before ``at_sample`` on, until the uplink opens.

    Without ``has_preroll`` it is kept from ``at_sample`` itself on.
    """

    at_sample: int
    has_preroll: bool = True


@dataclass(frozen=True, slots=True)
class MarkTurn:
    """Remember that from about here on it is the user's turn."""


@dataclass(frozen=True, slots=True)
class RewindUplink:
    """Keep the user's turn from its beginning on, to be sent again: the session that heard it is lost."""


@dataclass(frozen=True, slots=True)
class OpenUplink:
    """Send what was kept, in order, then what the microphone hears from now on."""


@dataclass(frozen=True, slots=True)
class SilenceUplink:
    """Go on sending, but zeros: the service's ears need time to pass, and must not hear this."""


@dataclass(frozen=True, slots=True)
class CloseUplink:
    """Send nothing."""


@dataclass(frozen=True, slots=True)
class MuteMicrophone:
    """Drop what the microphone hears before anything else sees it, and forget what was kept."""


@dataclass(frozen=True, slots=True)
class UnmuteMicrophone:
    """Let the microphone be heard again."""


@dataclass(frozen=True, slots=True)
class CutPlayback:
    """Silence the answer now."""


@dataclass(frozen=True, slots=True)
class DuckPlayback:
    """Lower the answer: somebody may be speaking over it."""


@dataclass(frozen=True, slots=True)
class RestorePlayback:
    """Bring a lowered answer back to its volume."""


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """Tell the service that only ``heard_ms`` of an item were heard."""

    item_id: str
    content_index: int
    heard_ms: int


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Tell the service that nothing of an item was heard."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop the service from going on with an answer that nobody will hear."""

    response_id: str


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool beside the audio."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class SendToolOutput:
    """Give the service a tool's answer."""

    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """Ask the service to answer; ``may_call_tools`` is false for a parting word."""

    may_call_tools: bool = True


@dataclass(frozen=True, slots=True)
class PlayEarcon:
    """Mix a short sound over whatever is playing."""

    earcon: Earcon


@dataclass(frozen=True, slots=True)
class StopEarcons:
    """Silence every earcon that still sounds."""


@dataclass(frozen=True, slots=True)
class ShowLight:
    """Show a light pattern; ``reason`` is the code of the fault when the light shows one."""

    light: Light
    reason: str = ""


Action = (
    OpenLink
    | CloseLink
    | KeepUplink
    | MarkTurn
    | RewindUplink
    | OpenUplink
    | SilenceUplink
    | CloseUplink
    | MuteMicrophone
    | UnmuteMicrophone
    | CutPlayback
    | DuckPlayback
    | RestorePlayback
    | TruncateItem
    | DeleteItem
    | CancelResponse
    | RunTool
    | SendToolOutput
    | CreateResponse
    | PlayEarcon
    | StopEarcons
    | ShowLight
)


# --- what only observers see: it passes beside the conversation, which decides nothing by it
# ---------------------------


@dataclass(frozen=True, slots=True)
class TranscriptChanged:
    """Somebody's words so far; ``text`` replaces what was told before of the same item. Never logged."""

    role: Role
    item_id: str
    text: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class PhaseEntered:
    """The conversation entered a phase."""

    phase: str


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """A piece of the answer's audio was admitted by the fence: mono s16 at 24 kHz, perhaps ending in mid-sample."""

    response_id: str
    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class UplinkSent:
    """A chunk of near-end audio went to the service; ``first_sample`` counts at the near-end rate."""

    first_sample: int
    samples: int


@dataclass(frozen=True, slots=True)
class UsageTold:
    """The service told what an answer cost, in its own units."""

    tokens: Mapping[str, int] = field(default_factory=dict)


Notice = Event | Action | TranscriptChanged | PhaseEntered | AudioReceived | UplinkSent | UsageTold
