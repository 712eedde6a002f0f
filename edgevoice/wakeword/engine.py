"""Chooses the scorer: the engine in the settings, or openWakeWord's own if the streaming one is unavailable."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache as cached
from pathlib import Path
from typing import Literal, assert_never

from edgevoice.errors import WakeWordUnavailable
from edgevoice.journal import tell
from edgevoice.settings.wakeword import WakewordEngine
from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.household import HouseholdVoices
from edgevoice.wakeword.kernel.kernel import Kernel, is_made, open_kernel
from edgevoice.wakeword.kernel.library import KernelUnavailable
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.features import Stages
from edgevoice.wakeword.models.front_end import PartsUnavailable, parts_of
from edgevoice.wakeword.models.micro import MicroScorer
from edgevoice.wakeword.models.paired import pair_models
from edgevoice.wakeword.phoneme_witness import PhonemeWitness
from edgevoice.wakeword.scorer import LibraryMissing, LibraryScorer, Scorer, StreamingScorer
from edgevoice.wakeword.witness import Witness

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opinions:
    """What changes the models' scores, see `StreamingScorer`; ``witnesses`` is empty, or has one or None for each."""

    witnesses: Sequence[Path | None] = ()
    phonemes: PhonemeWitness | None = None
    household: Callable[[Sequence[int]], HouseholdVoices | None] | None = None


def open_scorer(
    models: Sequence[Path],
    *,
    engine: WakewordEngine,
    gate: Literal["energy", "off"],
    cache: Path,
    opinions: Opinions | None = None,
) -> Scorer:
    """Load the models; one that cannot be used is ``WakeWordUnavailable``. Takes 0.2 s, and seconds the first time.

    The streaming engine computes in C if its kernel was or can be compiled here, else by onnxruntime, with the same
    scores. If its front end cannot be made, the library's engine listens instead: a box that costs more is better than
    one that is deaf. Both are logged, once. ``opinions`` are for the streaming engine.
    """
    open_gate = EnergyGate() if gate == "energy" else None
    match engine:
        case "streaming":
            return _open_streaming(models, open_gate, cache, opinions or Opinions())
        case "openwakeword":
            return LibraryScorer(models)
        case "microwakeword":
            return MicroScorer(models, open_gate)
        case _:
            assert_never(engine)


def _open_streaming(
    models: Sequence[Path],
    gate: EnergyGate | None,
    cache: Path,
    opinions: Opinions,
) -> Scorer:
    def open_with(stages: Stages, pairs: Sequence[bytes | None]) -> Scorer:
        return StreamingScorer(
            models,
            stages,
            gate,
            pairs,
            witness=_witness(opinions.witnesses),
            phonemes=opinions.phonemes,
            household=opinions.household,
        )

    if (kernel := kernel_in(cache)) is not None:
        kernel.learn(models)
        others = [model for model in models if not kernel.computes(model)]
        pairs_of_others = dict(zip(others, pair_models(others, cache), strict=True)) if others else {}
        pairs = [pairs_of_others.get(model) for model in models]
        return open_with(kernel, pairs)
    try:
        parts = parts_of(cache)
    except PartsUnavailable as error:
        tell(_log, logging.WARNING, "wakeword-engine", engine="openwakeword", code=error.code, problem=error.line())
        try:
            return LibraryScorer(models)
        except LibraryMissing:
            # Its remedy would suggest the engine that is set already.
            raise error from None
    return open_with(parts, pair_models(models, cache))


@cached
def kernel_in(folder: Path) -> Kernel | None:
    """Return the kernel of this process, None if it cannot be used, which is logged.

    It is opened once: the far end's scorer shares its memory.
    """
    try:
        return open_kernel(folder)
    except KernelUnavailable as error:
        tell(_log, logging.INFO, "wakeword-kernel", computes="onnxruntime", code=error.code, problem=error.line())
        return None


def stages_in(folder: Path) -> Stages:
    """Return what computes the streaming engine here: the kernel, or onnxruntime. Raises ``PartsUnavailable``."""
    kernel = kernel_in(folder)
    return parts_of(folder) if kernel is None else kernel


def kernel_at_hand(folder: Path) -> Kernel | None:
    """Return the kernel if nothing of it must be made first."""
    return kernel_in(folder) if is_made(folder) else None


def _witness(models: Sequence[Path | None]) -> Witness | None:
    """Load the second model; without it a box misses more calls, but that is better than not starting."""
    if not any(models):
        return None
    try:
        return Witness(models)
    except WakeWordUnavailable as error:
        tell(_log, logging.WARNING, "wakeword-witness", code=error.code, problem=error.line())
        return None


def check_models(models: Sequence[Path], *, engine: WakewordEngine) -> None:
    """Load the models as `open_scorer` would, and discard them; one that cannot be used is ``WakeWordUnavailable``."""
    match engine:
        case "streaming":
            for model in models:
                Classifier(model)
        case "openwakeword":
            LibraryScorer(models)
        case "microwakeword":
            MicroScorer(models)
        case _:
            assert_never(engine)
