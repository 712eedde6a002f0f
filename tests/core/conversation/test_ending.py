import pytest

from edgevoice.core.conversation.ending import Ending, EndingState


def test_after_a_goodbye_the_box_hangs_up_unless_the_user_speaks() -> None:
    ending = Ending()
    ending.say_goodbye()
    assert ending.is_goodbye

    ending.take_back()
    assert ending.state is EndingState.LISTEN


@pytest.mark.parametrize(
    ("is_goodbye", "is_final", "state"),
    [
        (False, False, EndingState.REDIAL),
        (False, True, EndingState.FAIL),
        (True, False, EndingState.FAIL),
        (True, True, EndingState.FAIL),
    ],
)
def test_a_lost_session_is_redialled_if_that_is_useful(*, is_goodbye: bool, is_final: bool, state: EndingState) -> None:
    ending = Ending()
    if is_goodbye:
        ending.say_goodbye()
    ending.lose("session-ended", is_final=is_final)

    assert ending.state is state
    assert ending.lost_by == "session-ended"


def test_a_loss_is_final_and_can_get_worse() -> None:
    ending = Ending()
    states = []
    ending.lose("session-ended", is_final=False)
    ending.say_goodbye()
    ending.take_back()
    states.append(ending.state)
    ending.lose("key-refused", is_final=True)
    ending.lose("key-refused", is_final=False)
    states.append(ending.state)

    assert states == [EndingState.REDIAL, EndingState.FAIL]
