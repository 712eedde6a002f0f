"""Sessions: how a session is opened, maintained and closed, and how long it may stay open. No I/O, no clock."""

from collections.abc import Callable
from dataclasses import dataclass

from edgevoice.core.backoff import Backoff
from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.phases import Phase, PhaseCause
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.facts import LinkLost, ResponseEnded
from edgevoice.core.lights import said_of
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
"""Attempts to resume a lost session: with their delays some four seconds, during which users keep waiting."""

_SETTLED_S = 10.0
"""How long a session must have lasted to count as more than a failed attempt, if no answer was heard in it."""

_RENEW_BEFORE_S = 30.0
"""How long before its expiry a session is replaced, at most a quarter of its lifetime."""

_SHORTEST_S = 20.0
"""A session that expires sooner is not renewed: either the clock is wrong, or renewing would never end."""

_GRACE_S = 30.0
"""How much longer the last answer may take once the day's minutes are used up."""

_FAULT_SHOWN_S = 6.0
"""How long the light shows why a conversation failed: long enough to look up and count the blinks."""

_LIMIT_SHOWN_S = 20.0
"""The light for a limit blinks the most times: long enough to count it twice."""

_MOST_BREAKDOWNS = 2
"""After this many in a row a session is broken: errors, and answers that failed. One may concern a single request:
what was asked may still come.
"""

_AFTER_STALL_S = 2.0
"""After a stall, waiting frames are read at once; the service's answer to the kept audio takes a round trip."""


