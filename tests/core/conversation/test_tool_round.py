import pytest

from edgevoice.core.conversation.tool_round import ToolRound, ToolRoundState
from edgevoice.core.facts import ToolCall

CALL, OTHER = ToolCall("c1", "stop", ""), ToolCall("c2", "stop", "")


def running(*calls: ToolCall, has_spoken: bool = False) -> ToolRound:
    tools = ToolRound()
    tools.begin(calls, has_spoken=has_spoken)
    return tools


def test_a_round_is_over_with_its_last_tool() -> None:
    tools = running(CALL, OTHER)
    assert tools.is_running

    assert not tools.finish("c1")
    assert tools.waits_for("c2")
    assert tools.finish("c2")
    assert tools.state is ToolRoundState.CALLED


def test_the_answer_after_a_round_answers_it() -> None:
    over, still_running, none = running(CALL), running(CALL), ToolRound()
    over.finish("c1")
    for tools in (over, still_running, none):
        tools.answer()

    assert over.is_being_answered
    assert still_running.is_running
    assert not none.has_called


def test_a_cut_round_is_finished_only_for_the_record() -> None:
    tools = running(CALL)
    tools.go_stale()

    assert not tools.is_running
    assert tools.has_called, "in this turn"
    assert tools.waits_for("c1")
    assert not tools.finish("c1")


def test_the_next_turn_starts_without_tools_run() -> None:
    for tools in (running(CALL), ToolRound()):
        tools.listen()
        assert not tools.has_called


def test_of_two_wanted_rounds_the_second_decides_whether_the_model_has_spoken() -> None:
    tools = running(CALL)
    tools.begin((OTHER,), has_spoken=True)

    assert tools.has_spoken
    assert [tools.finish("c1"), tools.finish("c2")] == [False, True]


def test_late_calls_do_not_change_whether_a_round_is_wanted() -> None:
    wanted, stale, answered = running(CALL, has_spoken=True), ToolRound(), running(CALL)
    answered.finish("c1")
    answered.answer()
    for tools in (wanted, stale, answered):
        tools.begin_stale((OTHER,))

    assert (wanted.state, wanted.has_spoken) == (ToolRoundState.RUNNING, True)
    assert stale.state is ToolRoundState.NONE
    assert answered.is_being_answered
    assert [wanted.finish("c1"), wanted.finish("c2")] == [False, True]
    assert not stale.finish("c2")


def test_tool_outputs_belong_to_the_session_that_called_the_tools() -> None:
    tools = running(CALL)
    tools.break_off()

    assert not tools.waits_for("c1")
    assert (tools.is_running, tools.has_called) == (False, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ToolRoundState.NONE, ToolRoundState.NONE),
        (ToolRoundState.CALLED, ToolRoundState.CALLED),
        (ToolRoundState.ANSWERED, ToolRoundState.ANSWERED),
        (ToolRoundState.RUNNING, ToolRoundState.CALLED),
    ],
)
def test_a_restored_round_is_unchanged_unless_it_has_ended_meanwhile(
    before: ToolRoundState, after: ToolRoundState
) -> None:
    tools = ToolRound()
    tools.take_up(before)

    assert tools.state is after


def test_a_running_round_is_wanted_again_when_it_is_restored() -> None:
    for before in ToolRoundState:
        tools = running(CALL)
        tools.go_stale()
        tools.listen()
        tools.take_up(before)
        assert tools.is_running
