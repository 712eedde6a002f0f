"""Suppressor: WebRTC's echo canceller (AEC3) through pywebrtc-audio. It leaves no echo, and little of a talker over it.

That is why it stands before the uplink only, where an echo would be taken for a person.
"""

from collections import deque
from typing import Any

import numpy as np

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples, one_block
from edgevoice.errors import EchoUnavailable

_DITHER: Samples = np.random.default_rng(1).integers(-1, 1, BLOCK, np.int16, endpoint=True)
"""Noise of one step under the far-end: in perfect silence AEC3 runs into denormal numbers, at twice the cost."""


class Suppressor:
    """AEC3 on blocks of 20 ms; raises EchoUnavailable when pywebrtc-audio is not installed.

    What comes back is 8 ms late: two blocks of 64 samples, by which AEC3 works inside.
    """

    def __init__(self) -> None:
        self._canceller = _load()

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return the near-end without the echo; see ``EchoCanceller.process``."""
        cleaned: Samples = self._canceller.process(one_block(near), np.add(one_block(far), _DITHER))
        return cleaned

    def reset(self) -> None:
        """Forget the room."""
        self._canceller.reset()


_KEPT_BLOCKS = 15
"""What a suppressor that has rested is told first: 300 ms, the room's echo of what is sounding now."""


class RestingSuppressor:
    """A suppressor that works only when it is asked: its filter stays as it was, and what it missed last is made good.

    ``process`` may take as long as ``_KEPT_BLOCKS`` of them at once: 6 ms on a fast machine.
    """

    def __init__(self, suppressor: EchoCanceller) -> None:
        self._suppressor = suppressor
        self._missed: deque[tuple[Samples, Samples]] = deque(maxlen=_KEPT_BLOCKS)

    def rest(self, near: Samples, far: Samples) -> None:
        """Take a block without computing anything."""
        self._missed.append((near, far))

    def process(self, near: Samples, far: Samples) -> Samples:
        """Return the near-end without the echo; see ``EchoCanceller.process``."""
        while self._missed:
            self._suppressor.process(*self._missed.popleft())
        return self._suppressor.process(near, far)


def _load() -> Any:
    try:
        from pywebrtc_audio import EchoCanceller as Aec3  # noqa: PLC0415 - optional
    except ImportError as error:
        raise EchoUnavailable(
            "pywebrtc-audio is not installed", remedy="Install it: pip install 'edgevoice[echo]'"
        ) from error
    return Aec3(sample_rate=NEAR_END_HZ, num_channels=1)
