"""The clock of a stream, from callbacks that are late and never early."""

import random
import tracemalloc

import pytest

from edgevoice.core.clockfit import ClockFit, drift_ppm

RATE_HZ = 16_000
PERIOD = 320
BEGAN_S = 40_000.0


class Stream:
    """A stream whose clock runs ``ppm`` slow, and whose callbacks are late by 0.2 ms in the mean."""

    def __init__(self, ppm: float = 0.0, *, seed: int = 1, lateness_s: float = 0.0002) -> None:
        self.fit = ClockFit(RATE_HZ)
        self.period_s = PERIOD / RATE_HZ / (1 - ppm * 1e-6)
        self.chance = random.Random(seed)
        self.lateness_s = lateness_s
        self.position = 0
        self.now_s = BEGAN_S

    def run(self, seconds: float) -> "Stream":
        for _ in range(round(seconds / self.period_s)):
            late_s = self.chance.expovariate(1 / self.lateness_s) if self.lateness_s else 0
            self.fit.take(self.position, self.now_s + late_s)
            self.position += PERIOD
            self.now_s += self.period_s
        return self


def test_in_its_first_second_it_knows_nothing() -> None:
    assert Stream().run(0.9).fit.line is None


def test_it_tells_when_a_sample_passes_and_which_sample_passes_when() -> None:
    stream = Stream().run(30)
    line = stream.fit.line
    assert line is not None

    assert line.time_at(stream.position) == pytest.approx(stream.now_s, abs=0.0001)
    assert line.position_at(stream.now_s) == pytest.approx(stream.position, abs=1.6)
    assert line.position_at(line.time_at(12_345.6)) == pytest.approx(12_345.6, abs=0.01)


@pytest.mark.parametrize("ppm", [-200, -50, -5, 0, 20, 50])
def test_a_minute_tells_the_rate_to_within_its_own_error(ppm: float) -> None:
    line = Stream(ppm).run(60).fit.line
    assert line is not None

    assert line.error_ppm < 1
    assert line.ppm == pytest.approx(ppm, abs=max(5 * line.error_ppm, 0.1))


def test_before_ten_seconds_it_claims_no_rate() -> None:
    line = Stream(50).run(8).fit.line
    assert line is not None

    assert (line.ppm, line.error_ppm) == (0.0, float("inf"))


def test_callbacks_that_are_late_for_a_while_move_nothing() -> None:
    stream = Stream().run(30)
    before = stream.fit.line
    for number in range(10):  # a busy machine: a fifth of a second, every callback 30 ms late
        stream.fit.take(stream.position + number * PERIOD, stream.now_s + number * stream.period_s + 0.03)
    stream.position += 10 * PERIOD
    stream.now_s += 10 * stream.period_s
    stream.run(10)

    assert before is not None
    assert stream.fit.line is not None
    assert stream.fit.jumps == 0
    assert stream.fit.line.time_at(0) == pytest.approx(before.time_at(0), abs=0.0001)


def test_an_xrun_moves_the_line_within_a_tenth_of_a_second_and_keeps_the_rate() -> None:
    stream = Stream(50).run(60)
    stream.now_s += 0.023  # the card stood still
    stream.fit.xrun()
    assert stream.fit.is_moving
    assert not stream.fit.is_settled
    stream.run(0.14)

    line = stream.fit.line
    assert line is not None
    assert not stream.fit.is_moving
    assert stream.fit.is_settled
    assert stream.fit.jumps == 1
    assert line.ppm == pytest.approx(50, abs=1)
    assert line.time_at(stream.position) == pytest.approx(stream.now_s, abs=0.0005)


def test_many_xruns_are_no_rate_however_little_each_has_lost() -> None:
    stream = Stream(-20)
    for _ in range(60):
        stream.run(10)
        stream.now_s += 0.003
        stream.fit.xrun()
    stream.run(2)

    line = stream.fit.line
    assert line is not None
    assert stream.fit.jumps == 60
    assert line.ppm == pytest.approx(-20, abs=max(5 * line.error_ppm, 0.1))
    assert line.error_ppm < 5
    assert line.time_at(stream.position) == pytest.approx(stream.now_s, abs=0.0005)


def test_an_xrun_before_anything_is_known_is_only_a_later_beginning() -> None:
    stream = Stream().run(0.5)
    stream.fit.xrun()
    assert not stream.fit.is_moving
    stream.run(4)

    assert stream.fit.jumps == 0
    assert stream.fit.is_settled


def test_what_a_sound_server_lost_without_a_word_is_found_within_half_a_second() -> None:
    stream = Stream(50).run(60)
    stream.now_s += 0.5
    stream.run(0.5)

    line = stream.fit.line
    assert line is not None
    assert stream.fit.jumps == 1
    assert stream.fit.is_settled
    assert line.ppm == pytest.approx(50, abs=1)
    assert line.time_at(stream.position) == pytest.approx(stream.now_s, abs=0.0005)


def test_it_is_settled_after_seconds_and_not_after_a_new_beginning() -> None:
    stream = Stream()
    assert not stream.run(2).fit.is_settled
    assert stream.run(3).fit.is_settled

    stream.fit.restart()
    assert not stream.fit.is_settled
    assert stream.fit.line is None
    assert stream.run(5).fit.is_settled


def test_another_clock_is_learned_anew() -> None:
    stream = Stream(100).run(300)
    stream.period_s = PERIOD / RATE_HZ
    stream.run(200)

    assert stream.fit.line is not None
    assert stream.fit.line.ppm == pytest.approx(0, abs=1)


def test_what_is_older_than_ten_minutes_is_forgotten() -> None:
    stream = Stream(3, lateness_s=0).run(700)
    stream.period_s = PERIOD / RATE_HZ
    stream.run(700)

    assert stream.fit.line is not None
    assert stream.fit.line.ppm == pytest.approx(0, abs=0.1)


def test_drift_is_the_difference_of_two_clocks_and_knows_its_error() -> None:
    near, far = Stream(10, seed=1).run(60).fit.line, Stream(-40, seed=2).run(60).fit.line
    assert near is not None
    assert far is not None

    drift, error = drift_ppm(near, far)

    assert drift == pytest.approx(50, abs=5 * error)
    assert 0 < error < 1


def test_it_takes_no_more_memory_after_ten_minutes_than_after_ten_seconds() -> None:
    stream = Stream().run(10)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        stream.run(610)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 5000
