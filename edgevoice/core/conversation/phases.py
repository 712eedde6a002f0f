"""The phases of a conversation and every transition between them. This table owns all transitions."""

from enum import StrEnum


class Phase(StrEnum):
    """The phase that the conversation is in."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class PhaseCause(StrEnum):
    """Why a phase ends; the diagram in the documentation shows these words."""

    WOKEN = "wake word or button"
    LINKED = "session open"
    TURN_ENDED = "end of turn"
    ANSWERED = "answer begun"
    SOUNDED = "first sound"
    REPORTED = "a tool's report"
    STALLED = "silent, more to come"
    FINISHED = "answer over"
    INTERRUPTED = "barge-in"
    RESUMED = "false interruption"
    LOST = "session lost"
    HUNG_UP = "hang-up"


TRANSITIONS: dict[tuple[Phase, PhaseCause], Phase] = {
    (Phase.IDLE, PhaseCause.WOKEN): Phase.CONNECTING,
    (Phase.CONNECTING, PhaseCause.LINKED): Phase.LISTENING,
    (Phase.LISTENING, PhaseCause.TURN_ENDED): Phase.THINKING,
    (Phase.LISTENING, PhaseCause.ANSWERED): Phase.THINKING,
    (Phase.LISTENING, PhaseCause.REPORTED): Phase.THINKING,
    (Phase.THINKING, PhaseCause.SOUNDED): Phase.SPEAKING,
    (Phase.THINKING, PhaseCause.FINISHED): Phase.LISTENING,
    (Phase.THINKING, PhaseCause.INTERRUPTED): Phase.LISTENING,
    (Phase.SPEAKING, PhaseCause.STALLED): Phase.THINKING,
    (Phase.SPEAKING, PhaseCause.FINISHED): Phase.LISTENING,
    (Phase.SPEAKING, PhaseCause.INTERRUPTED): Phase.LISTENING,
    (Phase.LISTENING, PhaseCause.RESUMED): Phase.SPEAKING,
    (Phase.THINKING, PhaseCause.RESUMED): Phase.SPEAKING,
    (Phase.LISTENING, PhaseCause.LOST): Phase.CONNECTING,
    (Phase.THINKING, PhaseCause.LOST): Phase.CONNECTING,
    (Phase.SPEAKING, PhaseCause.LOST): Phase.CONNECTING,
    (Phase.CONNECTING, PhaseCause.HUNG_UP): Phase.IDLE,
    (Phase.LISTENING, PhaseCause.HUNG_UP): Phase.IDLE,
    (Phase.THINKING, PhaseCause.HUNG_UP): Phase.IDLE,
    (Phase.SPEAKING, PhaseCause.HUNG_UP): Phase.IDLE,
}


def after(phase: Phase, cause: PhaseCause) -> Phase:
    """Return the phase that follows; a transition that is not in the table is a bug: ``LookupError``."""
    try:
        return TRANSITIONS[phase, cause]
    except KeyError:
        raise LookupError(f"no transition from {phase} by {cause.name}") from None
