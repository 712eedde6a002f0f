"""Orders: everything that comes out of the conversation, in the imperative; to be obeyed in the order given."""

from dataclasses import dataclass
from enum import StrEnum

from edgevoice.core.facts import ToolCall


class Earcon(StrEnum):
    """A short status sound; each has one meaning. Those of a limit are spoken where the box has learnt the words."""

    MUTED = "muted"
    UNMUTED = "unmuted"
    TROUBLE = "trouble"
    ALARM = "alarm"
    SESSION_SPENT = "session-spent"
    BUDGET_SPENT = "budget-spent"
    LISTENING = "listening"
    LISTENING_OVER = "listening-over"


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
    """Silence the answer now.

    ``keeps_rest`` says that what was not heard is kept, because it is not known yet whether anybody spoke:
    ``ResumePlayback`` or ``DropPlayback`` follows within seconds.
    """

    keeps_rest: bool = False


@dataclass(frozen=True, slots=True)
class ResumePlayback:
    """Go on with the answer that was cut, from the first sample that was not heard: it was a false interruption."""


@dataclass(frozen=True, slots=True)
class DropPlayback:
    """Forget the rest of the answer that was cut: somebody spoke."""


@dataclass(frozen=True, slots=True)
class StopBackchannel:
    """Silence a backchannel: it is not the user's turn any more."""


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
class DeleteTurn:
    """Take a turn in which nobody said a word out of the conversation."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ExtendItem:
    """Tell the service that more of an item was heard than it was told, because the answer was resumed.

    ``heard_ms`` is how much; ``None`` stands for all that the service sent of it.
    """

    item_id: str
    heard_ms: int | None = None


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


SpeakerOrder = (
    CutPlayback
    | ResumePlayback
    | DropPlayback
    | StopBackchannel
    | DuckPlayback
    | RestorePlayback
    | PlayEarcon
    | StopEarcons
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
    | SendToolOutput
    | CreateResponse
)
Action = SpeakerOrder | MicrophoneOrder | ServiceOrder | RunTool | ShowLight
