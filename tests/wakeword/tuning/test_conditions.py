"""How a room and a noise change a call: levels accurate to the decibel, and the call at its position."""

import numpy as np
import pytest

from edgevoice.wakeword.models.shapes import RATE_HZ
from edgevoice.wakeword.tuning.conditions import (
    Condition,
    Sound,
    as_samples,
    conditions,
    heard_through,
    level,
    response_at,
    with_noise,
)

CALL: Sound = 2000 * np.sin(2 * np.pi * 500 / RATE_HZ * np.arange(RATE_HZ))
HISS: Sound = np.random.default_rng(1).normal(0, 50, 10 * RATE_HZ)


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0, -5.0])
def test_noise_is_mixed_at_the_given_number_of_decibels_below_the_call(snr_db: float) -> None:
    mixed = with_noise(CALL, HISS, snr_db, np.random.default_rng(2))

    rest = mixed[RATE_HZ : RATE_HZ + len(CALL)] - CALL
    assert 20 * np.log10(level(CALL) / level(rest)) == pytest.approx(snr_db, abs=0.1)


def test_noise_surrounds_the_call_and_short_noise_is_looped() -> None:
    mixed = with_noise(CALL, HISS[: RATE_HZ // 2], 10.0, np.random.default_rng(2))

    assert len(mixed) == len(CALL) + RATE_HZ * 3 // 2
    assert level(mixed[:RATE_HZ]) == pytest.approx(level(mixed[-RATE_HZ // 4 :]), rel=0.1)


def test_a_room_keeps_the_level_and_adds_a_tail() -> None:
    wet = heard_through(CALL, response_at(3.0, 1))

    assert level(wet) == pytest.approx(level(CALL), rel=1e-6)
    assert len(wet) > len(CALL) + 0.3 * RATE_HZ
    assert np.abs(wet[len(CALL) :]).max() > 100


@pytest.mark.parametrize(("distance_m", "ratio_db"), [(0.64, 0.0), (1.0, -3.9), (3.0, -13.5)])
def test_the_direct_to_reverberant_ratio_falls_with_distance(distance_m: float, ratio_db: float) -> None:
    response = response_at(distance_m, 3)

    assert -20 * np.log10(np.linalg.norm(response[1:])) == pytest.approx(ratio_db, abs=0.3)
    assert not np.array_equal(response, response_at(distance_m, 4))


def test_pauses_do_not_lower_the_level_of_a_call_and_silence_has_a_non_zero_level() -> None:
    assert level(np.concatenate([CALL, np.zeros(RATE_HZ)])) == pytest.approx(level(CALL))
    assert level(np.zeros(RATE_HZ)) == 1.0
    assert level(np.zeros(5)) == 1.0


def test_samples_beyond_full_scale_are_clipped() -> None:
    assert as_samples(np.array([-1e6, -1.6, 0.4, 1e6])).tolist() == [-32_768, -2, 0, 32_767]


def test_every_noise_is_combined_with_every_level_and_every_place() -> None:
    made = conditions(["kitchen", "music"], [10.0, 5.0], ["hall"], [3.0])

    assert len(made) == len(set(made)) == 2 + 2 * 2 * 3
    assert made[:3] == [Condition(room="hall"), Condition(distance_m=3.0), Condition("kitchen", 10.0)]
    assert [each.name for each in made[:3]] == ["hall", "3 m", "kitchen at 10 dB"]
    assert Condition("kitchen", 10.0, distance_m=3.0).name == "kitchen at 10 dB, 3 m"
    assert Condition("music", 5.0, "hall").name == "music at 5 dB, hall"
