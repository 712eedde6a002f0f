"""The phases of a conversation and every way from one to another. This table owns all transitions."""

from enum import StrEnum


class Phase(StrEnum):
    """Where the conversation stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class Cause(StrEnum):
    """Why a phase ends; the diagram of the documentation shows these words."""

    WOKEN = "wake word or button"
    LINKED = "session open"
    TURN_ENDED = "end of turn"
    ANSWERED = "answer begun"
    SOUNDED = "first sound"
    STALLED = "silent, more to come"
    FINISHED = "answer over"
    INTERRUPTED = "barge-in"
    RESUMED = "false interruption"
    LOST = "session lost"
    HUNG_UP = "hang-up"


TRANSITIONS: dict[tuple[Phase, Cause], Phase] = {
    (Phase.IDLE, Cause.WOKEN): Phase.CONNECTING,
    (Phase.CONNECTING, Cause.LINKED): Phase.LISTENING,
    (Phase.LISTENING, Cause.TURN_ENDED): Phase.THINKING,
    (Phase.LISTENING, Cause.ANSWERED): Phase.THINKING,
    (Phase.THINKING, Cause.SOUNDED): Phase.SPEAKING,
    (Phase.THINKING, Cause.FINISHED): Phase.LISTENING,
    (Phase.THINKING, Cause.INTERRUPTED): Phase.LISTENING,
    (Phase.SPEAKING, Cause.STALLED): Phase.THINKING,
    (Phase.SPEAKING, Cause.FINISHED): Phase.LISTENING,
    (Phase.SPEAKING, Cause.INTERRUPTED): Phase.LISTENING,
    (Phase.LISTENING, Cause.RESUMED): Phase.SPEAKING,
    (Phase.THINKING, Cause.RESUMED): Phase.SPEAKING,
    (Phase.LISTENING, Cause.LOST): Phase.CONNECTING,
    (Phase.THINKING, Cause.LOST): Phase.CONNECTING,
    (Phase.SPEAKING, Cause.LOST): Phase.CONNECTING,
    (Phase.CONNECTING, Cause.HUNG_UP): Phase.IDLE,
    (Phase.LISTENING, Cause.HUNG_UP): Phase.IDLE,
    (Phase.THINKING, Cause.HUNG_UP): Phase.IDLE,
    (Phase.SPEAKING, Cause.HUNG_UP): Phase.IDLE,
}


def after(phase: Phase, cause: Cause) -> Phase:
    """Return the phase that follows; a transition that is not in the table is a fault of ours: ``LookupError``."""
    try:
        return TRANSITIONS[phase, cause]
    except KeyError:
        raise LookupError(f"no transition from {phase} by {cause.name}") from None
