"""Orders: everything that comes out of the conversation, in the imperative; carried out in the order given."""

from enum import StrEnum

from msgspec import Struct

from edgevoice.core.announcements import AnnouncementOutcome, RingOutcome
from edgevoice.core.facts import ToolCall


class Earcon(StrEnum):
    """A short status sound; each has one meaning. Those for a limit or a fault are spoken if the words are recorded."""

    AWAKE = "awake"
    DONE = "done"
    MUTED = "muted"
    UNMUTED = "unmuted"
    ERROR = "error"
    TIMER = "timer"
    VOLUME = "volume"
    VOLUME_END = "volume-end"
    APPROVAL = "approval"
    CHIME = "chime"
    FORGOTTEN = "forgotten"
    SESSION_SPENT = "session-spent"
    BUDGET_SPENT = "budget-spent"
    NO_NETWORK = "no-network"
    NO_SERVICE = "no-service"
    BAD_KEY = "bad-key"
    NO_CREDIT = "no-credit"
    NO_MICROPHONE = "no-microphone"
    NO_PROXY = "no-proxy"
    WRONG_CLOCK = "wrong-clock"


class Light(StrEnum):
    """What the panel shows; one light at a time, so that a person never has to combine two."""

    OFF = "off"
    STARTING = "starting"
    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    WORKING = "working"
    SPEAKING = "speaking"
    DUCKED = "ducked"
    ANNOUNCING = "announcing"
    MUTED = "muted"
    RINGING = "ringing"
    VOLUME = "volume"
    FAULT = "fault"
    STOPPING = "stopping"


class OpenLink(Struct, frozen=True):
    """Dial the service and configure a session; ``word`` is the wake word that asked for it, empty for the button.

    ``resumes``: the session continues a lost one, so the service is sent the last turns.
    """

    word: str = ""
    resumes: bool = False


class CloseLink(Struct, frozen=True):
    """Hang up."""


class KeepUplink(Struct, frozen=True):
    """Keep what the microphone hears, starting with the pre-roll before ``at_sample``, until the uplink opens.

    Without ``has_preroll`` it is kept from ``at_sample`` itself; ``None`` stands for the newest sample.
    """

    at_sample: int | None
    has_preroll: bool = True


class MarkTurn(Struct, frozen=True):
    """Mark this moment, roughly, as the beginning of the user's turn."""


class RewindUplink(Struct, frozen=True):
    """Keep the user's turn from its beginning, to be sent again: the session that heard it is lost."""


class OpenUplink(Struct, frozen=True):
    """Send what was kept, in order, then what the microphone hears from now on."""


class SilenceUplink(Struct, frozen=True):
    """Go on sending, but zeros: time must pass for the service, but it must not hear this."""


class CloseUplink(Struct, frozen=True):
    """Send nothing."""


class MuteMicrophone(Struct, frozen=True):
    """Drop what the microphone hears before anything else sees it, and clear what was kept."""


class UnmuteMicrophone(Struct, frozen=True):
    """Let the microphone be heard again."""


class CutPlayback(Struct, frozen=True):
    """Silence the answer now.

    ``keeps_rest``: what was not heard is kept, because it is not known yet whether anybody spoke; ``ResumePlayback`` or
    ``DropPlayback`` follows within seconds.
    """

    keeps_rest: bool = False


class ResumePlayback(Struct, frozen=True):
    """Resume the answer that was cut, from the first sample that was not heard: the interruption was false."""


class DropPlayback(Struct, frozen=True):
    """Drop the rest of the answer that was cut: somebody spoke."""


class StopBackchannel(Struct, frozen=True):
    """Silence a backchannel: it is no longer the user's turn."""


class DuckPlayback(Struct, frozen=True):
    """Lower the answer: somebody may be speaking over it."""


class RestorePlayback(Struct, frozen=True):
    """Bring a lowered answer back to its normal volume."""


class TruncateItem(Struct, frozen=True):
    """Report to the service that only ``heard_ms`` of an item were heard."""

    item_id: str
    content_index: int
    heard_ms: int


class DeleteItem(Struct, frozen=True):
    """Report to the service that nothing of an item was heard."""

    item_id: str


