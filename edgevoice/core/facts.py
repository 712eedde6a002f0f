"""Facts: what goes into the conversation, in the past tense; its time, in monotonic seconds, is passed beside it."""

from enum import StrEnum

from msgspec import Struct

from edgevoice.core.announcements import AnnouncementFact, StopWordHeard
from edgevoice.core.guest_facts import GuestFact
from edgevoice.core.panel_facts import PanelFact


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
"""How an answer ends that the service could not finish; a cancelled answer was ended on purpose."""


class ToolCall(Struct, frozen=True):
    """A tool that the model wants run; ``arguments`` is JSON text, as received and unchecked."""

    call_id: str
    name: str
    arguments: str


class ItemHeard(Struct, frozen=True):
    """How much of one item's audio the room heard.

    ``heard_ms`` and ``received_ms`` are whole milliseconds, rounded down, so that a truncate never asks for more than
    there is. ``is_complete`` says that the service had sent all of it.
    """

    item_id: str
    content_index: int
    heard_ms: int
    received_ms: int
    is_complete: bool


class WakeWordHeard(Struct, frozen=True):
    """The wake word was detected; ``at_sample`` is the near-end sample just after the frame that decided."""

    word: str
    score: float
    at_sample: int


class WakeRequested(Struct, frozen=True):
    """A program asks for what the wake word does; ``word`` is the one whose settings apply, empty for none.

    ``at_sample`` is the newest near-end sample.
    """

    word: str
    at_sample: int


class TalkPressed(Struct, frozen=True):
    """The talk button was pressed; ``at_sample`` is the newest near-end sample."""

    at_sample: int


class TalkHeld(Struct, frozen=True):
    """The talk button was held: the conversation is over, and with ``cancels_waiting`` whatever waits to be said."""

    cancels_waiting: bool = False


class MutePressed(Struct, frozen=True):
    """The mute button was pressed: it toggles between muted and unmuted."""


class LinkOpened(Struct, frozen=True):
    """The service accepted the session and its configuration."""


class SessionExpires(Struct, frozen=True):
    """The service will end the open session in this many seconds."""

    in_s: float


class LinkLost(Struct, frozen=True):
    """The session ended without our asking; ``code`` is an error's stable code."""

    code: str
    is_retriable: bool


class UserStartedSpeaking(Struct, frozen=True):
    """The service heard speech begin."""


class UserStoppedSpeaking(Struct, frozen=True):
    """The service heard speech end; the turn may go on."""


class NearSpeechBegan(Struct, frozen=True):
    """The box itself heard something over its own answer: perhaps speech, perhaps a door.

    ``at_sample`` is a near-end sample from before its first sound.
    """

    at_sample: int


class NearSpeechConfirmed(Struct, frozen=True):
    """What the box heard over its own answer is speech; ``at_sample`` is a near-end sample from before it began."""

    at_sample: int


class NearSpeechFaded(Struct, frozen=True):
    """What the box heard over its own answer was not speech, or is over."""


class NearSpeechEnded(Struct, frozen=True):
    """Speech that the box had confirmed over its own answer is over: 300 ms without a voice."""


class RoomMeasured(Struct, frozen=True):
    """The noise in the room has become as loud as the people who speak to the box, or no longer is."""

    is_loud: bool


class TurnEnded(Struct, frozen=True):
    """The service took the user's turn as finished, or an answer was requested by the name ``request``."""

    request: str = ""


class TurnTranscribed(Struct, frozen=True):
    """The service transcribed the last turn that it heard: with or without words, and perhaps not yet all of them.

    ``item_id`` is that of the turn, empty if the service names none. What was said is not in it.
    """

    item_id: str
    has_words: bool
    is_final: bool


class AnswerArrived(Struct, frozen=True):
    """The first sound of an answer arrived while the rest of another was kept; it has not been played yet."""

    response_id: str


class ResponseStarted(Struct, frozen=True):
    """The service began an answer; ``request`` is the name of our request, if it had one and the service repeats it."""

    response_id: str
    request: str = ""


class AnswerProgressed(Struct, frozen=True):
    """The service made progress on an answer that makes no sound; reported at most once a second.

    ``response_id`` is empty if the service names none: it is then the open response.
    """

    response_id: str = ""


class ItemEnded(Struct, frozen=True):
    """The service has sent all of one item of an answer; usually the end of the answer follows at once."""

    response_id: str


