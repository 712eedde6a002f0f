"""`edgevoice wakeword test`: the scores of recordings, as a table, as JSON, as a picture."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from edgevoice.commands.wakeword_engine import ScoredWords, open_ears
from edgevoice.core.printable import printable
from edgevoice.wakeword.listening import LEAD_FRAMES, Listened
from edgevoice.wakeword.tuning.recordings import RecordingRefused

_MOST_TIMES = 6


def show(files: Sequence[Path], config: Path | None, *, picture: Path | None, as_json: bool) -> int:
    """Print the scores of every file; return 1 if a file could not be read or a picture not drawn."""
    # The gate omits only scores close to zero; here they are wanted.
    ears = open_ears(config, gate="off")
    listened: list[tuple[Path, Listened]] = []
    for file in files:
        try:
            listened.append((file, ears.hear(file)))
        except RecordingRefused as error:
            print(error.line(), file=sys.stderr)
    if as_json:
        print(json.dumps({"recordings": [_facts(ears, path, each) for path, each in listened]}))
    elif listened:
        _print_table(ears, listened)
    is_whole = len(listened) == len(files)
    if picture is not None and listened:
        from edgevoice.commands.wakeword_picture import draw_scores, is_drawn

        if not is_drawn(picture, lambda: draw_scores(picture, ears, listened)):
            is_whole = False
        elif not as_json:
            print(f"\nPicture: {picture}")
    return 0 if is_whole else 1


def _print_table(ears: ScoredWords, listened: Sequence[tuple[Path, Listened]]) -> None:
    # Names that begin alike must not all be cut to the same beginning.
    table = Table(
        Column("recording", overflow="fold"), "word", "peak", "at", "threshold", "the box", box=None, pad_edge=False
    )
    for path, each in listened:
        for number, word in enumerate(ears.words):
            peak = int(np.argmax(each.scores[:, number]))
            table.add_row(
                escape(printable(str(path))) if not number else "",
                escape(word.name),
                f"{each.scores[peak, number]:.3f}",
                _time(max(0.0, each.time_of(peak))),
                f"{word.thresholds.threshold:g}",
                _verdict(each, number),
            )
    Console().print(table)


def _verdict(listened: Listened, word: int) -> str:
    times = [_time(heard.at_s) for heard in listened.heard if heard.word == word]
    if times:
        more = f" and {len(times) - _MOST_TIMES} times more" if len(times) > _MOST_TIMES else ""
        return f"[green]wakes at {', '.join(times[:_MOST_TIMES])}{more}[/green]"
    near = sum(rise.word == word for rise in listened.near_misses)
    if near:
        return f"[yellow]nearly{f', {near} times' if near > 1 else ''}[/yellow]"
    return "sleeps on"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def _facts(ears: ScoredWords, path: Path, listened: Listened) -> dict[str, Any]:
    scores = listened.scores
    return {
        "file": str(path),
        "seconds": round(listened.seconds, 2),
        "words": {
            word.name: {
                "peak": round(float(scores[:, number].max()), 4),
                "peak_at_s": round(max(0.0, listened.time_of(int(np.argmax(scores[:, number])))), 2),
                "threshold": word.thresholds.threshold,
                "heard_at_s": [round(heard.at_s, 2) for heard in listened.heard if heard.word == number],
                "near_misses": [round(rise.peak, 4) for rise in listened.near_misses if rise.word == number],
                "scores": [round(score, 4) for score in scores[LEAD_FRAMES:, number].tolist()],
            }
            for number, word in enumerate(ears.words)
        },
    }
