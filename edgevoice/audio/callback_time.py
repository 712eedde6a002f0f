"""Callback time: when a stream's samples pass the converter, by the clock that everything else here goes by."""

import time
from collections.abc import Mapping

_LONGEST_WAIT_S = 0.5
"""More than that between PortAudio's look at the clock and ours is no wait: the clock was set, or is another one."""


def converter_s(times: Mapping[str, float], key: str) -> float:
    """Return the ``time.monotonic()`` that PortAudio's ``times[key]`` stands for.

    Its clock is the wall's, which may be set, so only distances count: from there to its ``current_time``, and from
    that to now. The latter is how long the callback waited for the interpreter, up to 5 ms beside a busy thread.
    """
    now, wall = time.monotonic(), time.time()
    waited_s = wall - times["current_time"]
    if not 0 <= waited_s < _LONGEST_WAIT_S:
        waited_s = 0.0
    return now - waited_s + times[key] - times["current_time"]
