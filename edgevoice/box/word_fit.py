"""How well a sound fits a word, by the local service's recogniser, where it is installed."""

import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

WordFit = Callable[[npt.NDArray[np.int16], str], float]


def stop_word_fit() -> WordFit | None:
    """Load it, in some tenths of a second, and return how well a sound fits a stop word; ``None`` if it is missing."""
    # Loaded only while something rings.
    from edgevoice.local.speech.single_words import SingleWords  # noqa: PLC0415

    try:
        return SingleWords.load().fit
    except LocalServiceUnavailable:
        return None


def wake_word_fit() -> WordFit | None:
    """Load it, and return how well a wake word fits some part of a sound; ``None`` if it is missing."""
    # Loaded only when something sounded like the wake word.
    from edgevoice.local.speech.spotted_words import SpottedWords  # noqa: PLC0415

    try:
        return SpottedWords.load().fit
    except LocalServiceUnavailable as error:
        tell(_log, logging.INFO, "wakeword-phonemes", code=error.code, problem=error.line())
        return None
