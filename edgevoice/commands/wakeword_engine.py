"""The scorer that the commands of `edgevoice wakeword` share: the words, thresholds and engine of the settings."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgevoice import journal
from edgevoice.box.word_fit import wake_word_fit
from edgevoice.settings.file import load
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.store.folders import cache_folder, state_folder
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.engine import open_scorer
from edgevoice.wakeword.listening import Listened, listen
from edgevoice.wakeword.models.shapes import Samples
from edgevoice.wakeword.opening import opinions_on
from edgevoice.wakeword.scorer import Scorer
from edgevoice.wakeword.tuning.recordings import frames_of
from edgevoice.wakeword.voices import household_for
from edgevoice.wakeword.words import WakeWord, wake_words


@dataclass(frozen=True, slots=True)
class ScoredWords:
    """The configured words, and what scores them."""

    settings: WakewordSettings
    words: tuple[WakeWord, ...]
    scorer: Scorer

    @property
    def thresholds(self) -> tuple[Thresholds, ...]:
        """Return the thresholds in the order of the words."""
        return tuple(word.thresholds for word in self.words)

    def hear(self, path: Path) -> Listened:
        """Listen to a recording; raises ``RecordingRefused`` if the file is not a recording."""
        return self.hear_frames(frames_of(path))

    def hear_frames(self, frames: Iterable[Samples]) -> Listened:
        """Listen to frames of 1280 samples."""
        return listen(
            self.scorer,
            frames,
            self.thresholds,
            smoothing_frames=self.settings.smoothing_frames,
            share=self.settings.near_miss_share,
        )


def open_ears(config: Path | None, *, gate: Literal["energy", "off"] | None = None) -> ScoredWords:
    """Load the settings and the models; ``gate`` overrides the settings. Raises the error to show."""
    settings = load(config, os.environ).settings.wakeword
    journal.start("warning")
    words = wake_words(settings)
    models = [word.model for word in words]
    cache = cache_folder(os.environ)
    household = household_for(settings, words, state_folder(os.environ))
    opinions = opinions_on(words, wake_word_fit, household)
    scorer = open_scorer(models, engine=settings.engine, gate=gate or settings.gate, cache=cache, opinions=opinions)
    return ScoredWords(settings, words, scorer)
