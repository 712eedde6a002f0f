"""Facts: everything that goes into the conversation, in the past tense.

Times are monotonic seconds, given beside a fact, never inside it.
"""

from dataclasses import dataclass
from enum import StrEnum


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


FAILURES = frozenset({ResponseStatus.FAILED, ResponseStatus.INCOMPLETE})
"""How an answer ends that the service could not finish; one that is cancelled is an order of somebody's."""


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
class SessionExpires:
    """The service will end the session that is open in so many seconds."""

    in_s: float


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
class NearSpeechEnded:
    """Speech that the box had confirmed over its own answer is over: 300 ms without a voice."""


@dataclass(frozen=True, slots=True)
class RoomMeasured:
    """What goes on in the room has become as loud as the people who speak to the box, or is so no more."""

    is_loud: bool


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The service took the user's turn as finished."""


@dataclass(frozen=True, slots=True)
class TurnTranscribed:
    """The service wrote down the turn that it heard last: with or without words in it, and perhaps not all of them yet.

    ``item_id`` is that of the turn, empty where the service names none. What was said is not in it.
    """

    item_id: str
    has_words: bool
    is_final: bool


@dataclass(frozen=True, slots=True)
class AnswerArrived:
    """The first sound of an answer came while the rest of another was kept; it has not been played yet."""

    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The service began an answer."""

    response_id: str


@dataclass(frozen=True, slots=True)
class AnswerProgressed:
    """The service goes on with an answer by something that makes no sound; told at most once a second.

    ``response_id`` is empty where the service names none: it is the one that is open.
    """

    response_id: str = ""


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """The service has sent all of one item of an answer; usually the end of the answer follows at once."""

    response_id: str


@dataclass(frozen=True, slots=True)
class CallMade:
    """The service has sent all of one call of an answer; it is run when the answer is complete."""

    response_id: str
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """An answer is complete on the wire; its sound usually goes on for seconds.

    ``fault`` is the stable code of an error when the answer failed, else empty.
    """

    response_id: str
    status: ResponseStatus
    calls: tuple[ToolCall, ...] = ()
    has_audio: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ServiceComplained:
    """The service reported an error that leaves the session alive; ``code`` is its own, and may be empty.

    ``fault`` is the stable code of the error that it stands for, empty where it is not known.
    """

    code: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class BackchannelStarted:
    """The service said the first of a backchannel, its "mm-hm" while the user speaks; it is no answer."""

    backchannel_id: str


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
    """Playback was cut; ``items`` tells, oldest first, what the room heard of each part of items that had not ended."""

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
class HearingImpaired:
    """The microphone works, and the wake word is not heard all the same; ``code`` says why."""

    code: str


@dataclass(frozen=True, slots=True)
class HearingRestored:
    """The wake word is heard again."""


@dataclass(frozen=True, slots=True)
class BudgetTold:
    """How long sessions may still be open today, in seconds; ``None`` when nothing limits that."""

    left_s: float | None


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The deadline that the conversation had published is over."""


@dataclass(frozen=True, slots=True)
class LoopStalled:
    """The deadline that the conversation had published is over, and was noticed ``late_s`` seconds too late.

    Whatever was waited for may have come meanwhile and not been told of yet.
    """

    late_s: float


UserFact = (
    WakeWordHeard
    | TalkPressed
    | TalkHeld
    | MutePressed
    | NearSpeechBegan
    | NearSpeechConfirmed
    | NearSpeechFaded
    | NearSpeechEnded
)
"""What a person did, as the box itself hears and feels it."""

ServiceFact = (
    LinkOpened
    | SessionExpires
    | LinkLost
    | UserStartedSpeaking
    | UserStoppedSpeaking
    | TurnEnded
    | TurnTranscribed
    | AnswerArrived
    | ResponseStarted
    | AnswerProgressed
    | ItemEnded
    | CallMade
    | ResponseEnded
    | ServiceComplained
    | BackchannelStarted
)
"""What came over the link, or became of it."""

BoxFact = (
    PlaybackStarted
    | PlaybackDrained
    | PlaybackCut
    | ToolFinished
    | GoodbyeRequested
    | TimerRang
    | DeviceLost
    | DeviceRestored
    | HearingImpaired
    | HearingRestored
    | RoomMeasured
    | BudgetTold
    | DeadlinePassed
    | LoopStalled
)
"""What happened inside the box and around it: playback, tools, devices, the room, time."""

Event = UserFact | ServiceFact | BoxFact
