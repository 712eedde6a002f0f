"""What a question to the user comes to, in virtual time."""

from dataclasses import dataclass, field

import pytest

from edgevoice.core.approvals import ASKED_WITHIN_S, TRANSCRIBED_WITHIN_S, Approvals, ApprovalVerdict
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ItemHeard,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseStarted,
    TurnEnded,
    TurnTranscribed,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CreateResponse
from edgevoice.core.protocol.downlink import WRITTEN

ASKS = CreateResponse(may_call_tools=False, asking='Say exactly: "Shall I?"')
QUESTION = (ASKS, ResponseStarted("r2"), PlaybackStarted(2), PlaybackDrained(2))
SPEAKS = (UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded())


def words(text: str, item_id: str = "u2") -> tuple[Notice, ...]:
    """Return what the service reports once it has transcribed a turn."""
    return (
        TranscriptChanged(Role.USER, item_id, text, is_final=True),
        TurnTranscribed(item_id, has_words=bool(text), is_final=True),
    )


def written(text: str) -> Notice:
    return TranscriptChanged(Role.USER, f"{WRITTEN} 1", text, is_final=True)


@dataclass
class Asked:
    """An open question, and what has become of it."""

    language: str = "en"
    verdicts: list[ApprovalVerdict] = field(default_factory=list)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.approvals = Approvals(self.language)
        self.approvals.open(self.now, self.verdicts.append)

    def take(self, *notices: Notice) -> list[ApprovalVerdict]:
        for notice in notices:
            self.approvals.take(notice, self.now)
        return self.verdicts

    def wait(self, seconds: float) -> list[ApprovalVerdict]:
        """Let time pass, and the deadline with it if it is due."""
        self.now += seconds
        if self.approvals.deadline is not None and self.approvals.deadline <= self.now:
            self.approvals.take_time(self.now)
        return self.verdicts


@pytest.mark.parametrize(
    ("language", "reply", "verdict"),
    [
        ("en", "Yes, please.", ApprovalVerdict.APPROVED),
        ("en", "No!", ApprovalVerdict.DECLINED),
        ("en", "What is the time?", ApprovalVerdict.UNCLEAR),
        ("de", "Ja, mach das.", ApprovalVerdict.APPROVED),
        ("de-DE", "Nein.", ApprovalVerdict.DECLINED),
        ("de", "Vielleicht später", ApprovalVerdict.UNCLEAR),
    ],
)
def test_the_words_of_the_next_turn_decide(language: str, reply: str, verdict: ApprovalVerdict) -> None:
    assert Asked(language).take(*QUESTION, *SPEAKS, *words(reply)) == [verdict]


def test_words_that_come_before_the_turn_has_ended_decide_as_well() -> None:
    assert Asked().take(*QUESTION, UserStartedSpeaking(), *words("Yes.")) == [ApprovalVerdict.APPROVED]


def test_a_reply_in_writing_decides_at_once() -> None:
    assert Asked().take(*QUESTION, written("yes")) == [ApprovalVerdict.APPROVED]
    assert Asked().take(*QUESTION, written("no")) == [ApprovalVerdict.DECLINED]


def test_the_user_may_reply_over_the_end_of_the_question() -> None:
    asked = Asked()
    asked.take(ASKS, PlaybackStarted(2), UserStartedSpeaking(), PlaybackCut((ItemHeard("i", 0, 700, 900, True),)))

    assert asked.take(TurnEnded(), *words("Yes.")) == [ApprovalVerdict.APPROVED]


@pytest.mark.parametrize("before", [(), (ASKS,), (ASKS, ResponseStarted("r2"))], ids=["due", "asked", "begun"])
@pytest.mark.parametrize("reply", [(*SPEAKS, *words("Yes.")), (written("yes"),)], ids=["spoken", "written"])
def test_a_yes_to_a_question_that_nobody_has_heard_is_no_approval(
    before: tuple[Notice, ...], reply: tuple[Notice, ...]
) -> None:
    assert Asked().take(*before, *reply) == [ApprovalVerdict.DECLINED]


def test_words_of_an_earlier_turn_that_arrive_late_decide_nothing() -> None:
    asked = Asked()

    assert asked.take(*QUESTION, *words("Yes, unlock it.", "u1")) == []
    asked.take(UserStartedSpeaking(), TranscriptChanged(Role.USER, "u1", "Yes.", is_final=True))
    assert asked.take(TurnTranscribed("u2", has_words=True, is_final=True)) == [ApprovalVerdict.UNCLEAR]


