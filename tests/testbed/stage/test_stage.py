"""The stage in a room: what the box plays comes back to its microphone."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from edgevoice.realtime.endpoint import Endpoint
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.virtual import AcousticPath, Drift
from tests.waiting import eventually

pytestmark = pytest.mark.sound

MUTE_GPIO = 24
DELAY_S = 0.08


def nobody() -> Endpoint:
    raise AssertionError("no session should be opened")


async def earcon_and_echo(stage: Stage) -> tuple[float, float]:
    """Press the mute button; return when its earcon began on the speaker's tape and on the microphone's."""
    await eventually(lambda: bool(stage.card.near_end_tapes) and bool(stage.card.far_end_tapes))
    stage.pins.press(MUTE_GPIO)
    await eventually(lambda: bool(stage.card.far_end.sounds(1000)))
    await eventually(lambda: bool(stage.card.near_end.sounds(500)))
    return stage.card.far_end.sounds(1000)[0].starts_s, stage.card.near_end.sounds(500)[0].starts_s


def test_in_a_room_the_box_hears_its_own_earcon(tmp_path: Path) -> None:
    async def run() -> None:
        room = AcousticPath(np.array([0.5], dtype=np.float32), 1000 * DELAY_S)
        drift = Drift(speaker_ppm=50)
        async with set_stage(tmp_path, endpoint=nobody, wants_wakeword=False, room=room, drift=drift) as stage:
            played_s, heard_s = await earcon_and_echo(stage)
            # Both tapes show the same slope of one tone, sampled at different moments.
            assert heard_s - played_s == pytest.approx(DELAY_S, abs=0.0002)
            assert (stage.card.far_end.header.drift_ppm, stage.card.near_end.header.drift_ppm) == (50, 0)

    asyncio.run(run())
