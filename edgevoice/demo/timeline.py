"""Timeline: a picture of a conversation: what was said, what sounded, what the box was doing. Needs matplotlib."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

_COLOURS = {
    "idle": "#d9d9d9",
    "connecting": "#9ecae1",
    "listening": "#74c476",
    "thinking": "#fdd05a",
    "speaking": "#6baed6",
}
_COLUMNS = 3000
"""Points of a waveform: more than the picture has pixels across."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment, in seconds from the beginning of the picture."""

    at_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A phase and when it lasted, in seconds from the beginning of the picture."""

    name: str
    from_s: float
    to_s: float


def draw(
    path: Path,
    near_end: npt.NDArray[np.int16],
    far_end: npt.NDArray[np.int16],
    rate_hz: int,
    phases: Sequence[Stretch],
    marks: Sequence[Mark],
) -> None:
    """Write the picture as PNG; both sides are mono at ``rate_hz``. ``ImportError`` when matplotlib is absent."""
    from matplotlib.figure import Figure

    length_s = max(len(near_end), len(far_end)) / rate_hz
    figure = Figure(figsize=(max(12.0, length_s / 3), 6), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.6, 3])
    for axes, side, name, colour in (
        (top, near_end, "near-end: the person", "#31a354"),
        (bottom, far_end, "far-end: the box", "#3182bd"),
    ):
        low, high, at_s = _envelope(side, rate_hz)
        axes.fill_between(at_s, low, high, color=colour, linewidth=0)
        axes.set(ylim=(-1, 1), yticks=[], ylabel=name)
    for phase in phases:
        middle.axvspan(phase.from_s, phase.to_s, color=_COLOURS[phase.name], linewidth=0)
        if phase.to_s - phase.from_s > length_s / 40:
            middle.text((phase.from_s + phase.to_s) / 2, 0.5, phase.name, ha="center", va="center", fontsize=8)
    middle.set(ylim=(0, 1), yticks=[], ylabel="phase")
    for number, mark in enumerate(marks):
        for axes in (top, bottom):
            axes.axvline(mark.at_s, color="#b2182b", linewidth=0.8, alpha=0.8)
        # Labels that would lie on each other climb.
        top.text(mark.at_s, 0.93 - 0.2 * (number % 4), f" {mark.label}", fontsize=8, color="#b2182b", va="top")
    bottom.set(xlim=(0, length_s), xlabel="seconds")
    figure.suptitle("A conversation on the virtual card")
    figure.savefig(path, dpi=110)


def _envelope(
    side: npt.NDArray[np.int16], rate_hz: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the lowest and highest sample of each column, from -1 to 1, and the columns' times in seconds."""
    step = max(1, len(side) // _COLUMNS)
    blocks = side[: len(side) // step * step].reshape(-1, step) / 32768
    return blocks.min(axis=1), blocks.max(axis=1), np.arange(len(blocks)) * step / rate_hz
