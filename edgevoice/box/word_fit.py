"""The second opinion on a stop word: the local service's recogniser, where it is installed."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgevoice.errors import LocalServiceUnavailable


def word_fit() -> Callable[[npt.NDArray[np.int16], str], float] | None:
    """Load it, in some tenths of a second, and return how well a sound fits a word; ``None`` where it is missing."""
    # Loaded only while something rings.
    from edgevoice.local.speech.single_words import SingleWords  # noqa: PLC0415

    try:
        return SingleWords.load().fit
    except LocalServiceUnavailable:
        return None
