"""Turn transcripts: whether the service transcribed any words in the last turn that it heard. No I/O, no clock.

A cough that a service took for speech becomes a turn without words. What was said never leaves this module.
"""

from edgevoice.core.facts import TurnTranscribed
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.transcript import has_speech
from edgevoice.core.recent import Recent

_MOST_TURNS = 16
"""Turns whose transcripts may still arrive."""

_MOST_LETTERS = 400
"""Characters of a transcript that are read: a description of a noise is shorter."""


class TurnTranscripts:
    """The turn transcripts of one session; a new session needs a new object."""

    def __init__(self) -> None:
        self._turn = 0
        self._turn_of = Recent[str, int](_MOST_TURNS)
        self._written = ""

    def take(self, event: wire.ServerEvent) -> list[TurnTranscribed]:
        """Take one event of the service; return what it says about the last turn that was heard, if anything.

        Late news of an earlier turn is not reported.
        """
        match event:
            case wire.SpeechStarted():
                self._turn += 1
                self._written = ""
            case wire.Committed(item_id=item_id):
                self._is_latest(item_id)
            case wire.TranscriptionDelta(item_id=item_id, delta=text) if self._is_latest(item_id):
                # Whether deltas are increments or rewrites does not matter: the only question is whether there is a
                # word.
                self._written = (self._written + (text or ""))[:_MOST_LETTERS]
                return [TurnTranscribed(item_id, has_speech(self._written, is_final=False), is_final=False)]
            case wire.TranscriptionCompleted(item_id=item_id, transcript=text) if self._is_latest(item_id):
                return [TurnTranscribed(item_id, has_speech((text or "")[:_MOST_LETTERS]), is_final=True)]
            case wire.TranscriptionFailed(item_id=item_id) if self._is_latest(item_id):
                return [TurnTranscribed(item_id, has_words=False, is_final=True)]
            case _:
                pass
        return []

    def _is_latest(self, item_id: str) -> bool:
        """Return whether this is the last turn that was heard; without an id it is."""
        if not item_id:
            return True
        if item_id not in self._turn_of:
            self._turn_of[item_id] = self._turn
        return self._turn_of[item_id] == self._turn
