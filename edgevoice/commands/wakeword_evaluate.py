"""`edgevoice wakeword evaluate`: misses and false wakes over folders of recordings, with a DET curve."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from edgevoice.commands.wakeword_conditions import facts_of, lay, listen_under, print_found
from edgevoice.commands.wakeword_engine import ScoredWords, open_ears
from edgevoice.core.printable import printable
from edgevoice.errors import EdgevoiceError
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.tuning.evaluation import Judged, Point, Result, kind_of, result_of, word_said
from edgevoice.wakeword.tuning.intervals import Interval
from edgevoice.wakeword.tuning.recordings import RecordingRefused, others_in, sounds_in

_MOST_NAMED = 12

PICTURE = Path("wakeword-det.png")
"""The default file for the curve."""


class NothingToEvaluate(EdgevoiceError, LookupError):
    """The folders contain no recordings that can be judged."""

    code = "nothing-to-evaluate"
    remedy = (
        "Put WAV or FLAC files into folders named positives (one wake word in each file) and negatives (no wake word)."
    )


@dataclass(slots=True)
class _Left:
    """What was not judged, and why."""

    unnamed: int = 0
    other_words: int = 0
    unreadable: int = 0
    which_word: int = 0
    judged: list[Judged] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ConditionsAsked:
    """Further conditions for the calls: folders of noises and of rooms, signal-to-noise ratios and distances."""

    noises: Path | None = None
    rooms: Path | None = None
    snrs_db: tuple[float, ...] = (10.0,)
    distances_m: tuple[float, ...] = ()

    @property
    def is_anything(self) -> bool:
        """Whether there is any condition besides the calls as recorded."""
        return self.noises is not None or self.rooms is not None or bool(self.distances_m)


def evaluate(
    folders: Sequence[Path], config: Path | None, *, under: ConditionsAsked, picture: Path | None, as_json: bool
) -> int:
    """Listen to everything, print the results and draw the curve; raises ``NothingToEvaluate``.

    Returns 1 if a recording could not be read, because the figures are then incomplete. A requested picture that cannot
    be drawn is refused before the work begins; the default picture is then only left out, with a note.
    """
    from edgevoice.commands.wakeword_picture import draw_det, is_drawn, require_pictures

    if picture is not None:
        require_pictures(picture)
    # Refuse unreadable noises before the work begins.
    laid = lay(under.noises, under.rooms, under.snrs_db, under.distances_m) if under.is_anything else None
    place = picture or PICTURE
    recordings = [(path, folder) for folder in folders for path in _recordings(folder)]
    ears = open_ears(config)
    left = _judge(ears, recordings)
    if not left.judged:
        why = f"all are left out: {omitted}" if (omitted := _left_out(left)) else "there are no recordings"
        raise NothingToEvaluate(f"{', '.join(map(str, folders))}: {why}")
    results = [(word.name, result_of(left.judged, number, word.thresholds)) for number, word in enumerate(ears.words)]
    found = listen_under(ears, laid, left.judged) if laid is not None else []
    if as_json:
        print(json.dumps(_facts(left, results) | ({"conditions": facts_of(found)} if found else {})))
    else:
        _print(ears, left, results)
        if found:
            print_found(Console(soft_wrap=True, highlight=False), found)
    if any(result.has_curve for _, result in results):
        if is_drawn(place, lambda: draw_det(place, results)):
            print(f"DET curve: {place}", file=sys.stderr if as_json else sys.stdout)
    else:
        print(f"no DET curve: {_why_no_curve(results)}", file=sys.stderr)
    return 1 if left.unreadable else 0


def _why_no_curve(results: Sequence[tuple[str, Result]]) -> str:
    if not any(result.real.misses and result.real.false_wakes for _, result in results):
        return "it needs positives and negatives"
    return "every threshold gives the same misses and false wakes; a curve needs more recordings, or harder ones"


def _recordings(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    if not folder.is_dir():
        raise NothingToEvaluate(f"{folder} is not a folder")
    yield from sounds_in(folder)
    if others := others_in(folder):
        print(f"{printable(str(folder))} holds {others}; left out. {RecordingRefused.remedy}", file=sys.stderr)


def _judge(ears: ScoredWords, recordings: Sequence[tuple[Path, Path]]) -> _Left:
    left = _Left()
    names = [word.name for word in ears.words]
    known = {*words_present(ears.settings.engine), *names}
    for number, (path, root) in enumerate(recordings):
        kind, said = kind_of(path, root), word_said(path, root, known)
        if kind is None:
            left.unnamed += 1
        elif kind == "positive" and said is None and len(names) > 1:
            left.which_word += 1
        elif kind == "positive" and said is not None and said not in names:
            left.other_words += 1
        else:
            _progress(number, len(recordings))
            try:
                word = names.index(said) if kind == "positive" and said is not None else 0
                left.judged.append(Judged(path, kind, word, ears.hear(path)))
            except RecordingRefused as error:
                left.unreadable += 1
                print(error.line(), file=sys.stderr)
    _progress(len(recordings), len(recordings))
    return left


def _progress(done: int, among: int) -> None:
    """Show progress on a terminal: a day of sound takes minutes."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{done} of {among} recordings" if done < among else "\r\x1b[K")
        sys.stderr.flush()


