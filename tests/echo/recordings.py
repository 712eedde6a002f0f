"""Recordings of the self-test's signal in simulated rooms."""

from functools import cache

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo import selftest
from edgevoice.echo.canceller import Samples
from edgevoice.echo.selftest import Recording
from edgevoice.testbed.stage.room import LiveRoom, Room, furnish

AHEAD_S = selftest.QUIET_S + 0.2


def recorded(room: Room, *, volume: float = 1.0, near: npt.NDArray[np.float64] | None = None) -> Recording:
    """What the microphone hears of ``near`` and of the signal, played at this fraction of its amplitude."""
    far: Samples = np.rint(selftest.signal() * volume).astype(np.int16)
    live = LiveRoom(room, far_hz=FAR_END_HZ)
    # The card plays silence before the signal, by its own clock.
    live.play(np.zeros(round(AHEAD_S * FAR_END_HZ * (1 + room.drift_ppm * 1e-6)), np.int16))
    live.play(far)
    frames = round((AHEAD_S + selftest.SIGNAL_S + selftest.TAIL_S) * NEAR_END_HZ)
    return Recording(live.hear(frames, near), far, AHEAD_S)


@cache
def kitchen(drift_ppm: float = 0.0, overdrive_db: float | None = None, loss_db: float = 6.0) -> Recording:
    """A box that hears itself clearly, 60 ms later."""
    room = furnish(1, delay_ms=60, drift_ppm=drift_ppm, overdrive_db=overdrive_db, loss_db=loss_db)
    return recorded(room, volume=0.5)
