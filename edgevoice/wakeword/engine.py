"""Choosing what scores: the streaming front end where it can be had, else openWakeWord's own engine."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edgevoice.journal import tell
from edgevoice.wakeword.classifier import Classifier
from edgevoice.wakeword.gate import EnergyGate
from edgevoice.wakeword.pairs import pair_models
from edgevoice.wakeword.parts import PartsUnavailable, parts_of
from edgevoice.wakeword.scorer import LibraryMissing, LibraryScorer, Scorer, StreamingScorer

_log = logging.getLogger(__name__)


def open_scorer(
    models: Sequence[Path], *, engine: Literal["streaming", "openwakeword"], gate: Literal["energy", "off"], cache: Path
) -> Scorer:
    """Load the models; one that cannot be used is ``WakeWordUnavailable``. Takes 0.2 s, and seconds the first time.

    Where the streaming front end cannot be made, the library's engine listens in its place: a box that costs more is
    better than one that is deaf. One entry in the log says so.
    """
    if engine == "openwakeword":
        return LibraryScorer(models)
    try:
        parts = parts_of(cache)
    except PartsUnavailable as error:
        tell(_log, logging.WARNING, "wakeword-engine", engine="openwakeword", code=error.code, problem=error.line())
        try:
            return LibraryScorer(models)
        except LibraryMissing:
            # Its remedy is the engine that the owner has.
            raise error from None
    pairs = pair_models(models, cache)
    return StreamingScorer(models, parts, EnergyGate() if gate == "energy" else None, pairs)


def check_models(models: Sequence[Path], *, engine: Literal["streaming", "openwakeword"]) -> None:
    """Load the models as `open_scorer` would, and forget them; one that cannot be used is ``WakeWordUnavailable``."""
    if engine == "openwakeword":
        LibraryScorer(models)
        return
    for model in models:
        Classifier(model)
