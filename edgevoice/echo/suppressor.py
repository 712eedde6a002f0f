"""Suppressor: WebRTC's echo canceller (AEC3) through pywebrtc-audio. It leaves no echo, and little of a talker over it.

That is why it comes before the uplink only, where an echo would be mistaken for a person.
"""

import random
from collections import deque
from typing import Any

import numpy as np

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples, one_block
from edgevoice.errors import EchoUnavailable
from edgevoice.extras import how_to_add

# By the standard library: numpy's own generators take 2 MB of memory, and nothing else in a daemon needs them.
_DITHER: Samples = np.array(random.Random(1).choices((-1, 0, 1), k=BLOCK), np.int16)
"""Noise of one step under the far-end: in digital silence AEC3 runs into denormal numbers, at twice the cost."""


class Suppressor:
    """AEC3 on blocks of 20 ms; raises EchoUnavailable if pywebrtc-audio is not installed.

    Its output is 8 ms late: two of the 64-sample blocks in which AEC3 works internally.
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
"""What a suppressor that has rested processes first: 300 ms, the room's echo of what is sounding now."""


class RestingSuppressor:
    """A suppressor that works only on demand: it keeps its filter, and first processes the blocks last skipped.

    One call of ``process`` may therefore take as long as ``_KEPT_BLOCKS`` blocks: 6 ms on a fast machine.
    """

    def __init__(self, suppressor: EchoCanceller) -> None:
        self._suppressor = suppressor
        self._missed: deque[tuple[Samples, Samples]] = deque(maxlen=_KEPT_BLOCKS)

    def rest(self, near: Samples, far: Samples) -> None:
        """Keep a block without computing anything."""
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
        raise EchoUnavailable("pywebrtc-audio is not installed", remedy=f"Add it: {how_to_add('echo')}") from error
    return Aec3(sample_rate=NEAR_END_HZ, num_channels=1)
