"""Evaluation: misses and false wakes over many recordings, and how both change with the threshold. Pure."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.listening import Listened, Scores, detections
from edgevoice.wakeword.tuning.intervals import Interval, rate, share

_DAY_S = 86_400.0

Kind = Literal["positive", "negative"]

SWEEP = (*(round(number * 0.05, 2) for number in range(1, 20)), 0.97, 0.98, 0.99)
"""Thresholds of the curve."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A recording that was listened to; ``word`` is the number of the word said in a positive one, once."""

    path: Path
    kind: Kind
    word: int
    listened: Listened

    @property
    def is_missed(self) -> bool:
        """Whether its word was not heard."""
        return self.kind == "positive" and all(heard.word != self.word for heard in self.listened.heard)


@dataclass(frozen=True, slots=True)
class Point:
    """The result at one threshold: counts, the share of misses, and false wakes per 24 h."""

    threshold: float
    missed: int
    false: int
    misses: Interval | None
    false_wakes: Interval | None


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one word: ``real`` with the present settings, ``curve`` with other thresholds, lowest first."""

    positives: int
    negative_s: float
    real: Point
    curve: tuple[Point, ...]

    @property
    def has_curve(self) -> bool:
        """Whether misses and false wakes are both known and vary with the threshold; else a plot would show a dot."""
        known = {(each.missed, each.false) for each in self.curve if each.misses and each.false_wakes}
        return len(known) > 1


def kind_of(path: Path, root: Path) -> Kind | None:
    """Classify a recording by the first name that begins with pos or neg: the file's, then its folders'.

    Folders above ``root`` do not count.
    """
    for name in (path.stem, *(folder.name for folder in path.parents if folder == root or root in folder.parents)):
        if name.lower().startswith("pos"):
            return "positive"
        if name.lower().startswith("neg"):
            return "negative"
    return None


def word_said(path: Path, root: Path, known: Collection[str]) -> str | None:
    """Return the wake word that occurs in a recording's name, or in its folders'; the longest, if there are several."""
    folders = [folder.name for folder in path.parents if folder == root or root in folder.parents]
    for name in (path.stem, *folders):
        plain = _plain(name)
        said = [word for word in known if _plain(word) and _plain(word) in plain]
        if said:
            return max(said, key=len)
    return None


def _plain(name: str) -> str:
    # Some systems write names with accents apart from their letters.
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name).casefold())


def result_of(judged: Sequence[Judged], word: int, thresholds: Thresholds) -> Result:
    """Count for one word; its curve keeps the other settings, and raises ``sure`` with the threshold where needed.

    Other detections in a positive recording are not counted: it is not known what else it contains.
    """
    positives = [each for each in judged if each.kind == "positive" and each.word == word]
    negatives = [each for each in judged if each.kind == "negative"]
    seconds = sum(each.listened.seconds for each in negatives)
    said: list[Scores] = [each.listened.scores[:, word] for each in positives]
    other: list[Scores] = [each.listened.scores[:, word] for each in negatives]

    def point(threshold: float, missed: int, false: int) -> Point:
        return Point(
            threshold,
            missed,
            false,
            share(missed, len(positives)) if positives else None,
            rate(false, seconds / _DAY_S) if seconds else None,
        )

    def at(threshold: float) -> Point:
        limits = replace(thresholds, threshold=threshold, sure=max(threshold, thresholds.sure))
        missed = sum(not detections(scores, limits) for scores in said)
        return point(threshold, missed, sum(detections(scores, limits) for scores in other))

    real = point(
        thresholds.threshold,
        sum(each.is_missed for each in positives),
        sum(heard.word == word for each in negatives for heard in each.listened.heard),
    )
    return Result(len(positives), seconds, real, tuple(map(at, sorted({*SWEEP, thresholds.threshold}))))
