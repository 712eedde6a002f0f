"""How the five state machines of the answer interact."""

import pytest

from edgevoice.core.conversation.answer import Answer
from edgevoice.core.conversation.cut_answer import CutAnswer
from edgevoice.core.conversation.ending import EndingState
from edgevoice.core.conversation.generation import GenerationState
from edgevoice.core.conversation.playback import PlaybackState
from edgevoice.core.conversation.request import RequestState
from edgevoice.core.conversation.tool_round import ToolRoundState
from edgevoice.core.facts import ToolCall

CALL = ToolCall("c1", "stop", "")
OTHER_CALL = ToolCall("c2", "stop", "")

States = tuple[GenerationState, PlaybackState, ToolRoundState, RequestState, EndingState]

NOTHING: States = (
    GenerationState.NONE,
    PlaybackState.SILENT,
    ToolRoundState.NONE,
    RequestState.NONE,
    EndingState.LISTEN,
)


def states(answer: Answer) -> States:
    return (
        answer.generation.state,
        answer.playback.state,
        answer.tools.state,
        answer.request.state,
        answer.ending.state,
    )


def busy() -> Answer:
    """Return an answer that plays ducked, while tools run, another is requested and a goodbye has been said."""
    answer = Answer()
    answer.begin("r1")
    answer.generation.end_item("r1", CALL)
    answer.begin_tools((ToolCall("c9", "stop", ""),), has_spoken=True)
    answer.playback.start(3)
    answer.playback.duck(7)
    answer.request.ask()
    answer.take_goodbye()
    return answer


# --- when it is over -------------------------------------------------------------------------------------------------


def test_an_answer_that_was_never_requested_is_over() -> None:
    assert Answer().is_over


def test_an_answer_is_not_over_while_any_of_it_is_still_to_come() -> None:
    generated, sounding, due, with_tools = Answer(), Answer(), Answer(), Answer()
    generated.generation.begin("r")
    sounding.playback.start(1)
    due.request.end_turn()
    with_tools.begin_tools((CALL,), has_spoken=False)

    assert not any(answer.is_over for answer in (generated, sounding, due, with_tools))


def test_a_round_of_unwanted_tools_keeps_no_answer_open() -> None:
    answer = Answer()
    answer.tools.begin_stale((CALL,))

    assert answer.is_over


def test_sound_keeps_an_answer_open_but_not_the_wire() -> None:
    sounding = Answer()
    sounding.playback.start(3)

    assert sounding.playback.is_sounding
    assert sounding.is_received
    assert not sounding.is_over


def test_an_answer_that_is_being_generated_is_not_with_its_tools() -> None:
    answer = Answer()
    answer.begin_tools((CALL,), has_spoken=False)
    assert answer.is_with_tools

    answer.begin("r2")
    assert not answer.is_with_tools


# --- each interaction, from beginning to end --------------------------------------------------------------------------


def test_a_new_answer_keeps_nothing_of_the_previous_one_except_its_owed_end() -> None:
    answer = busy()
    answer.begin("r2")

    assert states(answer) == (
        GenerationState.WANTED,
        PlaybackState.DUCKED,
        ToolRoundState.RUNNING,
        RequestState.BEGUN,
        EndingState.HANG_UP,
    )
    assert answer.playback.admits("r2")
    assert (answer.generation.response_id, answer.generation.leftovers) == ("r2", ["r1"])
    assert not answer.generation.calls


def test_an_unwanted_answer_is_tracked_beside_the_current_one_and_cancelled() -> None:
    answer = Answer()
    answer.begin("r1")
    answer.request.interrupt()
    answer.begin_unwanted("r2")

    assert answer.generation.state is GenerationState.CALLED_OFF
    assert (answer.generation.response_id, answer.generation.leftovers) == ("r2", ["r1"])
    assert answer.playback.admits("r1")
    assert answer.request.state is RequestState.NONE


def test_the_end_of_an_answer_ends_its_request_and_its_generation() -> None:
    answer = busy()
    answer.begin("r2")
    answer.end()

    assert states(answer) == (
        GenerationState.NONE,
        PlaybackState.DUCKED,
        ToolRoundState.RUNNING,
        RequestState.NONE,
        EndingState.HANG_UP,
    )
    assert answer.playback.admits("r2")


def test_a_cut_answer_admits_no_sound_awaits_nothing_and_makes_its_tools_stale() -> None:
    answer = busy()
    answer.fall_silent()

    assert states(answer) == (
        GenerationState.GIVEN_UP,
        PlaybackState.SILENT,
        ToolRoundState.CALLED,
        RequestState.NONE,
        EndingState.HANG_UP,
    )
    assert not answer.playback.admits("r1")
    assert answer.generation.response_id == "r1"
    assert not answer.generation.calls
    assert answer.tools.waits_for("c9"), "for the record"


def test_no_answer_to_a_round_is_requested_before_it_is_over() -> None:
    answer = Answer()
    answer.request.hold()
    answer.begin_tools((CALL,), has_spoken=False)

    assert answer.request.state is RequestState.DUE


def test_a_broken_answer_awaits_nothing() -> None:
    answer = busy()
    answer.break_off("session-ended", is_final=True)

    assert answer.is_received
    assert states(answer) == (
        GenerationState.NONE,
        PlaybackState.DUCKED,
        ToolRoundState.CALLED,
        RequestState.NONE,
        EndingState.FAIL,
    )
    assert answer.ending.lost_by == "session-ended"
    assert not answer.tools.waits_for("c9")


