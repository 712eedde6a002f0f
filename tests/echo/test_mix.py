"""The mix as reference: it holds the music of others, comes late, and whenever it fails the box's own sound serves."""

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.mix import LOOKAHEAD, MixReference, MixState
from edgevoice.echo.reference import FarEndReference

Samples = npt.NDArray[np.int16]

FAR_HZ, NEAR_HZ = 24_000, 16_000
PERIOD = 480
BEGAN_S = 5_000.0

OWN, MUSIC = 1000, 4000
"""The amplitude by which each is recognised in a reference."""


class Speaker:
    """The box's speaker, its loopback and its microphone, 20 ms at a time; each block of the reference is kept."""

    def __init__(self) -> None:
        self.near, self.far = ClockFit(NEAR_HZ), ClockFit(FAR_HZ)
        self.own = FarEndReference(self.near, self.far)
        self.mix = MixReference(self.own, self.near)
        self.blocks: list[Samples | None] = []
        self.periods = 0
        self.late = 0
        """By how many periods the loopback is late."""

    def run(
        self, seconds: float, *, speaks: bool = False, music: bool = False, loops: bool = True, carries: bool = True
    ) -> "Speaker":
        for _ in range(round(seconds * 50)):
            at_s = BEGAN_S + self.periods * 0.02
            self.far.take(self.periods * PERIOD, at_s)
            self.own.played(steady(OWN) if speaks else None, PERIOD)
            heard = OWN * (speaks and carries) + MUSIC * music
            if loops:
                self.mix.clock.take(self.mix.captured.position, at_s - 0.02 * self.late)
                self.mix.captured.played(steady(heard) if heard else None, PERIOD)
            self.near.take(self.periods * BLOCK, at_s)
            self.blocks.append(self.mix.block((self.periods - LOOKAHEAD) * BLOCK, BLOCK))
            self.periods += 1
        return self

    def level(self) -> int:
        """Return the level of the last block, 0 for none."""
        block = self.blocks[-1]
        return 0 if block is None else round(float(np.median(block)))

    def state(self) -> MixState:
        return self.mix.state

    def settled(self) -> "Speaker":
        self.mix.open()
        return self.run(5)


def steady(level: int) -> Samples:
    return np.full(PERIOD, level, np.int16)


def test_the_music_of_others_is_in_the_reference_and_is_not_the_boxs_own() -> None:
    speaker = Speaker().settled().run(1, music=True)

    assert speaker.state() is MixState.USED
    assert speaker.level() == MUSIC
    assert not speaker.mix.is_ours

    speaker.run(1, music=True, speaks=True)

    assert speaker.level() == MUSIC + OWN
    assert speaker.mix.is_ours

    speaker.run(2, music=True)

    assert speaker.level() == MUSIC
    assert not speaker.mix.is_ours


def test_in_silence_there_is_no_reference() -> None:
    assert Speaker().settled().run(5).blocks[-1] is None


def test_no_sample_of_the_mix_is_missing_when_the_near_end_has_waited_for_it() -> None:
    speaker = Speaker().settled().run(1, music=True)

    assert all(block is not None and (block > MUSIC - 50).all() for block in speaker.blocks[-20:])


def test_before_its_clock_is_known_the_boxs_own_sound_is_the_reference() -> None:
    speaker = Speaker().run(4)
    assert speaker.state() is MixState.CLOSED
    speaker.mix.open()
    speaker.run(0.5, speaks=True)

    assert speaker.state() is MixState.USED, "the loopback ran before"

    fresh = Speaker().run(2, loops=False)
    fresh.mix.open()
    fresh.run(1.5, speaks=True, music=True)

    assert fresh.state() is MixState.SETTLING
    assert fresh.level() == OWN
    assert not fresh.mix.is_moving


def test_a_loopback_that_stands_still_or_is_closed_leaves_the_boxs_own_sound_and_each_change_is_a_jump() -> None:
    speaker = Speaker().settled().run(1, music=True, speaks=True)
    jumps = speaker.mix.jumps

    speaker.run(1, music=True, speaks=True, loops=False)

    assert speaker.state() is MixState.STILL
    assert speaker.level() == OWN
    assert speaker.mix.jumps > jumps
    assert speaker.mix.is_settled

    speaker.mix.close()
    speaker.run(0.1, music=True, speaks=True, loops=False)

    assert speaker.state() is MixState.CLOSED
    assert speaker.level() == OWN


def test_a_mix_that_is_silent_while_the_box_speaks_does_not_serve_until_it_carries_the_box() -> None:
    speaker = Speaker().settled().run(0.5, speaks=True, carries=False)
    assert speaker.level() == OWN, "the box never hears itself, not even for a second"

    speaker.run(1, speaks=True, carries=False)
    assert speaker.state() is MixState.SILENT
    speaker.run(3).run(0.3, speaks=True)
    assert speaker.state() is MixState.SILENT

    speaker.run(1, speaks=True)
    assert speaker.state() is MixState.USED


def test_the_boxs_own_silence_says_nothing_about_the_mix() -> None:
    assert Speaker().settled().run(10).state() is MixState.USED


def test_a_loopback_that_comes_later_than_assumed_is_waited_for_and_the_echo_has_moved() -> None:
    speaker = Speaker()
    speaker.late = 2
    speaker.settled()
    jumps = speaker.mix.jumps
    speaker.run(2, music=True)

    assert speaker.mix.jumps == jumps + 1
    assert all(block is not None and (block > MUSIC - 50).all() for block in speaker.blocks[-20:])


def test_a_loopback_that_comes_far_too_late_is_not_used() -> None:
    speaker = Speaker()
    speaker.late = 14
    speaker.settled().run(3, music=True, speaks=True)

    assert speaker.state() is MixState.LATE
    assert speaker.level() == OWN
    speaker.mix.close()
    speaker.mix.open()
    speaker.late = 0
    speaker.run(0.1)
    assert speaker.state() is not MixState.LATE, "one that is opened again is judged anew"


def test_one_late_period_in_five_seconds_moves_nothing() -> None:
    speaker = Speaker().settled().run(1, music=True)
    jumps = speaker.mix.jumps
    for _ in range(3):
        speaker.run(0.04, music=True, loops=False)
        catch_up(speaker, 2)
        speaker.run(6, music=True)

    assert speaker.mix.jumps == jumps


def catch_up(speaker: Speaker, periods: int) -> None:
    for _ in range(periods):
        speaker.mix.captured.played(steady(MUSIC), PERIOD)
