"""Speech over the answer, as the box itself hears it: duck, then cut or resume; ignored in a noisy room. Pure."""

from typing import assert_never

from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.noisy_room import QUIET_S
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.sessions import Sessions
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.conversation.turns import Turns
from edgevoice.core.facts import NearSpeechBegan, NearSpeechConfirmed, NearSpeechEnded, NearSpeechFaded
from edgevoice.core.orders import Action, DuckPlayback, KeepUplink, OpenUplink, ResumePlayback, SilenceUplink


class SpeechOverAnswer:
    """Decides what to do when something begins over the answer, is confirmed as speech, or fades."""

    def __init__(self, state: ConversationState, box: BoxState, sessions: Sessions, turns: Turns) -> None:
        self._state = state
        self._playback = state.answer.playback
        self._room = state.noisy_room
        self._box = box
        self._sessions = sessions
        self._turns = turns
        self._interruptions = turns.interruptions

    def take(
        self,
        fact: NearSpeechBegan | NearSpeechConfirmed | NearSpeechFaded | NearSpeechEnded,
        now: float,
    ) -> list[Action]:
        """Handle what the box heard over its answer."""
        is_ignored = self._room.is_hopeless and self._playback.is_sounding
        if is_ignored:
            self._state.deadlines.set(Deadline.ROOM_QUIET, now + QUIET_S)
        match fact:
            case NearSpeechBegan() if is_ignored:
                self._room.note_false_duck(now)  # it would have been one
                return []
            case NearSpeechConfirmed() if is_ignored:
                return []
            case NearSpeechBegan(at_sample=at_sample):
                return self._began(at_sample)
            case NearSpeechConfirmed(at_sample=at_sample):
                return self._confirmed(at_sample, now)
            case NearSpeechFaded():
                self._playback.take_near_speech()
                if restored := self._state.restore():
                    self._room.note_false_duck(now)
                return restored + self._interruptions.near_speech_ended()
            case NearSpeechEnded():
                return self._interruptions.near_speech_ended()
            case _:
                assert_never(fact)

    def settle_room(self, actions: list[Action], now: float, *, was_hopeless: bool) -> list[Action]:
        """Return the orders to add if these orders, or what led to them, made the room hopeless or ended that."""
        if ResumePlayback() in actions:
            self._room.note_false_cut(now)
        if self._state.phase not in {Phase.THINKING, Phase.SPEAKING}:
            self._room.forgive()  # the next answer begins with speech allowed
        if self._room.is_hopeless is was_hopeless:
            return []
        if self._room.is_hopeless:
            self._state.deadlines.set(Deadline.ROOM_QUIET, now + QUIET_S)
        else:
            self._state.deadlines.clear(Deadline.ROOM_QUIET)
        if self._state.policy.hears_itself or not self._playback.is_sounding or not self._state.is_linked:
            return []  # the gate is already right, or follows the answer's next sound or its end
        # The service hears the same noise.
        return [SilenceUplink() if self._room.is_hopeless else OpenUplink()]

    def _began(self, at_sample: int) -> list[Action]:
        """Lower the answer: somebody may be speaking over it."""
        if self._box.is_deaf or not (self._playback.is_sounding or self._playback.is_echoing):
            return []  # late news: heard just before the microphone was muted, or before the cut
        return [DuckPlayback()] if self._playback.duck(at_sample) else []

    def _confirmed(self, at_sample: int, now: float) -> list[Action]:
        """Interrupt the answer: somebody is speaking over it."""
        if self._box.is_deaf:
            return []
        if self._playback.is_echoing:
            # The answer is over and the user speaks at once: they need not wait for the echo to end.
            self._state.deadlines.clear(Deadline.ECHO_TAIL)
            self._playback.duck(at_sample)
            return self._turns.room_quiet(now)
        if not self._playback.is_sounding:
            return []  # while nothing sounds, the service hears for itself
        if not self._state.is_linked:
            return self._sessions.call_again(at_sample, now)
        actions = self._turns.interrupt(now, is_by_speech=True)
        if self._state.is_half_duplex:
            actions += [KeepUplink(at_sample, has_preroll=False), OpenUplink()]
        return actions
