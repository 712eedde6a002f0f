"""How many frames are scored at once. Pure: no models, no threads, no clock."""

from collections.abc import Sequence
from typing import Final

CALM: Final = 0.02
"""Below this score no wake word is likely. The scores of other talk stay under it in 49 frames of 50.

In 175 ways of saying the word, 7 voices at any moment of a frame, not one detection came later for it than frame by
frame; with 0.05 one in a hundred came 80 ms later, with 0.2 one in eight. The two-frame rule needs its second frame
anyway.
"""


class Pace:
    """Two frames at a time while no word is likely, at three quarters of the cost; one as soon as one may be.

    ``frames`` is how many to wait for: it is written by one thread, and may be read by any.
    """

    def __init__(self) -> None:
        self.frames = 1

    def take(self, rows: Sequence[Sequence[float]], *, is_speaking: bool) -> None:
        """Take the scores after each of the latest frames, and whether the box itself is speaking.

        While it is, somebody may want to interrupt it, and 80 ms is a long time.
        """
        is_calm = not is_speaking and all(score < CALM for row in rows for score in row)
        self.frames = 2 if is_calm else 1
