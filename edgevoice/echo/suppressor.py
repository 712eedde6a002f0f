"""Suppressor: WebRTC's echo canceller (AEC3) through pywebrtc-audio. It leaves no echo, and little of a talker over it.

That is why it stands before the uplink only, where an echo would be taken for a person.
"""

from typing import Any

import numpy as np

from edgevoice.echo.canceller import BLOCK, RATE_HZ, Samples, one_block
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


def _load() -> Any:
    try:
        from pywebrtc_audio import EchoCanceller as Aec3  # noqa: PLC0415 - optional
    except ImportError as error:
        raise EchoUnavailable(
            "pywebrtc-audio is not installed", remedy="Install it: pip install 'edgevoice[echo]'"
        ) from error
    return Aec3(sample_rate=RATE_HZ, num_channels=1)
