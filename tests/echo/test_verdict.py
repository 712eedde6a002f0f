"""Which tier follows from the measurements, and what the user is told."""

from dataclasses import replace
from typing import Any

import pytest

from edgevoice.echo.selftest import Measured, Trial
from edgevoice.echo.tiers import Tier
from edgevoice.echo.verdict import Tried, judge, problem_of

USUAL = Measured(
    noise_dbfs=-65,
    played_dbfs=-20,
    echo_db=35,
    return_loss_db=10,
    delay_ms=60,
    drift_ppm=0,
    drift_error_ppm=0.1,
    distortion_percent=1,
    is_heard=True,
)
LINEAR = Tried(Trial(cancelled_db=30, left_db=5), cpu_ms_per_s=4)
SUPPRESSOR = Tried(Trial(cancelled_db=38, left_db=-2), cpu_ms_per_s=8)
NOT_NEEDED = Tried(problem="there is nothing to cancel")


def linear(cancelled_db: float) -> Tried:
    return Tried(Trial(cancelled_db, left_db=35 - cancelled_db), cpu_ms_per_s=4)


def test_if_both_cancellers_work_speech_may_interrupt() -> None:
    assert judge(USUAL, LINEAR, SUPPRESSOR).tier is Tier.SUPPRESSOR


def test_a_drift_that_can_be_followed_does_not_prevent_it() -> None:
    assert judge(replace(USUAL, drift_ppm=90.0), LINEAR, SUPPRESSOR).tier is Tier.SUPPRESSOR


def test_an_echo_that_is_not_above_the_noise_has_been_cancelled_by_the_device() -> None:
    assert judge(replace(USUAL, echo_db=1, return_loss_db=45), NOT_NEEDED, NOT_NEEDED).tier is Tier.HARDWARE


def test_a_filter_that_leaves_nothing_but_noise_is_good_whatever_its_figure() -> None:
    faint = Tried(Trial(cancelled_db=12, left_db=1), cpu_ms_per_s=4)
    rest = Tried(Trial(cancelled_db=14, left_db=-1), cpu_ms_per_s=8)

    assert judge(replace(USUAL, echo_db=13), faint, rest).tier is Tier.SUPPRESSOR


@pytest.mark.parametrize(
    ("changes", "tried", "reason"),
    [
        ({}, (linear(15), SUPPRESSOR), "the filter takes out 15 dB of the echo, not the 20"),
        ({"distortion_percent": 14.0}, (linear(15), SUPPRESSOR), "the loudspeaker distorts (14 %), so turn it down"),
        ({}, (LINEAR, Tried(problem="pywebrtc-audio is not installed")), "but pywebrtc-audio is not installed"),
        ({}, (LINEAR, Tried(Trial(12, 23), 8)), "but the suppressor only 12 dB"),
        ({}, (LINEAR, replace(SUPPRESSOR, cpu_ms_per_s=97)), "it costs 101 ms per second"),
    ],
)
def test_if_the_suppressor_does_not_pay_the_linear_tier_still_helps_the_wake_word(
    changes: dict[str, Any], tried: tuple[Tried, Tried], reason: str
) -> None:
    verdict = judge(replace(USUAL, **changes), *tried)

    assert verdict.tier is Tier.LINEAR
    assert reason in verdict.why


@pytest.mark.parametrize(
    ("changes", "tried", "reason"),
    [
        ({}, (Tried(problem="libspeexdsp.so.1 is not installed"), SUPPRESSOR), "libspeexdsp.so.1 is not installed"),
        ({}, (linear(3), SUPPRESSOR), "next to nothing"),
        ({}, (replace(LINEAR, cpu_ms_per_s=140), SUPPRESSOR), "costs 140 ms per second"),
        ({"drift_ppm": -450.0}, (LINEAR, SUPPRESSOR), "drift apart by -450 ppm"),
        ({"drift_error_ppm": 80.0}, (LINEAR, SUPPRESSOR), "do not keep step"),
        ({"drift_ppm": None}, (LINEAR, SUPPRESSOR), "do not keep step"),
        ({"silenced_percent": 96.0, "is_heard": False}, (LINEAR, SUPPRESSOR), "switches its microphone off"),
    ],
)
def test_if_nothing_helps_the_box_is_deaf_while_it_speaks(
    changes: dict[str, Any], tried: tuple[Tried, Tried], reason: str
) -> None:
    verdict = judge(replace(USUAL, **changes), *tried)

    assert verdict.tier is Tier.NONE
    assert reason in verdict.why


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_dead": True, "is_heard": False}, "mute switch"),
        ({"clipped_percent": 12.0}, "turn down the volume"),
        ({"is_heard": False}, "check that the speaker is on"),
        ({"echo_db": 1.0, "return_loss_db": 18.0}, "the room is too loud, or the volume too low"),
    ],
)
def test_a_useless_measurement_gives_no_tier_but_says_what_to_do(changes: dict[str, Any], reason: str) -> None:
    measured = replace(USUAL, **changes)
    verdict = judge(measured, LINEAR, SUPPRESSOR)

    assert verdict.tier is None
    assert verdict.why == problem_of(measured)
    assert reason in verdict.why


def test_the_verdict_is_one_line() -> None:
    worst = (Tried(problem="gone"), Tried(problem="gone"))
    for measured in (USUAL, replace(USUAL, is_heard=False), replace(USUAL, drift_ppm=999.0)):
        for tried in ((LINEAR, SUPPRESSOR), worst):
            why = judge(measured, *tried).why
            assert why
            assert "\n" not in why
            assert not why.endswith(".")
