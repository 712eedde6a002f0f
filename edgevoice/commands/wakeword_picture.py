"""Pictures for `edgevoice wakeword`: scores over time, and the DET curve. Needs matplotlib."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.commands.wakeword_engine import ScoredWords
from edgevoice.errors import EdgevoiceError
from edgevoice.extras import has, how_to_add
from edgevoice.wakeword.listening import FRAME_S, Listened
from edgevoice.wakeword.tuning.evaluation import Point, Result
from edgevoice.wakeword.tuning.recordings import frames_of

_COLUMNS = 2000
_MOST_PANELS = 24
_COLOURS = ("#3182bd", "#e6550d", "#31a354", "#756bb1", "#636363")


class PictureNotKept(EdgevoiceError, OSError):
    """The picture could not be written."""

    code = "picture-not-kept"
    remedy = "Name a file, such as scores.png, in a folder that you can write to."


class PictureImpossible(EdgevoiceError, ImportError):
    """A picture was requested, but the package that draws it is not installed."""

    code = "picture-impossible"


def require_pictures(place: Path) -> None:
    """Raise ``PictureImpossible`` or ``PictureNotKept`` if none can be drawn there, before the work that it shows."""
    if not has("matplotlib"):
        raise PictureImpossible("a picture needs the package matplotlib", remedy=f"Add it: {how_to_add('plot')}")
    if not place.parent.is_dir():
        raise PictureNotKept(f"{place} cannot be written: {place.parent} is not a folder")


def is_drawn(path: Path, draw: Callable[[], None]) -> bool:
    """Draw; without matplotlib say so and return false. Raises ``PictureNotKept`` if the file cannot be written."""
    try:
        draw()
    except ImportError:
        print(f"no picture: it needs matplotlib: {how_to_add('plot')}", file=sys.stderr)
        return False
    except (OSError, ValueError) as error:
        # matplotlib takes the format from the name; an unknown one raises a ValueError.
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise PictureNotKept(f"{path} cannot be written: {reason}") from error
    return True


def draw_scores(path: Path, ears: ScoredWords, listened: Sequence[tuple[Path, Listened]]) -> None:
    """Write a PNG with a panel for each recording: its sound in grey, the scores, the thresholds as dashed lines."""
    from matplotlib.figure import Figure

    shown = listened[:_MOST_PANELS]
    figure = Figure(figsize=(11, 1.2 + 2.1 * len(shown)), layout="constrained")
    for axes, (file, each) in zip(np.atleast_1d(figure.subplots(len(shown), 1)), shown, strict=True):
        _draw_sound(axes, file)
        times = [each.time_of(frame) for frame in range(len(each.scores))]
        for number, word in enumerate(ears.words):
            colour = _COLOURS[number % len(_COLOURS)]
            axes.plot(times, each.scores[:, number], color=colour, label=word.name, drawstyle="steps-mid")
            axes.axhline(word.thresholds.threshold, color=colour, linestyle="--", linewidth=0.8)
        for heard in each.heard:
            axes.plot(heard.at_s, heard.score, "v", color="#b2182b", markersize=9)
        axes.set(xlim=(0, times[-1]), ylim=(-0.02, 1.08), ylabel="score")
        axes.set_title(file.name, loc="left", fontsize=9)
    axes.set_xlabel("seconds")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
    rest = f"; {len(listened) - len(shown)} more recordings are not shown" if len(listened) > len(shown) else ""
    figure.suptitle(
        f"Scores over the sound; dashed: the threshold, ▼: the box wakes{rest}", x=0.01, ha="left", fontsize=11
    )
    figure.savefig(path, dpi=110)


def _draw_sound(axes: Any, file: Path) -> None:
    """Draw the loudness behind the scores, from the bottom up."""
    peaks = np.array([int(np.abs(frame.astype(np.int32)).max()) for frame in frames_of(file)])
    step = -(-len(peaks) // _COLUMNS)
    if not step:
        return
    columns = np.pad(peaks, (0, -len(peaks) % step)).reshape(-1, step).max(axis=1) / 32768
    axes.fill_between(np.arange(len(columns)) * step * FRAME_S, 0, columns, color="#d9d9d9", linewidth=0, step="post")


def draw_det(path: Path, results: Sequence[tuple[str, Result]]) -> None:
    """Write a PNG: misses over false wakes, a curve per word, a dot for the settings with 95 % confidence intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 6), layout="constrained")
    axes = figure.subplots()
    for number, (name, result) in enumerate(results):
        colour = _COLOURS[number % len(_COLOURS)]
        known = [point for point in result.curve if point.false_wakes is not None and point.misses is not None]
        if result.has_curve:
            _draw_curve(axes, name, result.real, known, colour)
    seconds = max((result.negative_s for _, result in results), default=0.0)
    # Below one event in all the recordings the axis is linear, so that "none" has a place.
    one = 86_400 / seconds if seconds else 1.0
    axes.set_xscale("symlog", linthresh=one, linscale=0.5)
    axes.set(xlim=(-0.08 * one, None), ylim=(-2, 102), xlabel="false wakes in 24 h", ylabel="misses, %")
    axes.grid(visible=True, color="#eeeeee")
    axes.legend(frameon=False, loc="upper right")
    axes.set_title(f"Misses against false wakes, over {_length(seconds)} without the word", loc="left", fontsize=11)
    figure.savefig(path, dpi=110)


def _draw_curve(axes: Any, name: str, real: Point, known: Sequence[Point], colour: str) -> None:
    false = [point.false_wakes.value for point in known if point.false_wakes]
    missed = [100 * point.misses.value for point in known if point.misses]
    axes.plot(false, missed, "-", color=colour, label=name, marker=".", linewidth=1.2)
    for previous, point, x, y in zip([None, *known], known, false, missed, strict=False):
        # A label only where the curve moves: many thresholds may give the same point.
        if previous is None or (previous.missed, previous.false) != (point.missed, point.false):
            axes.annotate(f"{point.threshold:g}", (x, y), (4, 4), textcoords="offset points", fontsize=7, color=colour)
    if (across := real.false_wakes) is not None and (up := real.misses) is not None:
        axes.errorbar(
            across.value,
            100 * up.value,
            xerr=[[across.value - across.low], [across.high - across.value]],
            yerr=[[100 * (up.value - up.low)], [100 * (up.high - up.value)]],
            fmt="o",
            color=colour,
            capsize=3,
            linewidth=0.8,
            label=f"{name}, threshold {real.threshold:g}, with 95 % intervals",
        )


def _length(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