class CallMade(Struct, frozen=True):
    """The service has sent all of one call of an answer; the call is run when the answer is complete."""

    response_id: str
    call: ToolCall


class ResponseEnded(Struct, frozen=True):
    """An answer is complete on the wire; it usually sounds for some seconds longer.

    ``fault`` is the stable code of an error if the answer failed, else empty. ``has_broken``: it failed because
    something has failed inside the service, or the service does not say why.
    """

    response_id: str
    status: ResponseStatus
    calls: tuple[ToolCall, ...] = ()
    has_audio: bool = False
    fault: str = ""
    has_broken: bool = False


class ServiceComplained(Struct, frozen=True):
    """The service reported an error that leaves the session open; ``code`` is the service's own, and may be empty.

    ``fault`` is the stable code of our matching error, empty if there is none. ``has_broken``: something has failed
    inside the service, whatever we asked for.
    """

    code: str
    fault: str = ""
    has_broken: bool = False


ACTIVE_RESPONSE = "conversation_already_has_active_response"
"""The service's code when it is asked for an answer while it generates another: it then gives none."""


class BackchannelStarted(Struct, frozen=True):
    """The service began a backchannel, its "mm-hm" while the user speaks; it is not an answer."""

    backchannel_id: str


class PlaybackStarted(Struct, frozen=True):
    """Audio of the answer reached an idle playout buffer; ``burst`` numbers the stretch of playback that begins."""

    burst: int


class PlaybackDrained(Struct, frozen=True):
    """Everything in the playout buffer was handed to the card."""

    burst: int


class PlaybackCut(Struct, frozen=True):
    """Playback was cut; ``items`` says, oldest first, what the room heard of each part of items that had not ended."""

    items: tuple[ItemHeard, ...]


class ToolFinished(Struct, frozen=True):
    """A tool returned; ``output`` is JSON text for the model.

    ``asking``: the tool has not run, because the user must agree first; these are the instructions for an answer that
    asks them. Its result follows later, as `ApprovalSettled`. ``is_wish_refused``: the output says why what was wished
    cannot be, and nothing has failed.
    """

    call_id: str
    output: str
    asking: str = ""
    is_wish_refused: bool = False


class ApprovalSettled(Struct, frozen=True):
    """A tool that had to wait for the user's approval has run, or was declined; ``output`` is its JSON text.

    The call was answered when the user was asked, so ``note`` reports the result to the model in words, unless it has
    it from another call. ``is_spoken``: the user should hear of it.
    """

    call_id: str
    tool: str
    output: str
    note: str
    is_spoken: bool


class GoodbyeRequested(Struct, frozen=True):
    """A tool asked to end the conversation once the answer has been spoken."""


class DeviceLost(Struct, frozen=True):
    """A half of the sound system is gone."""

    device: Device


class DeviceRestored(Struct, frozen=True):
    """A half of the sound system works again."""

    device: Device


class HearingImpaired(Struct, frozen=True):
    """The microphone works, but the wake word is not heard; ``code`` says why."""

    code: str


class HearingRestored(Struct, frozen=True):
    """The wake word is heard again."""


class BudgetTold(Struct, frozen=True):
    """How long sessions may still be open today, in seconds; ``None`` when nothing limits that."""

    left_s: float | None


class DeadlinePassed(Struct, frozen=True):
    """The deadline that the conversation had published has passed."""


class LoopStalled(Struct, frozen=True):
    """The published deadline was noticed ``late_s`` seconds late: what was awaited may not be reported yet."""

    late_s: float


UserFact = (
    WakeWordHeard
    | WakeRequested
    | TalkPressed
    | TalkHeld
    | MutePressed
    | PanelFact
    | StopWordHeard
    | NearSpeechBegan
    | NearSpeechConfirmed
    | NearSpeechFaded
    | NearSpeechEnded
)
"""What a person did, as the box itself detects it, or a program in their place."""

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
"""What arrived over the link, or happened to it."""

BoxFact = (
    PlaybackStarted
    | PlaybackDrained
    | PlaybackCut
    | ToolFinished
    | ApprovalSettled
    | GoodbyeRequested
    | AnnouncementFact
    | DeviceLost
    | DeviceRestored
    | HearingImpaired
    | HearingRestored
    | GuestFact
    | RoomMeasured
    | BudgetTold
    | DeadlinePassed
    | LoopStalled
)
"""What happened in the box and around it: playback, tools, devices, the room, time."""

Event = UserFact | ServiceFact | BoxFact
