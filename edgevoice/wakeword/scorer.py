"""Scorers: turn frames into scores, with our engine or the library's. What counts as a word is decided elsewhere."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.extras import how_to_add
from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.household import HouseholdVoices
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.features import FrontEnd, Stages
from edgevoice.wakeword.models.onnx_session import quiet_runtime
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.phoneme_witness import PhonemeWitness
from edgevoice.wakeword.witness import Witness

_UNSCORED = 5
"""Frames after a start whose scores are 0: the library's own rule."""


class Scorer(Protocol):
    """Turns sound into one score for each word, from 0 to 1, in the order in which the words were given."""

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        """Take the next one or two frames of 1280 samples, s16 mono at 16 kHz; return the scores after each of them."""
        ...

    def reset(self) -> None:
        """Forget what was heard."""
        ...


class StreamingScorer:
    """The streaming front end shared by any number of words; with a gate, frames of mere room noise score 0 uncomputed.

    The scores equal the library's within 1e-3, whether frames come one by one or two at once; after the gate has opened
    they are what they would have been without it. With a second model of the word (`Witness`) they combine both, on
    their own scale, and then with what the phonemes say (`PhonemeWitness`). ``household`` is called with the window of
    each model, in embeddings, and returns the verifiers of known voices.
    """

    def __init__(
        self,
        models: Sequence[Path],
        stages: Stages,
        gate: EnergyGate | None = None,
        pairs: Sequence[bytes | None] | None = None,
        *,
        witness: Witness | None = None,
        phonemes: PhonemeWitness | None = None,
        household: Callable[[Sequence[int]], HouseholdVoices | None] | None = None,
    ) -> None:
        pairs = pairs or [None] * len(models)
        self._classifiers = [stages.classifier(model, pair) for model, pair in zip(models, pairs, strict=True)]
        # One more than they see, for the state before the newer of two frames.
        self._front_end = FrontEnd(stages, max(each.embeddings_seen for each in self._classifiers) + 1)
        for each in self._classifiers:
            each.listen_to(self._front_end.embeddings)
        self._witness = witness
        self._phonemes = phonemes
        self._household = household([each.embeddings_seen for each in self._classifiers]) if household else None
        self._gate = gate
        self._nothing = (0.0,) * len(models)
        self._unscored = _UNSCORED

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        """Return the scores after each of the next one or two frames."""
        own = self._rows(sound)
        rows = own if self._witness is None else self._witness.fused(sound, own)
        if self._phonemes is not None:
            rows = self._phonemes.weighed(sound, rows)
        return rows if self._household is None else self._household.verified(rows, own, self._front_end.embeddings)

    def _rows(self, sound: Samples) -> Sequence[Sequence[float]]:
        """Return openWakeWord's own scores."""
        if self._unscored and len(sound) > FRAME:
            return [*self._rows(sound[:FRAME]), *self._rows(sound[FRAME:])]
        are_open = [self._gate is None or self._gate.is_open(frame) for frame in sound.reshape(-1, FRAME)]
        if not any(are_open) and self._front_end.has_context:
            self._front_end.skip(sound)
            return [self._nothing] * len(are_open)
        self._front_end.step(sound)
        if self._unscored:
            self._unscored -= 1
            return [self._nothing]
        # Word by word: for the second frame a model's weights are still in the cache.
        by_word = [each.scores(len(are_open)) for each in self._classifiers]
        return list(zip(*by_word, strict=True))

    def reset(self) -> None:
        """Forget what was heard."""
        self._front_end.reset()
        self._unscored = _UNSCORED
        if self._witness is not None:
            self._witness.reset()
        if self._phonemes is not None:
            self._phonemes.reset()
        if self._household is not None:
            self._household.reset()


class LibraryMissing(WakeWordUnavailable):
    """openWakeWord's own engine was requested, and lacks a package."""

    remedy = 'Set wakeword.engine = "streaming", which needs none of its packages.'


class LibraryScorer:
    """openWakeWord's own ``Model``, at eight times the cost. A model that cannot be used is ``WakeWordUnavailable``."""

    def __init__(self, models: Sequence[Path]) -> None:
        self._names = [model.stem for model in models]
        if len(set(self._names)) < len(self._names):
            raise WakeWordUnavailable(
                "two wake words have files of the same name, which the engine openwakeword cannot tell apart",
                remedy='Rename one of the files, or set wakeword.engine = "streaming".',
            )
        quiet_runtime()
        self._model = _load(models)

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        """Return the scores after each of the next frames."""
        scores = [self._model.predict(frame) for frame in sound.reshape(-1, FRAME)]
        return [[float(each[name]) for name in self._names] for each in scores]

    def reset(self) -> None:
        """Forget what was heard."""
        with _without_warnings():
            _forget(self._model)


def require_library() -> None:
    """Raise ``LibraryMissing`` if openWakeWord's own engine cannot be imported."""
    try:
        import openwakeword.model  # noqa: F401, PLC0415
    except ImportError as error:
        raise LibraryMissing(
            f"the engine openwakeword lacks a package: {error.name}",
            remedy=f"{LibraryMissing.remedy} Or add them: {how_to_add('eval')}",
        ) from error


def _load(models: Sequence[Path]) -> Any:
    """Load openWakeWord's model; the import takes most of a second and pulls in scikit-learn and scipy."""
    require_library()
    from openwakeword.model import Model  # noqa: PLC0415

    try:
        with _without_warnings():
            model = Model(wakeword_model_paths=[str(path) for path in models])
            # A file of another kind of model loads too, and fails only when it is used.
            model.predict(np.zeros(FRAME, np.int16))
            _forget(model)
    except Exception as error:
        # onnxruntime raises its own exceptions for files that are not models; all mean the same to the owner.
        raise _refusal(models, type(error).__name__) from error
    if any(count != 1 for count in model.model_outputs.values()):
        raise _refusal(models, f"their numbers of scores are {list(model.model_outputs.values())}")
    return model


def _refusal(models: Sequence[Path], found: str) -> WakeWordUnavailable:
    """Return why the library does not accept all of the models: the first that ours refuses, with what it expected."""
    for path in models:
        try:
            Classifier(path)
        except WakeWordUnavailable as refusal:
            return refusal
    paths = ", ".join(map(str, models))
    return WakeWordUnavailable(
        f"the engine openwakeword cannot use all of {paths}: {found}",
        remedy='Set wakeword.engine = "streaming", which can.',
    )


def _forget(model: Any) -> None:
    """Reset the library's model completely: its own `reset` clears the scores but not the sound."""
    model.preprocessor = type(model.preprocessor)()
    model.reset()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress the library's warning, at each start, that the accelerator which it tries first is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