@dataclass(slots=True)
class _Dial:
    """The state of dialling: ``word`` is the wake word that asked for it, empty for the button.

    ``tries``: failed attempts since the last real session. ``is_resuming``: this is in the middle of a conversation.
    ``goes_on``: the new session is sent what was said before. ``lost_by``: why the last session failed.
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
    """Dials, redials and hangs up; ``is_spent``: the day's minutes ran out in this conversation.

    ``chance`` returns numbers from 0 to 1 for jitter.
    """

    def __init__(self, state: ConversationState, box: BoxState, chance: Callable[[], float]) -> None:
        self._state = state
        self._answer = state.answer
        self._box = box
        self._chance = chance
        self._dial = _Dial()
        self._opened_at = 0.0
        self._is_renewal_due = False
        self._breakdowns = 0
        self._breakdowns_before = 0
        self._left_s: float | None = None
        self.is_spent = False

    def begin(
        self, at_sample: int | None, now: float, word: str = "", *, goes_on: bool = False, has_preroll: bool = True
    ) -> list[Action]:
        """Dial for a new conversation; ``word`` is the wake word that asked for it, empty for the button.

        One that ``goes_on`` from another has the full time of a new one, and is sent what was said before. Without
        ``at_sample`` the user is heard from this moment.
        """
        if not self._box.is_whole:
            return [PlayEarcon(said_of(self._box.lost))]  # a session with a deaf or muted box would only cost money
        if self._left_s is not None and self._left_s <= 0:
            # If the user asks again before the sentence is over, it restarts instead of playing twice.
            return [StopEarcons(), *self._show_limit(Earcon.BUDGET_SPENT, now)]
        self._state.enter(PhaseCause.WOKEN)
        self._dial = _Dial(word, goes_on)
        self.is_spent = False
        self._state.trouble = ""
        self._box.forget_trouble()
        self._state.deadlines.set(Deadline.CONNECT, now + self._state.policy.connect_s)
        self._state.deadlines.set(Deadline.SESSION, now + self._state.policy.session_s)
        self._limit_to_budget(now)
        keep = KeepUplink(at_sample, has_preroll=has_preroll and at_sample is not None)
        return [keep, OpenLink(word, resumes=goes_on)]

    def call_again(self, at_sample: int, now: float, word: str = "", *, has_preroll: bool = True) -> list[Action]:
        """Begin another session: the last one ended while its answer was still sounding, and the user spoke over it."""
        return self.hang_up() + self.begin(at_sample, now, word, goes_on=True, has_preroll=has_preroll)

    def link_opened(self, now: float) -> list[Action]:
        """Record that the session is open, and send what was kept."""
        if self._state.phase is not Phase.CONNECTING:
            return []  # late news: hung up while dialling
        self._state.enter(PhaseCause.LINKED)
        self._state.is_linked = True
        self._opened_at = now
        self._state.has_answered = False
        self._state.cuts.begin_session()
        self._is_renewal_due = False
        self._breakdowns = self._breakdowns_before = 0
        if not self._dial.is_resuming:
            self._dial.tries = 0
        self._state.deadlines.clear(Deadline.CONNECT, Deadline.REDIAL)
        self._limit_to_budget(now)
        self._state.extend_listening(self._state.policy.no_speech_s, now)
        return [OpenUplink()]

    def link_lost(self, lost: LinkLost, now: float) -> list[Action]:
        """Redial, play what has arrived of the answer to its end, or fail, whichever still helps."""
        if self._state.phase is Phase.IDLE:
            return []  # late news: already hung up
        self._state.is_linked = False
        self._state.is_user_speaking = False
        match self._state.phase:
            case Phase.CONNECTING if lost.is_retriable and self._redials(now):
                self._dial.lost_by = lost.code
                return []
            case Phase.SPEAKING:
                is_whole = self._answer.is_received and not self._state.policy.stays_open
                if not (is_whole and lost.is_retriable):
                    self._answer.break_off(lost.code, is_final=not lost.is_retriable)
                # What has arrived is played to its end.
                return [CloseUplink()]
            case Phase.LISTENING | Phase.THINKING if lost.is_retriable:
                return self.resume(lost.code, now)
            case _:
                return self.fail(lost.code, now)

    def answer_begun(self) -> None:
        """Record that the service works, unless this answer fails: it has begun one."""
        self._breakdowns, self._breakdowns_before = 0, self._breakdowns

    def answer_ended(self, ended: ResponseEnded, now: float) -> list[Action]:
        """Record whether the service works; if not, and this was the answer, replace the session before it goes on."""
        if ended.response_id != self._answer.generation.response_id:
            return []  # of an answer that nobody wants any more
        before, self._breakdowns_before = self._breakdowns_before, 0
        if not ended.has_broken:
            return []
        # An error that was reported during the answer is the same failure.
        self._breakdowns = before + max(self._breakdowns, 1) - 1
        self._state.trouble = ended.fault
        return self.broken_down(ended.fault, now)

    def broken_down(self, code: str, now: float) -> list[Action]:
        """Record that something has failed inside the service; replace a session in which nothing else happens.

        An answer that sounds is heard first.
        """
        self._breakdowns += 1
        if not self._state.is_linked or self._breakdowns < _MOST_BREAKDOWNS:
            return []
        if self._state.phase is Phase.SPEAKING:
            return self.renew(now)
        return [CloseLink(), *self.link_lost(LinkLost(code, is_retriable=True), now)]

    def _redials(self, now: float) -> bool:
        """Return whether there will be another attempt, and schedule it."""
        at = now + _REDIAL.delay_s(self._dial.tries, self._chance)
        if self._dial.is_resuming and self._dial.tries >= _MOST_REDIALS:
            return False
        if at >= (self._state.deadlines.at(Deadline.CONNECT) or now):
            return False
        self._dial.tries += 1
        self._state.deadlines.set(Deadline.REDIAL, at)
        return True

    def resume(self, code: str, now: float) -> list[Action]:
        """Redial in the middle of the conversation; keep what the user says meanwhile or has said unanswered."""
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
            # A question that was partly answered is not asked again, and a turn that has set a timer would set another;
            # the user must hear that the rest will not arrive.
            return [*actions, MarkTurn(), RewindUplink(), PlayEarcon(Earcon.ERROR)]
        return [*actions, RewindUplink()]

    def _dial_anew(self, now: float) -> None:
        """Return to connecting, in the middle of a conversation."""
        self._state.enter(PhaseCause.LOST)
        self._dial.resume()
        self._state.deadlines.clear(Deadline.LISTEN, Deadline.ANSWER, Deadline.ASK, Deadline.RENEW)
        self._state.deadlines.set(Deadline.CONNECT, now + self._state.policy.connect_s)

    def take_expiry(self, in_s: float, now: float) -> list[Action]:
        """Record when the service will end the session: another replaces it before that."""
        if self._state.is_linked and in_s >= _SHORTEST_S:
            self._state.deadlines.set(Deadline.RENEW, now + in_s - min(_RENEW_BEFORE_S, in_s / 4))
        return []

    def renew(self, now: float) -> list[Action]:
        """Replace this session before it expires, now or as soon as the answer has been heard."""
        self._is_renewal_due = True
        return self.renew_if_due(now)

    def renew_if_due(self, now: float) -> list[Action]:
        """Replace this session if it expires soon and nobody is speaking; what is said meanwhile is kept."""
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
        """Fail because no session opened in time, with the reason of the last attempt, if it gave one."""
        return self.fail(self._dial.lost_by or "service-unreachable", now)

    def fail(self, code: str, now: float) -> list[Action]:
        """End the conversation audibly, and show why for a while."""
        self._box.show_trouble(code, now + _FAULT_SHOWN_S)
        return [*self.hang_up(), PlayEarcon(said_of(code))]

    def leave(self, now: float) -> list[Action]:
        """Hang up because the user does not go on; show for a while why, if the last answer failed."""
        if self._state.trouble:
            self._box.show_trouble(self._state.trouble, now + _FAULT_SHOWN_S)
        return self.hang_up()

    # --- limits ------------------------------------------------------------------------------------------------------

    def take_budget(self, left_s: float | None, now: float) -> list[Action]:
        """Record how long sessions may still be open today, in seconds."""
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
        """Allow more time for events that may have happened but are still unread: we were the late ones.

        The hard caps are not postponed, so that a box that stalls repeatedly still ends its conversation.
        """
        until = now + _AFTER_STALL_S
        waits = (Deadline.CONNECT, Deadline.LISTEN, Deadline.ANSWER, Deadline.ASK, Deadline.RESUME)
        self._state.deadlines.spare(now, until, *waits)

    def redial(self) -> Action:
        """Try once more, now that the delay is over."""
        return OpenLink(self._dial.word, resumes=self._dial.goes_on)
