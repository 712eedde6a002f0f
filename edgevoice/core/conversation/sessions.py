"""Sessions: how a session is begun, kept up and ended, and how long it may be open. No I/O, no clock."""

from collections.abc import Callable
from dataclasses import dataclass

from edgevoice.core.backoff import Backoff
from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.phases import Phase, PhaseCause
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.facts import LinkLost
from edgevoice.core.orders import (
    Action,
    CloseLink,
    CloseUplink,
    Earcon,
    KeepUplink,
    MarkTurn,
    OpenLink,
    OpenUplink,
    PlayEarcon,
    RewindUplink,
    StopEarcons,
)

_REDIAL = Backoff(first_s=0.25, factor=3, limit_s=2)
_MOST_REDIALS = 4
"""Tries to resume a session that was lost: with their waits some four seconds, in which nobody gives up."""

_SETTLED_S = 10.0
"""How long a session must have lasted, where no answer was heard in it, to be more than a failed try."""

_RENEW_BEFORE_S = 30.0
"""How long before a session expires another takes its place, or a quarter of its time: whichever is shorter."""

_SHORTEST_S = 20.0
"""A session that expires sooner is not renewed: either the clock is wrong, or renewing would never end."""

_GRACE_S = 30.0
"""How much longer the last answer may take when the day's minutes are used up."""

_FAULT_SHOWN_S = 6.0
"""How long the light shows why a conversation failed: long enough to look up and to count the blinks."""

_LIMIT_SHOWN_S = 20.0
"""The light of a limit has the longest count of blinks: long enough to count it twice."""

_AFTER_STALL_S = 2.0
"""After a stall the frames that wait are read at once; the service's answer to what was kept takes a round trip."""


@dataclass(slots=True)
class _Dial:
    """What is dialled for: ``word`` is the wake word that asked for it, empty for the button.

    ``tries``: those that failed since a session was last more than a try. ``is_resuming``: in the middle of a
    conversation. ``goes_on``: the new session is told what was said before. ``lost_by``: why the last one failed.
    """

    word: str = ""
    goes_on: bool = False
    is_resuming: bool = False
    tries: int = 0
    lost_by: str = ""

    def resume(self) -> None:
        self.is_resuming = True
        self.goes_on = True
        self.lost_by = ""


