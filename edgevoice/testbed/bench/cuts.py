"""Cuts: one interruption as it happened and as the tape shows it, and the statistics of many."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevoice.core.facts import PlaybackCut
from edgevoice.testbed.percentiles import p50_p95

Samples = npt.NDArray[np.int16]


class CutSource(StrEnum):
    """Who decided about a cut."""

    SERVICE = "service"
    LOCAL_SPEECH = "local speech"
    WAKE_WORD = "wake word"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Cut:
    """One interruption: when it was decided and by whom, what was reported as heard, and whether under load.

    ``spoken_s`` is when the speech reached the microphone, for a cut by speech, and ``said`` is that speech at 16 kHz;
    ``is_unheard`` says that it was not detected as speech, and that the button was pressed in the end.
    """

    number: int
    source: CutSource
    decided_s: float
    reported: PlaybackCut
    is_loaded: bool
    spoken_s: float | None = None
    is_unheard: bool = False
    said: Samples | None = None


@dataclass(frozen=True, slots=True)
class JudgedInterruption:
    """One interruption on the tape; ``ducked_ms`` and ``yielded_ms`` count from the talker's first sound.

    ``click_db`` is how loudly its end clicks against an answer that stops dead.
    """

    cut: Cut
    silent_ms: float
    heard_error_ms: float
    late_samples: int
    click_db: float
    ducked_ms: float | None = None
    yielded_ms: float | None = None


def figures(judged: Sequence[JudgedInterruption]) -> dict[str, Any]:
    """Return how soon it was silent, how exact the report of what was heard was, and the late samples.

    Nothing if there was no interruption.
    """
    if not judged:
        return {}
    silent = [one.silent_ms for one in judged]
    return {
        "silent_ms": {**p50_p95(silent), "max": round(max(silent), 1)},
        "heard_error_ms": {"max": round(max(abs(one.heard_error_ms) for one in judged), 3)},
        "late_samples_heard": sum(one.late_samples for one in judged),
        "click_db": {"max": round(max(one.click_db for one in judged), 1)},
    }


def by_local_speech(judged: Sequence[JudgedInterruption]) -> dict[str, Any]:
    """Return how long after the talker's first sound the answer was ducked and silent, where the box heard them."""
    figures: dict[str, Any] = {}
    for name, is_loaded in (("unloaded", False), ("loaded", True)):
        ones = [one for one in judged if one.cut.is_loaded is is_loaded]
        heard = [one for one in ones if one.ducked_ms is not None]
        ducked = [one.ducked_ms for one in heard if one.ducked_ms is not None]
        silent = [one.yielded_ms for one in heard if one.yielded_ms is not None]
        # Cut before anyone spoke: the box mistook its own echo for a person.
        unprovoked = sum(one.yielded_ms is not None and one.ducked_ms is None for one in ones)
        if ducked and silent:
            unheard = sum(one.cut.is_unheard for one in ones)
            figures[name] = {
                "heard": f"{len(silent)}/{len(silent) + unheard}",
                "unprovoked": unprovoked,
                "ducked_ms": p50_p95(ducked),
                "silent_ms": p50_p95(silent),
            }
    return figures
