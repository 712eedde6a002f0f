"""`edgevoice wakeword watch`: the score while you speak, with the threshold marked. Keeps nothing that it hears."""

import math
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from edgevoice.commands.wakeword_engine import ScoredWords, open_ears
from edgevoice.commands.wakeword_microphone import Frame, frames_heard, until_interrupted
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.settings.file import load
from edgevoice.wakeword.decision import Decision
from edgevoice.wakeword.models.shapes import Samples
from edgevoice.wakeword.tuning.near_misses import Rises
from edgevoice.wakeword.words import spoken

_PEAK_FRAMES: Final = 25
"""How long the highest score stays on the screen: 2 s."""

_QUIETEST_DB: Final = -90.0


class Gauge:
    """The live part of the screen: the microphone's level, and for each word a bar with its threshold marked."""

    def __init__(self, ears: ScoredWords, columns: int) -> None:
        self._names = [word.name for word in ears.words]
        self._width = max(map(len, [*self._names, "microphone"]))
        # Beside the bar: the name, the score, the peak, and the spaces between.
        self._cells = max(10, columns - self._width - 24)
        self._peaks: list[deque[float]] = [deque(maxlen=_PEAK_FRAMES) for _ in self._names]

    def drawn(self, frame: Samples, decision: Decision) -> Group:
        """Return the lines after this frame."""
        level_db = _level_db(frame)
        loud = Text(f"{'microphone':<{self._width}}  ")
        loud.append_text(_bar(1 + level_db / 90, None, self._cells, "cyan")).append(f"  {level_db:4.0f} dBFS")
        lines = [loud]
        for name, peaks, score, bar in zip(self._names, self._peaks, decision.scores, decision.bars, strict=True):
            peaks.append(score)
            line = Text(f"{name:<{self._width}}  ")
            line.append_text(_bar(score, bar, self._cells, "green" if score >= bar else "yellow"))
            lines.append(line.append(f"  {score:.2f}  peak {max(peaks):.2f}"))
        return Group(*lines)


def watch(config: Path | None, *, seconds: float | None) -> int:
    """Show scores until Ctrl-C, or for ``seconds``; raises ``AudioUnavailable`` for a microphone that does not open."""
    ears = open_ears(config, gate="off")
    microphone = load(config, os.environ).settings.microphone
    console = Console(highlight=False)
    with until_interrupted() as is_over, frames_heard(microphone, is_over) as frames:
        console.print(f"Listening on {microphone.device}. Say {_choice(ears)}. Ctrl-C ends it.", markup=False)
        # A pipe gets only the permanent lines, not the bar.
        with Live(console=console, auto_refresh=False, transient=True) as live:
            heard, near = _follow(ears, frames, live, math.inf if seconds is None else seconds)
    console.print(f"Heard {_times(heard)}, nearly {_times(near)}.")
    return 0


def _follow(ears: ScoredWords, frames: Iterator[Frame], live: Live, seconds: float) -> tuple[int, int]:
    """Score, decide and draw until there are no more frames; return how many detections and near misses there were."""
    decision = Decision(ears.thresholds, smoothing_frames=ears.settings.smoothing_frames)
    rises = Rises(len(ears.words), ears.settings.near_miss_share)
    gauge = Gauge(ears, live.console.width)
    heard = near = 0
    for pcm, end in frames:
        at_s = end / NEAR_END_HZ
        frame: Samples = np.frombuffer(pcm, "<i2")
        word = decision.take(ears.scorer.score(frame)[0], at_s)
        if word is not None:
            heard += 1
            name, score = ears.words[word].name, decision.scores[word]
            live.console.print(Text(f"{at_s:7.2f} s  {name}: heard, score {score:.2f}", "green"))
        for rise in rises.take(decision, word, is_speaking=False):
            if not rise.is_heard:
                near += 1
                name = ears.words[rise.word].name
                text = f"{at_s:7.2f} s  {name}: nearly, peak {rise.peak:.2f} of {rise.threshold:g}"
                live.console.print(Text(text, "yellow"))
        live.update(gauge.drawn(frame, decision), refresh=True)
        if at_s >= seconds:
            break
    return heard, near


def _choice(ears: ScoredWords) -> str:
    names = [f'"{spoken(word.name)}"' for word in ears.words]
    return " or ".join(names)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _level_db(frame: Samples) -> float:
    power = float(np.mean(frame.astype(np.float64) ** 2)) / 32768**2
    return max(_QUIETEST_DB, 10 * math.log10(power)) if power else _QUIETEST_DB


def _bar(value: float, threshold: float | None, cells: int, colour: str) -> Text:
    """Return a bar of ``cells`` characters, filled up to ``value`` of 1, with a line at the threshold."""
    filled = round(min(1.0, max(0.0, value)) * cells)
    bar = Text("█" * filled, colour).append("·" * (cells - filled), "bright_black")
    if threshold is None:
        return bar
    place = min(cells - 1, int(threshold * cells))
    return bar[:place].append("│", "bold red").append_text(bar[place + 1 :])