def test_another_answer_that_sounds_is_not_the_question() -> None:
    asked = Asked()

    assert asked.take(CreateResponse(), ResponseStarted("r2"), PlaybackStarted(2), PlaybackDrained(2)) == []
    assert asked.take(*SPEAKS, *words("Yes.")) == [ApprovalVerdict.DECLINED]


def test_the_models_own_words_decide_nothing() -> None:
    asked = Asked()

    assert asked.take(*QUESTION, TranscriptChanged(Role.ASSISTANT, "i3", "Yes, do it.", is_final=True)) == []
    assert asked.take(UserStartedSpeaking(), TranscriptChanged(Role.USER, "u2", "Yes", is_final=False)) == []


def test_silence_declines_15_seconds_after_the_end_of_the_question() -> None:
    asked = Asked()
    asked.take(ASKS, PlaybackStarted(2))
    asked.wait(4)
    asked.take(PlaybackDrained(2))

    assert asked.wait(14.9) == []
    assert asked.wait(0.1) == [ApprovalVerdict.DECLINED]
    assert asked.approvals.deadline is None
    assert asked.take(*SPEAKS, *words("Yes.")) == [ApprovalVerdict.DECLINED], "too late"


def test_a_turn_that_began_in_time_may_end_later() -> None:
    asked = Asked()
    asked.take(*QUESTION)
    asked.wait(14.9)
    asked.take(UserStartedSpeaking())
    asked.wait(10)

    assert asked.take(TurnEnded(), *words("Yes.")) == [ApprovalVerdict.APPROVED]


def test_a_reply_whose_words_never_arrive_is_unclear() -> None:
    asked = Asked()
    asked.take(*QUESTION, *SPEAKS)

    assert asked.wait(TRANSCRIBED_WITHIN_S - 0.1) == []
    assert asked.wait(0.1) == [ApprovalVerdict.UNCLEAR]


def test_a_cough_is_no_reply_and_the_15_seconds_begin_anew() -> None:
    asked = Asked()
    asked.take(*QUESTION)
    asked.wait(10)
    asked.take(*SPEAKS, *words(""))

    assert asked.wait(10) == []
    assert asked.take(*SPEAKS, *words("Yes.", "u3")) == [ApprovalVerdict.APPROVED]


def test_a_question_that_resumes_after_a_cough_may_take_its_time() -> None:
    asked = Asked()
    asked.take(ASKS, PlaybackStarted(2), PlaybackCut(()), PlaybackStarted(3))

    assert asked.wait(20) == []
    assert asked.take(PlaybackDrained(3), *SPEAKS, *words("Yes.")) == [ApprovalVerdict.APPROVED]


def test_a_question_that_is_never_put_lapses() -> None:
    asked = Asked()

    assert asked.wait(ASKED_WITHIN_S - 0.1) == []
    assert asked.wait(0.1) == [ApprovalVerdict.DECLINED]


def test_the_end_of_the_conversation_declines() -> None:
    assert Asked().take(*QUESTION, PhaseEntered(Phase.LISTENING), PhaseEntered(Phase.IDLE)) == [
        ApprovalVerdict.DECLINED
    ]


def test_a_reply_without_an_item_is_that_of_the_last_turn() -> None:
    asked = Asked()
    said = TranscriptChanged(Role.USER, "nameless:turn", "Yes.", is_final=True)

    assert asked.take(*QUESTION, *SPEAKS, said, TurnTranscribed("", has_words=True, is_final=True)) == [
        ApprovalVerdict.APPROVED
    ]


def test_a_question_is_decided_once_and_a_closed_one_never() -> None:
    asked = Asked()
    asked.take(*QUESTION, *SPEAKS, *words("Yes."))
    assert asked.take(*SPEAKS, *words("No.", "u3")) == [ApprovalVerdict.APPROVED]
    assert not asked.approvals.is_open

    closed = Asked()
    closed.approvals.close()
    assert closed.take(*QUESTION, *SPEAKS, *words("Yes.")) == []
    closed.approvals.take_time(closed.now + 1000)
    assert closed.verdicts == []


def test_it_is_known_whether_the_user_is_replying() -> None:
    asked = Asked()
    assert asked.approvals.is_open
    asked.take(*QUESTION)
    assert not asked.approvals.is_being_replied
    asked.take(UserStartedSpeaking())
    assert asked.approvals.is_being_replied
