from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ItemHeard,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.personas.pending import PendingChange

CUT = PlaybackCut((ItemHeard("a", 0, 120, 900, is_complete=False),))
SPEAKING = PhaseEntered(Phase.SPEAKING)
LISTENING = PhaseEntered(Phase.LISTENING)


def ended(response_id: str, *, has_audio: bool = True) -> ResponseEnded:
    return ResponseEnded(response_id, ResponseStatus.COMPLETED, has_audio=has_audio)


def after_a_tool(*before: Notice) -> PendingChange:
    """Return an announcement of a change that a tool has just made while the answer was being thought about."""
    pending = PendingChange()
    for notice in (LISTENING, PhaseEntered(Phase.THINKING), ResponseStarted("calls"), *before):
        assert not pending.take(notice)
    assert pending.is_awaited
    pending.wait()
    return pending


def due(pending: PendingChange, *notices: Notice) -> list[bool]:
    return [pending.take(notice) for notice in notices]


def test_a_change_waits_until_the_answer_that_announces_it_has_been_heard() -> None:
    pending = after_a_tool(ended("calls", has_audio=False))

    assert due(pending, ResponseStarted("r"), PlaybackStarted(1), SPEAKING, ended("r")) == [False] * 4
    assert due(pending, PlaybackDrained(1), LISTENING) == [True, False]


def test_the_words_before_the_call_do_not_count_as_the_announcement() -> None:
    pending = after_a_tool(PlaybackStarted(1), SPEAKING, ended("calls"))

    assert due(pending, PlaybackDrained(1), PhaseEntered(Phase.THINKING)) == [False, False]
    assert due(pending, ResponseStarted("r"), PlaybackStarted(2), ended("r")) == [False] * 3
    assert due(pending, PlaybackDrained(2)) == [True]


def test_a_pause_in_the_announcement_is_not_its_end() -> None:
    pending = after_a_tool()

    assert due(pending, ResponseStarted("r"), PlaybackStarted(1), PlaybackDrained(1)) == [False] * 3
    assert due(pending, PlaybackStarted(2), PlaybackDrained(2), ended("r")) == [False, False, True]


def test_an_answer_without_a_sound_announces_nothing() -> None:
    pending = after_a_tool()

    assert due(pending, ResponseStarted("calls again"), ended("calls again", has_audio=False)) == [False, False]
    assert due(pending, ResponseStarted("r"), PlaybackStarted(1), ended("other"), ended("r")) == [False] * 4
    assert due(pending, PlaybackDrained(1)) == [True]


def test_a_change_never_falls_into_the_middle_of_another_answer() -> None:
    pending = after_a_tool()

    assert due(pending, ResponseStarted("r"), PlaybackStarted(1), ended("r"), ResponseStarted("more")) == [False] * 4
    assert due(pending, PlaybackDrained(1), PlaybackStarted(2), ended("more")) == [False] * 3
    assert due(pending, PlaybackDrained(2)) == [True]


def test_an_interruption_lets_the_change_take_effect_at_once() -> None:
    pending = after_a_tool()

    assert due(pending, ResponseStarted("r"), PlaybackStarted(1), SPEAKING, CUT) == [False, False, False, True]
    assert due(pending, LISTENING, PlaybackDrained(1)) == [False, False]


def test_a_turn_that_ends_without_an_announcement_lets_the_change_take_effect() -> None:
    assert due(after_a_tool(), UserStoppedSpeaking(), LISTENING) == [False, True]


def test_the_end_of_the_session_needs_no_change_any_more() -> None:
    for phase in (Phase.IDLE, Phase.CONNECTING):
        pending = after_a_tool()

        assert due(pending, PhaseEntered(phase), LISTENING) == [False, False]
        assert not pending.is_awaited


def test_without_a_change_nothing_is_ever_due() -> None:
    pending = PendingChange()
    turn = (ResponseStarted("r"), PlaybackStarted(1), ended("r"), PlaybackDrained(1), CUT, LISTENING)

    assert due(pending, *turn) == [False] * len(turn)
