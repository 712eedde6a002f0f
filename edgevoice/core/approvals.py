"""Approvals: whether the user has agreed that a tool may run. No I/O, no clock, and no model is believed.

One question at a time. It counts as asked only when the answer that puts it has begun to sound, and what decides are
the words of the user's next turn after that, if it begins within 15 s of the question's end. Silence, an unclear reply
and a turn that began before the question decline it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from edgevoice.core.consent import Consent, consent_of
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.turns import REPLY_S
from edgevoice.core.facts import (
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
)
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CreateResponse
from edgevoice.core.protocol.downlink import WRITTEN

ASKED_WITHIN_S = 60.0
"""How long it may take until the question has been heard: other tools of the same reply may have to end first."""

TRANSCRIBED_WITHIN_S = 15.0
"""How long the words of the reply may take to arrive after its end."""

_LONGEST_TURN_S = 120.0


class _State(Enum):
    """What the question waits for."""

    DUE = auto()
    """The answer that puts it."""
    ASKED = auto()
    """The first sound of that answer."""
    HEARD = auto()
    """The user's turn."""
    REPLYING = auto()
    """The words of that turn."""


class ApprovalVerdict(Enum):
    """What has become of a question."""

    APPROVED = auto()
    DECLINED = auto()
    """The user said no, or nothing: no more needs to be said."""
    UNCLEAR = auto()
    """The user said something that is no clear yes: they may believe that they agreed."""


@dataclass(slots=True)
class _Question:
    """A question and its state; ``until`` is when it lapses, in monotonic seconds.

    ``said``: the words that came last during the reply, of the item ``said_in``.
    """

    decided: Callable[[ApprovalVerdict], None]
    state: _State
    until: float
    said_in: str = ""
    said: str = ""


class Approvals:
    """The question that is open, if any.

    ``language``: the one in which people speak, as in the settings. ``take`` must see every notice of the conversation,
    in order, with the monotonic time.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._question: _Question | None = None

    @property
    def is_open(self) -> bool:
        """Whether a question waits for its reply, or to be asked."""
        return self._question is not None

    @property
    def is_being_replied(self) -> bool:
        """Whether the user has begun to reply, so that the decision is a matter of seconds."""
        return self._question is not None and self._question.state is _State.REPLYING

    @property
    def deadline(self) -> float | None:
        """When ``take_time`` is due, in monotonic seconds; ``None`` without a question."""
        return self._question.until if self._question is not None else None

    def open(self, now: float, decided: Callable[[ApprovalVerdict], None]) -> None:
        """Open a question, which the next answer that asks for approval puts to the user.

        ``decided`` is called once, with what has become of it, unless it is closed before.
        """
        self._question = _Question(decided, _State.DUE, now + ASKED_WITHIN_S)

    def close(self) -> None:
        """Forget the question."""
        self._question = None

    def take_time(self, now: float) -> None:
        """Decline a question that has lapsed."""
        question = self._question
        if question is not None and now >= question.until:
            self._decide(
                question, ApprovalVerdict.UNCLEAR if question.state is _State.REPLYING else ApprovalVerdict.DECLINED
            )

    def take(self, notice: Notice, now: float) -> None:
        """Take a notice of the conversation."""
        question = self._question
        if question is None:
            return
        match notice:
            case PhaseEntered(phase=Phase.IDLE):
                self._decide(question, ApprovalVerdict.DECLINED)
            case CreateResponse(asking=asking) if asking and question.state is _State.DUE:
                question.state = _State.ASKED
            case PlaybackStarted() if question.state in {_State.ASKED, _State.HEARD}:
                question.state, question.until = _State.HEARD, now + ASKED_WITHIN_S
            case PlaybackDrained() | PlaybackCut() if question.state is _State.HEARD:
                question.until = now + REPLY_S
            case UserStartedSpeaking():
                self._turn_began(question, now)
            case TranscriptChanged(role=Role.USER, is_final=True):
                self._take_words(question, notice)
            case TurnEnded() if question.state is _State.REPLYING:
                question.until = now + TRANSCRIBED_WITHIN_S
            case TurnTranscribed(is_final=True) if question.state is _State.REPLYING:
                self._turn_transcribed(question, notice, now)
            case _:
                pass

    def _turn_began(self, question: _Question, now: float) -> None:
        match question.state:
            case _State.DUE | _State.ASKED:
                # Whatever they say, it is not a reply to what they have not heard.
                self._decide(question, ApprovalVerdict.DECLINED)
            case _State.HEARD | _State.REPLYING:
                question.state, question.until = _State.REPLYING, now + _LONGEST_TURN_S
            case _:
                assert_never(question.state)

    def _take_words(self, question: _Question, said: TranscriptChanged) -> None:
        if said.item_id.startswith(WRITTEN):
            # A turn in writing is complete at once.
            is_heard = question.state in {_State.HEARD, _State.REPLYING}
            verdict = _verdict(consent_of(said.text, self._language)) if is_heard else ApprovalVerdict.DECLINED
            self._decide(question, verdict)
        elif question.state is _State.REPLYING:
            question.said_in, question.said = said.item_id, said.text

    def _turn_transcribed(self, question: _Question, turn: TurnTranscribed, now: float) -> None:
        if not turn.has_words:
            # A cough is no reply.
            question.state, question.until = _State.HEARD, now + REPLY_S
            return
        # The words are reported just before; without an id there is only the last turn.
        said = question.said if turn.item_id in {"", question.said_in} else ""
        self._decide(question, _verdict(consent_of(said, self._language)))

    def _decide(self, question: _Question, verdict: ApprovalVerdict) -> None:
        self._question = None
        question.decided(verdict)


def _verdict(consent: Consent) -> ApprovalVerdict:
    match consent:
        case Consent.YES:
            return ApprovalVerdict.APPROVED
        case Consent.NO:
            return ApprovalVerdict.DECLINED
        case Consent.UNCLEAR:
            return ApprovalVerdict.UNCLEAR
        case _:
            assert_never(consent)
