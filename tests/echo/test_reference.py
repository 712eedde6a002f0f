"""The far-end as the canceller sees it: at the near-end's rate, aligned, and in step with a drifting clock."""

import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.reference import FarEndReference

Samples = npt.NDArray[np.int16]
Times = npt.NDArray[np.float64]

FAR_HZ, NEAR_HZ = 24_000, 16_000
PERIOD = 240
BEGAN_S = 7_000.0
FIRST_CALL_S = 0.02


def tones(seed: int = 3) -> Callable[[Times], Times]:
    """Return a sound that can be evaluated at any time: thirty sines within the near-end's band."""
    chance = np.random.default_rng(seed)
    pitches_hz, phases = chance.uniform(100, 6500, 30), chance.uniform(0, 2 * np.pi, 30)
    return lambda times_s: 800 * np.sin(2 * np.pi * np.outer(times_s, pitches_hz) + phases).sum(1)


class Room:
    """Two streams with their own clocks; the far-end's is ``ppm`` faster. Blocks that are not None are kept."""

    def __init__(self, ppm: float = 0.0, *, delay_s: float = 0.0, lateness_s: float = 0.0003) -> None:
        self.near, self.far = ClockFit(NEAR_HZ), ClockFit(FAR_HZ)
        self.reference = FarEndReference(self.near, self.far, delay_s)
        self.far_hz = FAR_HZ * (1 + ppm * 1e-6)
        self.sound = tones()
        self.chance = random.Random(5)
        self.lateness_s = lateness_s
        self.played = 0
        self.heard = 0
        self.blocks: list[tuple[int, Samples]] = []

    def far_s(self, position: npt.ArrayLike) -> Times:
        return BEGAN_S + np.asarray(position) / self.far_hz

    def near_s(self, position: npt.ArrayLike) -> Times:
        return BEGAN_S + np.asarray(position) / NEAR_HZ

    def late_s(self) -> float:
        return self.chance.expovariate(1 / self.lateness_s) if self.lateness_s else 0.0

    def run(self, seconds: float, *, sounds: bool) -> "Room":
        end = self.heard + round(seconds * NEAR_HZ)
        while self.heard < end:
            if self.far_s(self.played) <= self.near_s(self.heard) + FIRST_CALL_S:
                self.far.take(self.played, float(self.far_s(self.played)) + self.late_s())
                samples = self.sound(self.far_s(self.played + np.arange(PERIOD))) if sounds else None
                self.reference.played(None if samples is None else np.rint(samples).astype(np.int16), PERIOD)
                self.played += PERIOD
            else:
                self.near.take(self.heard, float(self.near_s(self.heard)) + self.late_s())
                block = self.reference.block(self.heard, BLOCK)
                if block is not None:
                    self.blocks.append((self.heard, block))
                self.heard += BLOCK
        return self

    def error_db(self, blocks: list[tuple[int, Samples]], late_s: float) -> float:
        """Return the relative error of the blocks against the sound ``late_s`` after it left the speaker."""
        wrong = power = 0.0
        for position, block in blocks:
            wanted = self.sound(self.near_s(position + np.arange(BLOCK)) - late_s)
            wrong += float(((block - wanted) ** 2).sum())
            power += float((wanted**2).sum())
        return 10 * float(np.log10(wrong / power))

    def place_s(self, blocks: list[tuple[int, Samples]], around_s: float) -> tuple[float, float]:
        """Return where the blocks fit best and how well: lateness in seconds to a microsecond, error in dB."""
        best, width = around_s, 200e-6
        for _ in range(5):
            best = min(
                (best + step * width / 4 for step in range(-4, 5)), key=lambda late_s: self.error_db(blocks, late_s)
            )
            width /= 4
        return best, self.error_db(blocks, best)


@pytest.mark.parametrize("ppm", [0, 20, 50, -100])
def test_the_reference_stays_aligned_whatever_the_clocks_do(ppm: float) -> None:
    room = Room(ppm).run(45, sounds=False).run(15, sounds=True)

    early, early_db = room.place_s(room.blocks[5:20], 0.0)
    late, late_db = room.place_s(room.blocks[-15:], 0.0)

    assert early_db < -33
    assert late_db < -33
    assert abs(late - early) < 20e-6, "it slides along the room"
    assert abs(early) < 0.0002
    assert room.reference.drift_ppm == pytest.approx(ppm, abs=1)


def test_the_measured_delay_is_subtracted_except_for_a_margin() -> None:
    room = Room(delay_s=0.05, lateness_s=0).run(12, sounds=False).run(3, sounds=True)

    # The reference is what the speaker played 42 ms before: the echo comes 8 ms after it.
    assert room.place_s(room.blocks[5:20], 0.042)[1] < -33


def test_one_crystal_keeps_its_alignment_from_answer_to_answer() -> None:
    room = Room().run(12, sounds=False)
    places = []
    for _ in range(4):
        begun = len(room.blocks)
        room.run(1, sounds=True)
        places.append(room.place_s(room.blocks[begun + 3 : begun + 15], 0.0)[0])
        room.run(4, sounds=False)

    assert max(places) - min(places) < 2e-6, "the canceller would have to learn the room anew"


def test_in_a_silent_room_there_is_nothing_to_cancel() -> None:
    room = Room().run(20, sounds=False)
    assert room.blocks == []

    room.run(1, sounds=True)
    heard = len(room.blocks)
    assert heard * BLOCK == pytest.approx(NEAR_HZ, abs=3 * BLOCK)

    room.run(5, sounds=False)
    tail = (len(room.blocks) - heard) * BLOCK / NEAR_HZ
    assert tail == pytest.approx(0.6, abs=0.06)
    assert not room.blocks[-1][1].any()


def test_before_the_clocks_are_known_there_is_no_reference() -> None:
    room = Room().run(0.5, sounds=True)

    assert room.blocks == []
    assert not room.reference.is_settled
    assert room.reference.drift_ppm == 0
    assert room.run(5, sounds=True).reference.is_settled


def test_an_xrun_is_followed_within_two_seconds() -> None:
    room = Room(lateness_s=0).run(12, sounds=False).run(2, sounds=True)
    # The card stalled for half a second: everything passed to it from here on is later.
    room.far_s = lambda position: BEGAN_S + 0.5 + np.asarray(position) / FAR_HZ  # type: ignore[method-assign]
    room.run(2.5, sounds=True)

    assert room.far.jumps == 1
    assert room.place_s(room.blocks[-10:], 0.0)[1] < -33


def test_a_reference_with_a_lead_is_early_by_so_much_and_one_that_is_delayed_late() -> None:
    room = Room(lateness_s=0.0)
    room.reference = FarEndReference(room.near, room.far, lead_s=0.008)
    room.run(2, sounds=True)
    position, block = room.blocks[-1]
    again = FarEndReference(room.near, room.far)
    again.delay_by(-0.008)
    again.played(None, room.played - FAR_HZ)
    again.played(np.rint(room.sound(room.far_s(room.played - FAR_HZ + np.arange(FAR_HZ)))).astype(np.int16), FAR_HZ)
    same = again.block(position, BLOCK)

    assert same is not None
    assert (same == block).all()


def test_what_has_not_come_yet_is_counted() -> None:
    room = Room().run(2, sounds=True)
    assert room.reference.short == 0

    room.reference.block(room.heard + BLOCK, BLOCK)

    assert 0 < room.reference.short <= 2 * FAR_HZ // 50
    assert room.reference.position == room.played
