"""Progress: which events show that the service goes on with an answer that does not sound. No I/O, no clock."""

from edgevoice.core.facts import AnswerProgressed
from edgevoice.core.protocol import wire

_EVERY_S = 1.0
"""Dozens of deltas come in a second, and whoever waits for progress does so for seconds."""


class Progress:
    """One session's progress; a new session needs a new one."""

    def __init__(self) -> None:
        self._next_at = 0.0

    def take(self, event: wire.ServerEvent, now: float) -> list[AnswerProgressed]:
        """Take one event of the service and the monotonic time; return what there is to tell, if anything."""
        response_id = _response_of(event)
        if response_id is None or now < self._next_at:
            return []
        self._next_at = now + _EVERY_S
        return [AnswerProgressed(response_id)]


def _response_of(event: wire.ServerEvent) -> str | None:
    """Return whose soundless delta this is, empty where that is not known; ``None`` when it is none of an answer's."""
    match event:
        case wire.AudioDelta(delta=pcm) if pcm:
            return None  # sound speaks for itself
        case wire.AudioDelta(response_id=response_id) | wire.TranscriptDelta(response_id=response_id):
            return response_id
        case wire.Unknown(type=kind) if kind.startswith("response.backchannel."):
            return None  # it belongs to no answer
        case wire.Unknown(type=kind) if kind.startswith("response.") and kind.endswith(".delta"):
            # A tool's arguments, or plain text: they are of use only when they are complete, and so are not declared.
            return ""
        case _:
            return None