def _left_out(left: _Left) -> str:
    reasons = (
        (left.unnamed, "whose name and folder begin with neither pos nor neg"),
        (left.other_words, "with words that are not in the settings"),
        (left.which_word, "whose names do not say which word is spoken"),
        (left.unreadable, "that cannot be read"),
    )
    return ", ".join(f"{count} {reason}" for count, reason in reasons if count)


def _print(ears: ScoredWords, left: _Left, results: Sequence[tuple[str, Result]]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for name, result in results:
        console.print(f"{name}, threshold {result.real.threshold:g}", markup=False)
        console.print(f"  missed       {_misses(result)}")
        console.print(f"  false wakes  {_false_wakes(result)}")
    console.print("In brackets: 95 % confidence intervals, if the recordings resemble your home.")
    _name(console, "Missed", [each.path for each in left.judged if each.is_missed])
    woken: Counter[Path] = Counter()
    for each in left.judged:
        if each.kind == "negative" and each.listened.heard:
            woken[each.path] += len(each.listened.heard)
    _name(console, "Woke falsely", list(woken))
    if text := _left_out(left):
        console.print(f"Left out: {text}.", markup=False)
    if ears.settings.gate == "energy":
        console.print("The energy gate was on, as in the settings.")


def _name(console: Console, title: str, paths: Sequence[Path]) -> None:
    if paths:
        rest = f", and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
        console.print(f"{title}: {', '.join(printable(str(path)) for path in paths[:_MOST_NAMED])}{rest}", markup=False)


def _length(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _misses(result: Result) -> str:
    misses = result.real.misses
    if misses is None:
        return "unknown: no positives"
    value, low, high = (f"{100 * each:.3g}" for each in (misses.value, misses.low, misses.high))
    return f"{result.real.missed} of {result.positives}: {value} % ({low} to {high})"


def _false_wakes(result: Result) -> str:
    rate = result.real.false_wakes
    if rate is None:
        return "unknown: no negatives"
    value, low, high = (f"{each:,.0f}" if each >= 100 else f"{each:.2g}" for each in (rate.value, rate.low, rate.high))
    return f"{result.real.false} in {_length(result.negative_s)}: {value} in 24 h ({low} to {high})"


def _facts(left: _Left, results: Sequence[tuple[str, Result]]) -> dict[str, Any]:
    return {
        "recordings": len(left.judged),
        "left_out": {
            "unnamed": left.unnamed,
            "other_words": left.other_words,
            "which_word": left.which_word,
            "unreadable": left.unreadable,
        },
        "words": {
            name: {
                "positives": result.positives,
                "negative_hours": round(result.negative_s / 3600, 4),
                **_point(result.real),
                "curve": [_point(point) for point in result.curve],
            }
            for name, result in results
        },
        "missed": [str(each.path) for each in left.judged if each.is_missed],
        "woke_falsely": [str(each.path) for each in left.judged if each.kind == "negative" and each.listened.heard],
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "threshold": point.threshold,
        "missed": point.missed,
        "miss_share": _bounds(point.misses),
        "false_wakes": point.false,
        "false_wakes_per_24_h": _bounds(point.false_wakes),
    }


def _bounds(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"value": round(interval.value, 5), "low": round(interval.low, 5), "high": round(interval.high, 5)}
