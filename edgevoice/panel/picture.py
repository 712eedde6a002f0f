"""The specification of the panel as a picture: for each state five seconds of each kind of light, as SVG. Pure."""

import html
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from edgevoice.core.light_frames import Colour, Frame, frame_at
from edgevoice.core.lights import Led, level_at, patterns_on
from edgevoice.core.panel_spec import ROWS, STATES, PanelState

_SECONDS: Final = 5.0
_STEP_S: Final = 0.05
_WIDE: Final = 240
_GAP: Final = 14
_NAME: Final = 150
_HIGH: Final = 36
_BETWEEN: Final = 10
_TOP: Final = 44
_VOLUME: Final = 0.6
"""The volume that the picture shows."""

_GROUND: Final = "#17191d"


def panel_svg(states: Sequence[PanelState] = STATES) -> str:
    """Return the picture: a row for each state; from left to right one LED, an RGB LED, and a strip of each length."""
    kinds = ["one LED", "RGB LED", *(f"strip of {pixels}" for pixels in ROWS)]
    width = _NAME + len(kinds) * (_WIDE + _GAP)
    height = _TOP + len(states) * (_HIGH + _BETWEEN) + 14
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#e6e3dc"/>',
    ]
    for place, kind in enumerate(kinds):
        x = _NAME + place * (_WIDE + _GAP)
        lines.append(f'<text x="{x}" y="20" font-weight="bold">{kind}</text>')
        lines.append(f'<text x="{x}" y="36" font-size="10" fill="#666">0 s</text>')
        lines.append(f'<text x="{x + _WIDE}" y="36" font-size="10" fill="#666" text-anchor="end">{_SECONDS:g} s</text>')
    for row, state in enumerate(states):
        y = _TOP + row * (_HIGH + _BETWEEN)
        lines.append(f'<text x="8" y="{y + _HIGH / 2 + 4:g}">{html.escape(state.name)}</text>')
        for place, frames in enumerate(_frames_of(state)):
            lines += _strip(_NAME + place * (_WIDE + _GAP), y, frames)
    return "\n".join([*lines, "</svg>", ""])


def _frames_of(state: PanelState) -> list[list[Frame]]:
    times = [step * _STEP_S for step in range(round(_SECONDS / _STEP_S))]
    patterns = patterns_on(tuple(Led), state.light, state.reason)
    single: list[Frame] = [(Colour(1, 1, 0.8).scaled(level_at(patterns, at + 1e-6)),) for at in times]
    rows = [[frame_at(pixels, state.light, state.reason, at + 1e-6, _VOLUME) for at in times] for pixels in (1, *ROWS)]
    return [single, *rows]


def _strip(x: int, y: int, frames: Sequence[Frame]) -> list[str]:
    """Return time from left to right, and the pixels of the row from top to bottom."""
    lines = [f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" fill="{_GROUND}"/>']
    step = _WIDE / len(frames)
    at = 0
    for frame, same in groupby(frames):
        count = len(list(same))
        pixel = 0
        for colour, alike in groupby(frame):
            pixels = len(list(alike))
            if any(colour):
                tall = _HIGH / len(frame)
                lines.append(
                    f'<rect x="{x + at * step:g}" y="{y + pixel * tall:g}" width="{count * step:g}" '
                    f'height="{pixels * tall:g}" fill="{_hex(colour)}"/>'
                )
            pixel += pixels
        at += count
    return lines


def _hex(colour: Colour) -> str:
    """Return a colour as a screen shows it, a little light never black."""
    return "#" + "".join(f"{round(255 * min(max(part, 0.0), 1.0) ** 0.6):02x}" for part in colour)
