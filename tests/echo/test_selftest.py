"""The echo self-test recovers the parameters of a simulated room."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo import selftest
from edgevoice.echo.canceller import Samples
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.selftest import Recording, measure, signal, try_canceller
from edgevoice.echo.suppressor import Suppressor
from edgevoice.errors import EchoUnavailable
from edgevoice.testbed.stage.room import Room, furnish
from tests.echo.recordings import AHEAD_S, kitchen, recorded

SILENT = furnish(1, delay_ms=60, loss_db=200)


def direct_only(gain: float, delay_ms: float = 30) -> Room:
    return Room(np.concatenate([np.zeros(round(delay_ms * NEAR_END_HZ / 1000)), [gain]]))


# --- the signal ------------------------------------------------------------------------------------------------------


def test_the_signal_is_as_loud_as_a_voice_and_begins_and_ends_softly() -> None:
    played = signal()

    assert len(played) == round(selftest.SIGNAL_S * FAR_END_HZ)
    assert 0.45 * 32_768 < np.max(np.abs(played)) < 0.55 * 32_768
    first = int(np.flatnonzero(played)[0])
    assert np.max(np.abs(played[first : first + 48])) < 500
    assert np.max(np.abs(played[-48:])) < 500


def test_the_signal_is_the_same_every_time() -> None:
    assert np.array_equal(signal(), signal())


# --- what is measured ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay_ms", [5, 40, 120, 400])
def test_the_delay_is_found_within_a_millisecond(delay_ms: float) -> None:
    measured = measure(recorded(furnish(2, delay_ms=delay_ms), volume=0.3))

    assert measured.is_heard
    assert measured.delay_ms == pytest.approx(delay_ms, abs=1)


def test_a_driver_that_hides_a_buffer_may_make_the_echo_come_early() -> None:
    heard = kitchen()
    early = replace(heard, near=heard.near[: -NEAR_END_HZ // 10], ahead_s=AHEAD_S + 0.1)

    assert measure(early).delay_ms == pytest.approx(60 - 100, abs=1)


@pytest.mark.parametrize("drift_ppm", [0.0, 20.0, -50.0, 200.0])
def test_the_drift_is_found_within_half_a_ppm(drift_ppm: float) -> None:
    measured = measure(kitchen(drift_ppm))

    assert measured.drift_ppm == pytest.approx(drift_ppm, abs=0.5)
    assert measured.drift_error_ppm is not None
    assert measured.drift_error_ppm < 0.5


def test_a_gap_in_the_sound_makes_the_drift_unknown() -> None:
    heard = kitchen()
    gap = len(heard.near) * 2 // 3
    measured = measure(replace(heard, near=np.delete(heard.near, slice(gap, gap + 160))))

    assert measured.drift_error_ppm is not None
    assert measured.drift_error_ppm > 100


@pytest.mark.parametrize("loss_db", [0.0, 12.0, 30.0])
def test_the_loss_is_found_within_half_a_db(loss_db: float) -> None:
    measured = measure(recorded(direct_only(10 ** (-loss_db / 20))))

    assert measured.return_loss_db == pytest.approx(loss_db, abs=0.5)


def test_the_noise_is_measured_before_the_signal_and_a_door_does_not_count() -> None:
    door = np.zeros(round((AHEAD_S + selftest.SIGNAL_S + selftest.TAIL_S) * NEAR_END_HZ))
    door[NEAR_END_HZ : NEAR_END_HZ * 11 // 10] = 8000.0

    assert measure(kitchen()).noise_dbfs == pytest.approx(-65, abs=0.5)
    assert measure(recorded(SILENT, near=door)).noise_dbfs == pytest.approx(-65, abs=1)


def test_mains_hum_does_not_count_as_noise() -> None:
    time_s = np.arange(round((AHEAD_S + selftest.SIGNAL_S + selftest.TAIL_S) * NEAR_END_HZ)) / NEAR_END_HZ
    hum = 300 * np.sin(2 * np.pi * 50 * time_s) + 200

    assert measure(recorded(SILENT, near=hum)).noise_dbfs == pytest.approx(-65, abs=1)


def test_an_echo_far_below_the_noise_is_still_found() -> None:
    measured = measure(recorded(furnish(3, delay_ms=50, loss_db=50), volume=0.5))

    assert measured.is_heard
    assert measured.echo_db < 1
    assert measured.delay_ms == pytest.approx(50, abs=1)


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_is_not_taken_for_an_echo(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 300, round((AHEAD_S + selftest.SIGNAL_S + 2) * NEAR_END_HZ))
    measured = measure(Recording(noise.astype(np.int16), signal(), AHEAD_S))

    assert not measured.is_heard
    assert measured.drift_ppm is None


def test_an_overdriven_loudspeaker_is_detected_by_its_harmonics() -> None:
    assert measure(kitchen()).distortion_percent < 0.5
    assert measure(kitchen(overdrive_db=14)).distortion_percent > 8


def test_an_overdriven_microphone_is_detected_by_full_scale_samples() -> None:
    assert measure(kitchen()).clipped_percent == 0
    assert measure(recorded(direct_only(4.0))).clipped_percent > 20


def test_a_microphone_that_is_off_is_detected_by_its_constant_value() -> None:
    for number in (0, -7):
        dead = np.full_like(kitchen().near, number)

        assert measure(Recording(dead, signal(), AHEAD_S)).is_dead
    assert not measure(kitchen()).is_dead


def test_a_device_that_mutes_its_microphone_while_it_plays_is_distinguished_from_a_dead_one() -> None:
    near = kitchen().near.copy()
    near[round(AHEAD_S * NEAR_END_HZ) :] = 0
    measured = measure(Recording(near, signal(), AHEAD_S))

    assert measured.silenced_percent > 95
    assert not measured.is_dead


@pytest.mark.parametrize("cut_s", [2.0, 14.0])
def test_a_recording_that_ends_before_the_signal_is_refused(cut_s: float) -> None:
    heard = kitchen()

    with pytest.raises(ValueError, match="ends before the signal"):
        measure(replace(heard, near=heard.near[: -round(cut_s * NEAR_END_HZ)]))


# --- what cancellers achieve ------------------------------------------------------------------------------------------


def linear() -> LinearCanceller:
    try:
        return LinearCanceller()
    except EchoUnavailable as error:
        pytest.skip(str(error))


def suppressor() -> Suppressor:
    try:
        return Suppressor()
    except EchoUnavailable as error:
        pytest.skip(str(error))


@dataclass
class Passing:
    """Cancels nothing; records its calls."""

    def __post_init__(self) -> None:
        self.blocks: list[tuple[Samples, Samples]] = []

    def process(self, near: Samples, far: Samples) -> Samples:
        self.blocks.append((near.copy(), far.copy()))
        return near

    def reset(self) -> None:
        self.blocks.clear()


def test_a_canceller_that_does_nothing_removes_nothing() -> None:
    measured = measure(kitchen())
    trial = try_canceller(Passing(), kitchen(), measured)

    assert trial.cancelled_db == pytest.approx(0, abs=0.1)
    assert trial.left_db == pytest.approx(measured.echo_db, abs=0.5)


@pytest.mark.parametrize("drift_ppm", [0.0, 50.0])
def test_a_canceller_is_given_the_far_end_8_ms_before_its_echo_from_beginning_to_end(drift_ppm: float) -> None:
    heard = recorded(replace(direct_only(0.5, delay_ms=70), drift_ppm=drift_ppm))
    passing = Passing()
    try_canceller(passing, heard, measure(heard))
    near, far = (np.concatenate(side).astype(np.float64) for side in zip(*passing.blocks, strict=True))

    for at_s in (AHEAD_S + 0.6, AHEAD_S + 6, AHEAD_S + 12):
        part = slice(round(at_s * NEAR_END_HZ), round((at_s + 0.5) * NEAR_END_HZ))
        fits = [float(near[part] @ np.roll(far, lag)[part]) for lag in range(100, 160)]
        assert 127 <= 100 + int(np.argmax(fits)) <= 129


def test_the_filter_removes_24_db_of_30_and_leaves_little_but_noise_whatever_the_drift() -> None:
    for heard in (kitchen(), kitchen(50.0)):
        trial = try_canceller(linear(), heard, measure(heard))

        assert trial.cancelled_db > 24
        assert trial.left_db < 6


def test_an_uncorrected_drift_costs_the_filter_10_db() -> None:
    measured = measure(kitchen(50.0))
    followed = try_canceller(linear(), kitchen(50.0), measured)
    ignored = try_canceller(linear(), kitchen(50.0), replace(measured, drift_ppm=0.0))

    assert followed.cancelled_db > ignored.cancelled_db + 10


def test_a_filter_leaves_what_the_loudspeaker_adds() -> None:
    heard = kitchen(overdrive_db=14)

    assert try_canceller(linear(), heard, measure(heard)).cancelled_db < 20


def test_the_suppressor_removes_what_the_filter_leaves() -> None:
    heard = kitchen(overdrive_db=14)

    assert try_canceller(suppressor(), heard, measure(heard)).left_db < 3
