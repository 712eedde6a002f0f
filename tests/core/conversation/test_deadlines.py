import hypothesis.strategies as st
from hypothesis import given

from edgevoice.core.conversation.deadlines import Deadline, Deadlines


def running(**at: float) -> Deadlines:
    deadlines = Deadlines()
    for name, when in at.items():
        deadlines.set(Deadline[name], when)
    return deadlines


def test_there_is_no_deadline_at_first() -> None:
    assert Deadlines().next() is None
    assert Deadlines().take_due(1e9) is None


def test_the_nearest_deadline_is_the_next() -> None:
    assert running(SESSION=9, LISTEN=3).next() == 3


def test_a_deadline_set_again_is_moved() -> None:
    deadlines = running(LISTEN=3)
    deadlines.set(Deadline.LISTEN, 7)

    assert deadlines.at(Deadline.LISTEN) == 7
    assert deadlines.take_due(6.9) is None


def test_a_deadline_is_due_exactly_at_its_time_and_only_once() -> None:
    deadlines = running(LISTEN=3)

    assert deadlines.take_due(3) is Deadline.LISTEN
    assert deadlines.take_due(3) is None


def test_a_deadline_cancelled_by_an_earlier_one_is_not_reported() -> None:
    deadlines = running(SESSION=1, ECHO_TAIL=2)

    assert deadlines.take_due(5) is Deadline.SESSION
    deadlines.clear(Deadline.ECHO_TAIL, Deadline.RING)
    assert deadlines.take_due(5) is None
    assert deadlines.at(Deadline.ECHO_TAIL) is None


@given(st.dictionaries(st.sampled_from(Deadline), st.floats(0, 100)), st.floats(0, 100))
def test_deadlines_are_reported_earliest_first_and_none_too_soon(at: dict[Deadline, float], now: float) -> None:
    deadlines = running(**{name.name: when for name, when in at.items()})
    told = []
    while (name := deadlines.take_due(now)) is not None:
        told.append(at[name])

    assert told == sorted(when for when in at.values() if when <= now)
    assert deadlines.next() == min((when for when in at.values() if when > now), default=None)


def test_a_deadline_due_at_this_moment_is_postponed_too() -> None:
    deadlines = Deadlines()
    deadlines.set(Deadline.LISTEN, 5.0)
    deadlines.spare(5.0, 7.0, Deadline.LISTEN)

    assert deadlines.at(Deadline.LISTEN) == 7.0
