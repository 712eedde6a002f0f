"""The statistics of interruptions, also of so few that a half of them has none."""

from edgevoice.core.facts import PlaybackCut
from edgevoice.testbed.bench.cuts import Cut, CutSource, JudgedInterruption, by_local_speech, figures
from edgevoice.testbed.percentiles import p50_p95


def judged(silent_ms: float, *, is_loaded: bool = False) -> JudgedInterruption:
    cut = Cut(1, CutSource.BUTTON, 0.0, PlaybackCut(()), is_loaded)
    return JudgedInterruption(cut, silent_ms, heard_error_ms=-0.25, late_samples=2, click_db=-40.04)


def test_the_figures_are_those_of_every_interruption() -> None:
    found = figures([judged(4.0), judged(8.0)])

    assert found["silent_ms"] == {"p50": 6.0, "p95": 7.8, "max": 8.0}
    assert (found["heard_error_ms"], found["late_samples_heard"]) == ({"max": 0.25}, 4)
    assert found["click_db"] == {"max": -40.0}


def test_no_interruption_has_no_figures() -> None:
    assert p50_p95([]) == {}
    assert figures([]) == {}
    assert by_local_speech([]) == {}
