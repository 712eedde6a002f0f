"""Progress: which events show that the service is still working on an answer without sound. No I/O, no clock."""

from edgevoice.core.facts import AnswerProgressed
from edgevoice.core.protocol import wire

_EVERY_S = 1.0
"""Dozens of deltas arrive in a second, while waiting for progress takes seconds."""


class Progress:
    """One session's progress; a new session needs a new one."""

    def __init__(self) -> None:
        self._next_at = 0.0

    def take(self, event: wire.ServerEvent, now: float) -> list[AnswerProgressed]:
        """Take one event of the service and the monotonic time; return the progress to report, if any."""
        response_id = _response_of(event)
        if response_id is None or now < self._next_at:
            return []
        self._next_at = now + _EVERY_S
        return [AnswerProgressed(response_id)]


def _response_of(event: wire.ServerEvent) -> str | None:
    """Return the response of a soundless delta, empty if unknown; ``None`` for an event that is no such delta."""
    match event:
        case wire.AudioDelta(delta=pcm) if pcm:
            return None  # sound is reported elsewhere
        case wire.AudioDelta(response_id=response_id) | wire.TranscriptDelta(response_id=response_id):
            return response_id
        case wire.Unknown(type=kind) if kind.startswith("response.backchannel."):
            return None  # it belongs to no answer
        case wire.Unknown(type=kind) if kind.startswith("response.") and kind.endswith(".delta"):
            # A tool's arguments, or plain text: they are useful only once complete, and therefore not declared.
            return ""
        case _:
            return None
