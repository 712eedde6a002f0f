"""The parts of each echo tier that listen to the room."""

import numpy as np
import pytest

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.stage import NearSpeechFact
from edgevoice.echo.tiers import EchoPath, Tier, build

LOUDER_DB = 9.0
"""By how much a voice must be louder than the room."""


def path_of(tier: Tier) -> EchoPath:
    facts: list[NearSpeechFact] = []
    path = build(tier, ClockFit(16_000), ClockFit(24_000), facts.append)
    assert path is not None
    return path


@pytest.mark.parametrize("tier", [Tier.SUPPRESSOR, Tier.HARDWARE])
def test_the_room_is_known_before_anything_is_played_if_speech_interrupts(tier: Tier) -> None:
    path = path_of(tier)
    speech = path.stage._near_speech
    assert speech is not None

    for number in range(100):
        near = np.full(BLOCK, 100, "<i2").tobytes()
        assert path.stage.take(near, number * BLOCK) == near

    assert speech._surroundings.needed_db == pytest.approx(40 + LOUDER_DB, abs=0.1)


def test_the_room_is_not_measured_if_speech_does_not_interrupt() -> None:
    assert path_of(Tier.LINEAR).room is None


@pytest.mark.parametrize("tier", [Tier.LINEAR, Tier.SUPPRESSOR, Tier.HARDWARE])
def test_the_near_end_is_cleared_for_the_wake_word_where_the_box_itself_cancels(tier: Tier) -> None:
    assert (path_of(tier).postfilter is not None) == (tier is not Tier.HARDWARE)
