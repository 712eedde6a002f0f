"""Panel controls: what a person does with buttons, switches and knobs, and what only the panel shows. No I/O."""

from typing import assert_never

from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.sessions import Sessions
from edgevoice.core.conversation.speaking_first import SpeakingFirst
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.conversation.turns import Turns
from edgevoice.core.facts import MutePressed, TalkHeld, TalkPressed
from edgevoice.core.orders import (
    Action,
    ChangeVolume,
    Earcon,
    ForgetEverything,
    MuteMicrophone,
    PlayEarcon,
    ShutDown,
    UnmuteMicrophone,
)
from edgevoice.core.panel_facts import (
    BoxStarted,
    BoxStarting,
    BoxStopping,
    BrightnessSet,
    EarconVolumeSet,
    ForgetHeld,
    MuteSwitched,
    PanelFact,
    ShutDownHeld,
    VolumeChanged,
    VolumeTurned,
)

_VOLUME_SHOWN_S = 1.5
"""How long the panel shows a new volume: long enough to see it, and a knob that is turned shows each step."""


class PanelControls:
    """Handles the facts of the panel; it shares the conversation's parts."""

    def __init__(
        self, state: ConversationState, box: BoxState, sessions: Sessions, turns: Turns, first: SpeakingFirst
    ) -> None:
        self._state = state
        self._box = box
        self._sessions = sessions
        self._turns = turns
        self._first = first

    def take(self, fact: TalkPressed | TalkHeld | MutePressed | PanelFact, now: float) -> list[Action]:
        """Handle what was done at the panel."""
        match fact:
            case TalkPressed(at_sample=at_sample):
                return self._talk_pressed(at_sample, now)
            case TalkHeld(cancels_waiting=cancels_waiting):
                return self._end_everything() if cancels_waiting else self._end_what_sounds()
            case MutePressed():
                return self._mute(now, is_muted=not self._box.is_muted)
            case MuteSwitched(is_muted=is_muted):
                return self._mute(now, is_muted=is_muted) if is_muted is not self._box.is_muted else []
            case VolumeTurned(percent=percent):
                return [ChangeVolume(percent)]
            case VolumeChanged(percent=percent):
                self._box.show_volume(percent, now + _VOLUME_SHOWN_S)
                return []
            case EarconVolumeSet() | BrightnessSet():
                return []  # an observer keeps them
            case ForgetHeld():
                return [*self._end_everything(), PlayEarcon(Earcon.FORGOTTEN), ForgetEverything()]
            case ShutDownHeld():
                return [*self._end_everything(), ShutDown()]
            case BoxStarting():
                self._box.is_starting = True
                return []
            case BoxStarted():
                self._box.is_starting = False
                return []
            case BoxStopping():
                self._box.is_stopping = True
                return self._end_everything()
            case _:
                assert_never(fact)

    def _talk_pressed(self, at_sample: int, now: float) -> list[Action]:
        if self._first.is_ringing:
            return self._first.stop_ringing()
        if self._first.is_announcing:
            return self._first.answer_by_hand(at_sample, now)
        match self._state.phase:
            case Phase.IDLE if self._box.is_muted:
                return [PlayEarcon(Earcon.MUTED)]
            case Phase.IDLE:
                return self._sessions.begin(at_sample, now)
            case Phase.CONNECTING | Phase.LISTENING:
                return self._sessions.hang_up()
            case Phase.THINKING | Phase.SPEAKING:
                return self._turns.interrupt_by_hand(at_sample, now)
            case _:
                assert_never(self._state.phase)

    def _end_everything(self) -> list[Action]:
        """Hang up, and end what rings, sounds or waits to be said."""
        return [*self._first.drop_waiting(), *self._end_what_sounds()]

    def _end_what_sounds(self) -> list[Action]:
        return [*self._first.stop_ringing(), *self._first.cut(), *self._sessions.hang_up()]

    def _mute(self, now: float, *, is_muted: bool) -> list[Action]:
        self._box.is_muted = is_muted
        if not self._box.is_muted:
            return [UnmuteMicrophone(), PlayEarcon(Earcon.UNMUTED)]
        # Whoever was speaking over the answer is no longer heard, and neither is the end of their speech.
        restored = [*self._state.restore(), *self._first.deafen()]
        actions: list[Action] = [*restored, MuteMicrophone(), PlayEarcon(Earcon.MUTED)]
        # Nobody can go on speaking to a muted box, but the answer can go on.
        resumed = self._turns.interruptions.resume(now)
        if resumed:
            actions += resumed
        elif self._state.phase in {Phase.CONNECTING, Phase.LISTENING}:
            actions += self._sessions.hang_up()
        return actions