class DeleteTurn(Struct, frozen=True):
    """Remove a turn in which nobody said a word from the conversation."""

    item_id: str


class ExtendItem(Struct, frozen=True):
    """Report to the service that more of an item was heard than reported before, because the answer was resumed.

    ``heard_ms`` is how much; ``None`` stands for all that the service sent of it.
    """

    item_id: str
    heard_ms: int | None = None


class CancelResponse(Struct, frozen=True):
    """Stop the service from generating an answer that will not be heard."""

    response_id: str


class RunTool(Struct, frozen=True):
    """Run a tool beside the audio."""

    call: ToolCall


class AbandonTools(Struct, frozen=True):
    """Let running tools know that nobody waits for their results: what they return is only sent for the record."""

    call_ids: tuple[str, ...]


class AddNote(Struct, frozen=True):
    """Report to the model, beside what was said, what has happened meanwhile; not an answer, and nobody's words."""

    text: str


class SendToolOutput(Struct, frozen=True):
    """Send a tool's output to the service."""

    call_id: str
    output: str


class CreateResponse(Struct, frozen=True):
    """Ask the service for an answer; ``may_call_tools`` is false for a parting word.

    ``asking``: instructions for an answer that asks the user whether a tool may run; they replace the session's.
    """

    may_call_tools: bool = True
    asking: str = ""


class PlayEarcon(Struct, frozen=True):
    """Mix a short sound over whatever is playing."""

    earcon: Earcon


class StopEarcons(Struct, frozen=True):
    """Silence every earcon that is still sounding."""


class ChangeVolume(Struct, frozen=True):
    """Change the volume of the answers by this many percent, and sound how loud that is."""

    percent: int


class PlayRing(Struct, frozen=True):
    """Sound the alarm earcon, then the clip that names what rings, if the speaker has one of this id.

    ``gain_db``: how much softer than the full volume of a ring.
    """

    clip_id: str
    gain_db: float = 0.0


class PlayClip(Struct, frozen=True):
    """Sound a clip that the speaker was given under this id, as loud as an answer; ``has_chime``: an earcon first."""

    clip_id: str
    has_chime: bool = False


class CutClip(Struct, frozen=True):
    """Silence the ring or the clip that sounds; what was heard of a clip is reported."""


class ReportRing(Struct, frozen=True):
    """Report to whoever observes the box how a ring ended."""

    ring_id: int
    outcome: RingOutcome


class ReportAnnouncement(Struct, frozen=True):
    """Report to whoever observes the box how an announcement ended; ``heard_ms``: how much was heard of one cut."""

    announcement_id: str
    outcome: AnnouncementOutcome
    heard_ms: int = 0


class ShowLight(Struct, frozen=True):
    """Show a light pattern; ``reason`` is the code of the fault when the light shows one.

    ``level``, 0 to 1, is the volume when the light shows that; a row of pixels shows it as a bar.
    """

    light: Light
    reason: str = ""
    level: float = 1.0


class ForgetEverything(Struct, frozen=True):
    """Forget what is remembered of conversations; whoever keeps it observes the box."""


class ShutDown(Struct, frozen=True):
    """Shut the machine down; whoever may do so observes the box."""


SpeakerOrder = (
    CutPlayback
    | ResumePlayback
    | DropPlayback
    | StopBackchannel
    | DuckPlayback
    | RestorePlayback
    | ChangeVolume
    | PlayEarcon
    | StopEarcons
    | PlayRing
    | PlayClip
    | CutClip
)
MicrophoneOrder = (
    KeepUplink | MarkTurn | RewindUplink | OpenUplink | SilenceUplink | CloseUplink | MuteMicrophone | UnmuteMicrophone
)
ServiceOrder = (
    OpenLink
    | CloseLink
    | TruncateItem
    | DeleteItem
    | DeleteTurn
    | ExtendItem
    | CancelResponse
    | AddNote
    | SendToolOutput
    | CreateResponse
)
ReportOrder = ReportRing | ReportAnnouncement | ForgetEverything | ShutDown
ToolOrder = RunTool | AbandonTools
Action = SpeakerOrder | MicrophoneOrder | ServiceOrder | ReportOrder | ToolOrder | ShowLight