def test_a_reset_answer_equals_a_new_one() -> None:
    answer = busy()
    answer.begin("r2")
    answer.reset()

    assert states(answer) == NOTHING
    assert not answer.generation.is_in_the_way
    assert not answer.playback.admits("r2")
    assert answer.playback.take_near_speech() is None
    assert not answer.tools.waits_for("c9")


# --- being refused ---------------------------------------------------------------------------------------------------


def test_a_request_refused_because_of_another_answer_is_repeated_after_it() -> None:
    alone, behind = Answer(), Answer()
    for answer in (alone, behind):
        answer.request.ask()
        answer.begin("r1")
    behind.generation.refuse("r0")

    assert [alone.be_refused(), behind.be_refused()] == [True, False]
    assert [alone.request.is_to_be_repeated, behind.request.is_to_be_repeated] == [True, True]


def test_a_refusal_after_the_requested_answer_is_ignored() -> None:
    answer = Answer()
    answer.request.ask()
    answer.begin("r1")
    answer.end()
    answer.begin("r2")
    answer.be_refused()

    assert not answer.request.is_to_be_repeated


def test_a_refusal_counts_only_after_a_request_while_another_answer_runs() -> None:
    unasked, idle, refused, unwanted = Answer(), Answer(), Answer(), Answer()
    for answer in (idle, refused, unwanted):
        answer.request.ask()
    unasked.begin("r1")
    refused.begin("r1")
    unwanted.generation.begin_unwanted("r1")
    for answer in (unasked, idle, refused, unwanted):
        answer.be_refused()

    assert [answer.request.is_to_be_repeated for answer in (unasked, idle, unwanted, refused)] == [
        False,
        False,
        False,
        True,
    ]


# --- answers to tools ------------------------------------------------------------------------------------------------


def test_an_answer_to_tools_begins_after_a_finished_round() -> None:
    over, running, never = Answer(), Answer(), Answer()
    over.begin_tools((CALL,), has_spoken=False)
    over.tools.finish("c1")
    running.begin_tools((CALL,), has_spoken=False)
    for answer in (over, running, never):
        answer.begin("r2")

    assert [answer.tools.is_being_answered for answer in (over, running, never)] == [True, False, False]
    assert [answer.needs_no_other for answer in (over, running, never)] == [False, True, False]
    assert [answer.early_answer for answer in (over, running, never)] == ["r2", None, None]


def test_an_answer_to_tools_that_is_playing_is_not_replaced_by_another() -> None:
    answer = Answer()
    answer.begin_tools((CALL,), has_spoken=False)
    answer.tools.finish("c1")
    answer.begin("r2")
    answer.playback.start(1)

    assert answer.early_answer is None
    assert answer.needs_no_other


def test_a_goodbye_counts_only_while_a_tool_of_the_answer_runs() -> None:
    before, running, stale = Answer(), Answer(), Answer()
    running.begin_tools((CALL,), has_spoken=False)
    stale.tools.begin_stale((CALL,))
    for answer in (before, running, stale):
        answer.take_goodbye()

    assert [answer.ending.is_goodbye for answer in (before, running, stale)] == [False, True, False]


@pytest.mark.parametrize("how", ["heard", "called", "lost", "neither"])
def test_an_answer_has_begun_once_it_was_heard_or_a_tool_has_run_for_it(how: str) -> None:
    answer = Answer()
    answer.begin("r1")
    if how == "heard":
        answer.playback.start(1)
    if how == "called":
        answer.begin_tools((CALL,), has_spoken=False)
    if how == "lost":
        answer.break_off("session-ended", is_final=False)

    assert answer.is_begun is (how != "neither")


# --- cut and resumed --------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_as_it_was_when_it_was_cut() -> None:
    assert busy().as_cut(5.0) == CutAnswer("r1", 5.0, was_due=True, tools=ToolRoundState.RUNNING, is_goodbye=True)


def test_silence_and_sound_without_an_answer_are_not_kept() -> None:
    silent, nameless = Answer(), Answer()
    silent.begin("r1")
    nameless.playback.start(1)

    assert silent.as_cut(5.0) is None
    assert nameless.as_cut(5.0) is None


def test_a_resumed_answer_replaces_whatever_has_begun_since() -> None:
    answer = busy()
    cut = answer.as_cut(5.0)
    assert cut is not None
    answer.fall_silent()
    answer.ending.take_back()
    answer.tools.listen()
    answer.request.end_turn()
    answer.begin("r2")
    answer.take_up(cut, is_due=False)

    assert (answer.generation.response_id, answer.generation.leftovers) == ("r1", ["r2"])
    assert answer.playback.admits("r1")
    assert states(answer) == (
        GenerationState.WANTED,
        PlaybackState.PAUSED,
        ToolRoundState.RUNNING,
        RequestState.NONE,
        EndingState.HANG_UP,
    )


def test_an_answer_that_owes_another_waits_for_it() -> None:
    answer = Answer()
    answer.take_up(CutAnswer("r1", 0.0, was_due=True, tools=ToolRoundState.NONE, is_goodbye=False), is_due=True)

    assert answer.request.state is RequestState.DUE
    assert not answer.ending.is_goodbye


@pytest.mark.parametrize(
    ("was_due", "tools", "owes"),
    [
        (False, ToolRoundState.NONE, False),
        (False, ToolRoundState.CALLED, False),
        (False, ToolRoundState.RUNNING, True),
        (True, ToolRoundState.NONE, True),
    ],
)
def test_an_answer_is_owed_if_it_was_due_or_its_tools_ran(*, was_due: bool, tools: ToolRoundState, owes: bool) -> None:
    assert CutAnswer("r1", 0.0, was_due=was_due, tools=tools, is_goodbye=False).owes_answer is owes
