"""Whether a conversation is scored depends on its id and the rate alone."""

from hypothesis import given
from hypothesis import strategies as st

from edgevoice.grading.sampling import is_sampled

IDS = [f"session-{number}" for number in range(4000)]


def chosen(rate: float) -> set[str]:
    return {each for each in IDS if is_sampled(each, rate)}


@given(st.text(), st.floats(0, 1))
def test_the_same_id_is_always_decided_in_the_same_way(session_id: str, rate: float) -> None:
    assert is_sampled(session_id, rate) is is_sampled(session_id, rate)


def test_the_choice_is_the_same_in_every_process() -> None:
    # Python's own hash of a text differs from one process to the next.
    assert [each for each in IDS[:40] if is_sampled(each, 0.1)] == ["session-19", "session-29", "session-31"]


def test_a_higher_rate_chooses_all_that_a_lower_one_does() -> None:
    assert chosen(0.1) < chosen(0.3) < chosen(1.0)


def test_nothing_is_chosen_at_0_and_everything_at_1() -> None:
    assert chosen(0.0) == set()
    assert chosen(1.0) == set(IDS)


def test_the_share_that_is_chosen_is_the_rate() -> None:
    assert abs(len(chosen(0.25)) / len(IDS) - 0.25) < 0.02
