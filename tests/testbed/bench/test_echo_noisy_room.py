"""Which of the benchmark's answers a box would have left uninterrupted."""

from edgevoice.testbed.bench.echo_noisy_room import LeftAlone, left_alone
from edgevoice.testbed.bench.echo_scene import SceneEvent


def ducks(count: int, begin_s: float, every_s: float = 1.0) -> list[SceneEvent]:
    """Return this many pairs of a sound that begins and turns out to be nothing."""
    starts = [begin_s + number * every_s for number in range(count)]
    return [
        SceneEvent(what, at_s) for start_s in starts for what, at_s in (("began", start_s), ("faded", start_s + 0.3))
    ]


def test_an_answer_with_few_ducks_is_not_left_alone() -> None:
    changes = [SceneEvent("answering", 0.0), *ducks(4, 1.0), SceneEvent("ducked", 6.0), SceneEvent("confirmed", 7.0)]

    assert left_alone(changes) == LeftAlone(answers=1, noisy=0, cuts=1)


def test_after_a_dozen_ducks_apparent_speech_cuts_nothing_until_the_next_answer() -> None:
    changes = [SceneEvent("answering", 0.0), *ducks(13, 1.0), SceneEvent("confirmed", 15.0)]
    later = [SceneEvent("answering", 100.0), SceneEvent("began", 101.0), SceneEvent("confirmed", 101.3)]

    assert left_alone(changes) == LeftAlone(answers=1, noisy=1, cuts=0)
    assert left_alone(changes + later) == LeftAlone(answers=2, noisy=1, cuts=1)


def test_after_ten_quiet_seconds_speech_cuts_again() -> None:
    changes = [SceneEvent("answering", 0.0), *ducks(12, 1.0)]

    assert left_alone([*changes, SceneEvent("confirmed", 22.0)]).cuts == 0
    assert left_alone([*changes, SceneEvent("confirmed", 22.5)]).cuts == 1
