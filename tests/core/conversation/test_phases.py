import pytest

from edgevoice.core.conversation.phases import TRANSITIONS, Cause, Phase, after, diagram


def test_every_listed_transition_leads_where_the_table_says() -> None:
    assert all(after(phase, cause) is target for (phase, cause), target in TRANSITIONS.items())


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("cause", list(Cause))
def test_a_transition_that_is_not_listed_names_the_culprit(phase: Phase, cause: Cause) -> None:
    if (phase, cause) in TRANSITIONS:
        return

    with pytest.raises(LookupError, match=f"^no transition from {phase} by {cause.name}$"):
        after(phase, cause)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.IDLE])
def test_every_phase_can_be_hung_up(phase: Phase) -> None:
    assert after(phase, Cause.HUNG_UP) is Phase.IDLE


def test_no_phase_and_no_cause_is_out_of_reach() -> None:
    assert set(TRANSITIONS.values()) == set(Phase)
    assert {cause for _, cause in TRANSITIONS} == set(Cause)


def test_the_diagram_has_a_line_for_every_transition() -> None:
    lines = diagram().splitlines()

    assert lines[:3] == ["stateDiagram-v2", "    direction LR", "    [*] --> idle"]
    assert "    idle --> connecting: wake word or button" in lines
    assert len(lines) == 3 + len(TRANSITIONS)
