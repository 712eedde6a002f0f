import pytest

from edgevoice.core.conversation.request import AnswerRequest, RequestState

S = RequestState


def request(state: RequestState) -> AnswerRequest:
    made = AnswerRequest()
    made.state = state
    return made


def test_an_answer_is_due_until_it_begins() -> None:
    assert [state for state in RequestState if request(state).is_due] == [S.DUE, S.HELD, S.ASKED, S.REFUSED]
    for state in (S.DUE, S.HELD, S.ASKED, S.REFUSED):
        made = request(state)
        made.begin()
        assert not made.is_due


@pytest.mark.parametrize(
    ("state", "begun", "ended"),
    [
        (S.DUE, S.NONE, S.NONE),
        (S.HELD, S.NONE, S.NONE),
        (S.ASKED, S.BEGUN, S.NONE),
        (S.REFUSED, S.OVERTAKEN, S.OVERTAKEN),
    ],
)
def test_an_answer_that_begins_may_be_the_requested_one(
    state: RequestState, begun: RequestState, ended: RequestState
) -> None:
    made = request(state)
    made.begin()
    assert made.state is begun

    made.end()
    assert made.state is ended


def test_an_answer_requested_after_another_is_still_due_when_that_one_ends() -> None:
    made = request(S.ASKED)
    made.end()

    assert made.state is S.DUE


@pytest.mark.parametrize(("state", "refused"), [(S.ASKED, S.REFUSED), (S.BEGUN, S.OVERTAKEN)])
def test_a_refusal_counts_if_another_answer_was_in_the_way(state: RequestState, refused: RequestState) -> None:
    made = request(state)
    made.refuse(is_in_the_way=True)
    assert made.state is refused
    assert made.is_to_be_repeated

    made.refuse(is_in_the_way=False)
    assert made.state is state


@pytest.mark.parametrize("state", [S.NONE, S.DUE, S.HELD, S.UNWANTED])
def test_a_refusal_without_a_request_is_ignored(state: RequestState) -> None:
    made = request(state)
    made.refuse(is_in_the_way=True)

    assert made.state is state


@pytest.mark.parametrize(
    ("state", "after"), [(S.REFUSED, S.DUE), (S.OVERTAKEN, S.NONE), (S.HELD, S.HELD), (S.ASKED, S.ASKED)]
)
def test_a_request_is_not_repeated_once_an_answer_was_heard(state: RequestState, after: RequestState) -> None:
    made = request(state)
    made.settle()

    assert made.state is after


@pytest.mark.parametrize(
    ("state", "after"), [(S.HELD, S.DUE), (S.REFUSED, S.DUE), (S.OVERTAKEN, S.NONE), (S.NONE, S.NONE)]
)
def test_no_request_is_sent_before_the_called_tools_have_ended(state: RequestState, after: RequestState) -> None:
    made = request(state)
    made.take_calls()

    assert made.state is after
    assert not made.is_held


@pytest.mark.parametrize("state", RequestState)
def test_a_cut_clears_the_due_answer_and_remembers_that_it_is_unwanted(state: RequestState) -> None:
    made = request(state)
    made.silence()

    assert made.state is (S.UNWANTED if state is S.UNWANTED else S.NONE)


def test_an_answer_interrupted_before_it_began_is_unwanted_until_it_begins_or_the_user_speaks() -> None:
    begun, spoken, next_turn = AnswerRequest(), AnswerRequest(), AnswerRequest()
    for made in (begun, spoken, next_turn):
        made.interrupt()
        assert made.is_unwanted
        assert made.crosses(is_user_speaking=False)
    begun.call_off()
    spoken.cross()
    next_turn.end_turn()

    assert not begun.is_unwanted
    assert not begun.is_overdue
    assert not spoken.is_unwanted
    assert spoken.is_overdue
    assert next_turn.state is S.DUE


@pytest.mark.parametrize("state", RequestState)
def test_an_answer_due_when_the_user_began_crosses_with_their_first_word(state: RequestState) -> None:
    made = request(state)
    was_due = made.is_due or made.is_unwanted
    made.cross()

    assert made.crosses(is_user_speaking=True) is was_due
    assert not made.crosses(is_user_speaking=False)

    made.call_off()
    assert not made.crosses(is_user_speaking=True)


def test_the_second_word_clears_what_crossed_with_the_first() -> None:
    made = request(S.UNWANTED)
    made.cross()
    made.cross()

    assert not made.is_overdue


@pytest.mark.parametrize("is_due", [False, True])
@pytest.mark.parametrize("state", RequestState)
def test_a_resumed_answer_is_wanted_and_the_answer_it_owes_is_due(state: RequestState, *, is_due: bool) -> None:
    made = request(state)
    made.is_crossing = True
    made.take_up(is_due=is_due)

    assert made.state is (S.DUE if is_due else S.NONE)
    assert not made.is_overdue
