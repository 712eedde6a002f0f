"""Speech over the answer, as the box hears it by itself: duck, then cut, or go on. No I/O, no clock."""

from typing import assert_never

from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.device import Box
from edgevoice.core.conversation.sessions import Calls
from edgevoice.core.conversation.state import Talk
from edgevoice.core.conversation.turns import Turns
from edgevoice.core.facts import NearSpeechBegan, NearSpeechConfirmed, NearSpeechEnded, NearSpeechFaded
from edgevoice.core.orders import Action, DuckPlayback, KeepUplink, OpenUplink


class SpeechOverAnswer:
    """What follows when something begins over the answer, when it is confirmed as speech, and when it fades."""

    def __init__(self, talk: Talk, box: Box, calls: Calls, turns: Turns) -> None:
        self._talk = talk
        self._box = box
        self._calls = calls
        self._turns = turns

    def take(
        self, fact: NearSpeechBegan | NearSpeechConfirmed | NearSpeechFaded | NearSpeechEnded, now: float
    ) -> list[Action]:
        """Take what the box heard over its answer."""
        match fact:
            case NearSpeechBegan(at_sample=at_sample):
                return self._began(at_sample)
            case NearSpeechConfirmed(at_sample=at_sample):
                return self._confirmed(at_sample, now)
            case NearSpeechFaded():
                self._talk.answer.near_speech_at = None
                return self._talk.restore() + self._turns.interruptions.near_speech_ended()
            case NearSpeechEnded():
                return self._turns.interruptions.near_speech_ended()
            case _:
                assert_never(fact)

    def _began(self, at_sample: int) -> list[Action]:
        """Lower the answer: somebody may be speaking over it."""
        if self._box.is_deaf or not (self._talk.answer.is_sounding or self._talk.is_echoing):
            return []  # late news: heard just before the door was shut, or before the cut
        self._talk.answer.near_speech_at = at_sample
        if self._talk.answer.is_ducked or not self._talk.answer.is_sounding:
            return []
        self._talk.answer.is_ducked = True
        return [DuckPlayback()]

    def _confirmed(self, at_sample: int, now: float) -> list[Action]:
        """Interrupt the answer: somebody is speaking over it."""
        if self._box.is_deaf:
            return []
        if self._talk.is_echoing:
            # The answer is over and the user goes on at once: they need not wait for its echo.
            self._talk.deadlines.clear(Deadline.ECHO_TAIL)
            self._talk.answer.near_speech_at = at_sample
            return self._turns.room_quiet(now)
        if not self._talk.answer.is_sounding:
            return []  # where nothing sounds, the service hears for itself
        if not self._talk.is_linked:
            return self._calls.call_again(at_sample, now)
        actions = self._turns.interrupt(now, is_by_speech=True)
        if self._talk.manners.hears_itself:
            actions += [KeepUplink(at_sample, has_preroll=False), OpenUplink()]
        return actions
