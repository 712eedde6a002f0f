"""Timeline: a picture of a conversation: words, sound, and the phases of the box. Needs matplotlib."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_COLOURS = {
    "idle": "#d9d9d9",
    "connecting": "#9ecae1",
    "listening": "#74c476",
    "thinking": "#fdd05a",
    "speaking": "#6baed6",
}
_RED = "#b2182b"
_COLUMNS = 3000
"""Points of a waveform: more than the picture has pixels across."""

_INCHES_PER_S = 0.4
_LETTER_IN = 0.068
"""Width of a letter of the words, on average, at their size of 8 points."""

_MOST_LINES = 4
_ROWS = 3
"""Rows of labels above the picture; a label that would overlap another takes the next row."""


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """Something that happened at a moment, in seconds from the beginning of the picture."""

    at_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A phase, or words, and when they lasted, in seconds from the beginning of the picture."""

    name: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Side:
    """The sound (mono) and the words of one side."""

    title: str
    colour: str
    samples: npt.NDArray[np.int16]
    words: Sequence[Stretch]


def draw(
    path: Path, sides: Sequence[Side], rate_hz: int, phases: Sequence[Stretch], marks: Sequence[TimelineMark]
) -> None:
    """Write the picture as PNG: labels, one side, the phases, the other side; sound at ``rate_hz``.

    ``ImportError`` when matplotlib is absent.
    """
    from matplotlib.figure import Figure

    near_end, far_end = sides
    length_s = max(len(near_end.samples), len(far_end.samples)) / rate_hz
    width_in = max(12.0, _INCHES_PER_S * length_s)
    figure = Figure(figsize=(width_in, 7), layout="constrained")
    labels, top, middle, bottom = figure.subplots(4, 1, sharex=True, height_ratios=[0.9, 3, 0.7, 3])
    letter_s = _LETTER_IN * length_s / (0.93 * width_in)  # the share of the width that the axes take
    for axes, side in ((top, near_end), (bottom, far_end)):
        _draw_side(axes, side, rate_hz, letter_s)
        axes.vlines([mark.at_s for mark in marks], -1, 1, color=_RED, linewidth=0.8, alpha=0.8)
    for phase in phases:
        middle.axvspan(phase.from_s, phase.to_s, color=_COLOURS[phase.name], linewidth=0)
        if phase.to_s - phase.from_s > (len(phase.name) + 1) * letter_s:
            middle.text((phase.from_s + phase.to_s) / 2, 0.5, phase.name, ha="center", va="center", fontsize=8)
    middle.set(ylim=(0, 1), yticks=[], ylabel="phase")
    _draw_labels(labels, marks, length_s, letter_s)
    bottom.set(xlim=(0, length_s), xlabel="seconds")
    # A phase may be too short for its name.
    used = [name for name in _COLOURS if any(phase.name == name for phase in phases)]
    patches = [_patch(_COLOURS[name]) for name in used]
    figure.legend(patches, used, loc="outside upper right", ncols=len(used), frameon=False, fontsize=8)
    figure.suptitle("A conversation on the virtual card", x=0.01, ha="left")
    figure.savefig(path, dpi=110)


def _patch(colour: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour)


def _draw_side(axes: Any, side: Side, rate_hz: int, letter_s: float) -> None:
    """Draw the sound, and below it the words, each where it begins and no wider than its space."""
    low, high, at_s = _envelope(side.samples, rate_hz)
    axes.fill_between(at_s, low, high, color=side.colour, linewidth=0)
    axes.set(ylim=(-2.3, 1), yticks=[], ylabel=side.title)
    for said in side.words:
        axes.text(said.from_s, -1.05, _fitted(said, letter_s), fontsize=8, va="top", clip_on=True)


def _fitted(said: Stretch, letter_s: float) -> str:
    letters = max(10, int((said.to_s - said.from_s) / letter_s))
    return "\n".join(textwrap.wrap(said.name, letters, max_lines=_MOST_LINES, placeholder=" …"))


def _draw_labels(axes: Any, marks: Sequence[TimelineMark], length_s: float, letter_s: float) -> None:
    """Write each label above its moment, or before it where the picture ends, in the first row that is free there."""
    taken_until_s = [-1.0] * _ROWS
    for mark in sorted(marks, key=lambda mark: mark.at_s):
        width_s = (len(mark.label) + 2) * letter_s
        begin_s = min(mark.at_s, length_s - width_s)
        row = next((row for row, until_s in enumerate(taken_until_s) if until_s <= begin_s), _ROWS - 1)
        taken_until_s[row] = begin_s + width_s
        axes.text(begin_s, 1 - (row + 0.5) / _ROWS, f" {mark.label}", fontsize=8, color=_RED, va="center")
        axes.plot([mark.at_s, mark.at_s], [0, 1 - row / _ROWS], color=_RED, linewidth=0.8, alpha=0.8)
    axes.set(ylim=(0, 1))
    axes.axis("off")


def _envelope(
    side: npt.NDArray[np.int16], rate_hz: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the lowest and highest sample of each column, from -1 to 1, and the columns' times in seconds."""
    step = max(1, len(side) // _COLUMNS)
    blocks = side[: len(side) // step * step].reshape(-1, step) / 32768
    return blocks.min(axis=1), blocks.max(axis=1), np.arange(len(blocks)) * step / rate_hz
