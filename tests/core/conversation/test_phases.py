import pytest

from edgevoice.core.conversation.phases import TRANSITIONS, Phase, PhaseCause, after


def test_every_listed_transition_follows_the_table() -> None:
    assert all(after(phase, cause) is target for (phase, cause), target in TRANSITIONS.items())


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("cause", list(PhaseCause))
def test_a_transition_that_is_not_listed_names_the_culprit(phase: Phase, cause: PhaseCause) -> None:
    if (phase, cause) in TRANSITIONS:
        return

    with pytest.raises(LookupError, match=f"^no transition from {phase} by {cause.name}$"):
        after(phase, cause)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.IDLE])
def test_every_phase_can_be_hung_up(phase: Phase) -> None:
    assert after(phase, PhaseCause.HUNG_UP) is Phase.IDLE