class Sessions:
    """Dials, dials again, and hangs up; ``is_spent`` says that the day's minutes ran out in this conversation.

    ``chance`` gives numbers from 0 to 1 for jitter.
    """

    def __init__(self, state: ConversationState, box: BoxState, chance: Callable[[], float]) -> None:
        self._state = state
        self._answer = state.answer
        self._box = box
        self._chance = chance
        self._dial = _Dial()
        self._opened_at = 0.0
        self._is_renewal_due = False
        self._left_s: float | None = None
        self.is_spent = False

    def begin(self, at_sample: int, now: float, word: str = "", *, goes_on: bool = False) -> list[Action]:
        """Dial for a new conversation; ``word`` is the wake word that asked for it, empty for the button.

        One that ``goes_on`` where another ended has all of a new one's time, and is told what was said before.
        """
        if not self._box.is_whole:
            return [PlayEarcon(Earcon.TROUBLE)]  # a session with a deaf or a mute box would only cost money
        if self._left_s is not None and self._left_s <= 0:
            # Who asks again before the sentence is over hears it anew, and not twice.
            return [StopEarcons(), *self._show_limit(Earcon.BUDGET_SPENT, now)]
        self._state.enter(PhaseCause.WOKEN)
        self._dial = _Dial(word, goes_on)
        self.is_spent = False
        self._state.trouble = ""
        self._box.forget_trouble()
        self._state.deadlines.set(Deadline.CONNECT, now + self._state.policy.connect_s)
        self._state.deadlines.set(Deadline.SESSION, now + self._state.policy.session_s)
        self._limit_to_budget(now)
        return [KeepUplink(at_sample), OpenLink(word, resumes=goes_on)]

    def call_again(self, at_sample: int, now: float, word: str = "") -> list[Action]:
        """Begin another session: the last one ended while its answer was still sounding, and was spoken over."""
        return self.hang_up() + self.begin(at_sample, now, word, goes_on=True)

    def link_opened(self, now: float) -> list[Action]:
        """Take the session as open, and send what was kept."""
        if self._state.phase is not Phase.CONNECTING:
            return []  # late news: hung up while dialling
        self._state.enter(PhaseCause.LINKED)
        self._state.is_linked = True
        self._opened_at = now
        self._state.has_answered = False
        self._state.cuts.begin_session()
        self._is_renewal_due = False
        if not self._dial.is_resuming:
            self._dial.tries = 0
        self._state.deadlines.clear(Deadline.CONNECT, Deadline.REDIAL)
        self._limit_to_budget(now)
        self._state.extend_listening(self._state.policy.no_speech_s, now)
        return [OpenUplink()]

    def link_lost(self, lost: LinkLost, now: float) -> list[Action]:
        """Dial anew, hear what is here to its end, or fail, whichever still helps."""
        if self._state.phase is Phase.IDLE:
            return []  # late news: already hung up
        self._state.is_linked = False
        self._state.is_user_speaking = False
        match self._state.phase:
            case Phase.CONNECTING if lost.is_retriable and self._redials(now):
                self._dial.lost_by = lost.code
                return []
            case Phase.SPEAKING:
                if not (self._answer.is_received and lost.is_retriable):
                    self._answer.break_off(lost.code, is_final=not lost.is_retriable)
                # What is here is heard to its end.
                return [CloseUplink()]
            case Phase.LISTENING | Phase.THINKING if lost.is_retriable:
                return self.resume(lost.code, now)
            case _:
                return self.fail(lost.code, now)

    def _redials(self, now: float) -> bool:
        """Say whether there will be another try, and when."""
        at = now + _REDIAL.delay_s(self._dial.tries, self._chance)
        if self._dial.is_resuming and self._dial.tries >= _MOST_REDIALS:
            return False
        if at >= (self._state.deadlines.at(Deadline.CONNECT) or now):
            return False
        self._dial.tries += 1
        self._state.deadlines.set(Deadline.REDIAL, at)
        return True

    def resume(self, code: str, now: float) -> list[Action]:
        """Dial anew in the middle of the conversation; what the user says, or has said in vain, is kept meanwhile."""
        if self.is_spent:
            return self.end_by_limit(now)
        was_goodbye, was_begun = self._answer.ending.is_goodbye, self._answer.is_begun
        self._answer.reset()
        actions = self._state.drop_rest()
        if self._box.is_deaf or was_goodbye:
            return actions + self.fail(code, now)
        if self._state.has_answered or now - self._opened_at >= _SETTLED_S:
            self._dial.tries = 0
        self._dial_anew(now)
        if not self._redials(now):
            return actions + self.fail(code, now)
        if was_begun:
            # What has been answered in part is not asked again, and a turn that has set a timer would set another; the
            # user must hear that the rest will not come.
            return [*actions, MarkTurn(), RewindUplink(), PlayEarcon(Earcon.TROUBLE)]
        return [*actions, RewindUplink()]

    def _dial_anew(self, now: float) -> None:
        """Go back to connecting, in the middle of a conversation."""
        self._state.enter(PhaseCause.LOST)
        self._dial.resume()
        self._state.deadlines.clear(Deadline.LISTEN, Deadline.ANSWER, Deadline.ASK, Deadline.RENEW)
        self._state.deadlines.set(Deadline.CONNECT, now + self._state.policy.connect_s)

    def take_expiry(self, in_s: float, now: float) -> list[Action]:
        """Take note of when the service will end the session: another takes its place before that."""
        if self._state.is_linked and in_s >= _SHORTEST_S:
            self._state.deadlines.set(Deadline.RENEW, now + in_s - min(_RENEW_BEFORE_S, in_s / 4))
        return []

    def renew(self, now: float) -> list[Action]:
        """Dial another session before this one expires, now or as soon as the answer has been heard."""
        self._is_renewal_due = True
        return self.renew_if_due(now)

    def renew_if_due(self, now: float) -> list[Action]:
        """Dial another session if this one expires soon and nobody speaks; what is said meanwhile is kept."""
        is_between_turns = self._state.phase is Phase.LISTENING and not self._state.is_user_speaking
        is_between_turns = is_between_turns and self._state.cuts.undecided is None
        if not (self._is_renewal_due and is_between_turns) or self.is_spent or self._box.is_deaf:
            return []
        self._answer.reset()
        self._state.is_linked = False
        self._dial.tries = 0
        self._dial_anew(now)
        return [RewindUplink(), self.redial()]

    def hang_up(self) -> list[Action]:
        """End the conversation, if there is one."""
        if self._state.phase is Phase.IDLE:
            return []
        actions = self._state.cut()
        self._state.enter(PhaseCause.HUNG_UP)
        self._state.is_linked = False
        self._state.is_user_speaking = False
        self._answer.reset()
        self._state.deadlines.clear(
            Deadline.CONNECT,
            Deadline.REDIAL,
            Deadline.LISTEN,
            Deadline.ANSWER,
            Deadline.ASK,
            Deadline.SESSION,
            Deadline.RENEW,
            Deadline.BUDGET,
            Deadline.ECHO_TAIL,
        )
        return [*actions, CloseUplink(), CloseLink()]

    def give_up_dialling(self, now: float) -> list[Action]:
        """Fail because no session opened in time, for the reason that the last dial gave, if one did."""
        return self.fail(self._dial.lost_by or "service-unreachable", now)

    def fail(self, code: str, now: float) -> list[Action]:
        """End the conversation audibly, and show why for a while."""
        self._box.show_trouble(code, now + _FAULT_SHOWN_S)
        return [*self.hang_up(), PlayEarcon(Earcon.TROUBLE)]

    def leave(self, now: float) -> list[Action]:
        """Hang up because nobody goes on; show for a while why, if the last answer has failed."""
        if self._state.trouble:
            self._box.show_trouble(self._state.trouble, now + _FAULT_SHOWN_S)
        return self.hang_up()

    # --- limits ------------------------------------------------------------------------------------------------------

    def take_budget(self, left_s: float | None, now: float) -> list[Action]:
        """Take note of how long sessions may still be open today, in seconds."""
        self._left_s = left_s
        if self._state.phase is not Phase.IDLE:
            self._limit_to_budget(now)
        return []

    def budget_over(self, now: float) -> list[Action]:
        """End the conversation once it has been answered, now that the day's minutes are used up."""
        self.is_spent = True
        if self._state.phase is Phase.CONNECTING:
            return self.end_by_limit(now)
        cap = self._state.deadlines.at(Deadline.SESSION) or now
        self._state.deadlines.set(Deadline.SESSION, min(cap, now + _GRACE_S))
        return []

    def end_by_limit(self, now: float) -> list[Action]:
        """Hang up, and say which limit has been reached."""
        earcon = Earcon.BUDGET_SPENT if self.is_spent else Earcon.SESSION_SPENT
        return [*self.hang_up(), *self._show_limit(earcon, now)]

    def _limit_to_budget(self, now: float) -> None:
        if self._left_s is None:
            self._state.deadlines.clear(Deadline.BUDGET)
        elif not self.is_spent:
            self._state.deadlines.set(Deadline.BUDGET, now + self._left_s)

    def _show_limit(self, earcon: Earcon, now: float) -> list[Action]:
        self._box.show_trouble(earcon.value, now + _LIMIT_SHOWN_S)
        return [PlayEarcon(earcon)]

    # --- waiting for them --------------------------------------------------------------------------------------------

    def spare(self, now: float) -> None:
        """Give what the world may have done in time another moment to be told of: it was us who were late.

        The hard caps are not put off, so that a box that stalls again and again ends its conversation all the same.
        """
        until = now + _AFTER_STALL_S
        waits = (Deadline.CONNECT, Deadline.LISTEN, Deadline.ANSWER, Deadline.ASK, Deadline.RESUME)
        self._state.deadlines.spare(now, until, *waits)

    def redial(self) -> Action:
        """Try once more, now that the wait for it is over."""
        return OpenLink(self._dial.word, resumes=self._dial.goes_on)
