"""One wake word engine, alone in a process, so that its memory and CPU time can be measured.

``python -m edgevoice.testbed.bench.wakeword_engine streaming|openwakeword energy|off SOUND.npy MODEL...``: prints one
line of JSON about the cost of loading, then for each line "first last" scores those frames of the sound and answers
with one line.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.store.folders import cache_folder
from edgevoice.wakeword.batching import Pace
from edgevoice.wakeword.engine import open_scorer
from edgevoice.wakeword.models.shapes import FRAME
from edgevoice.wakeword.scorer import Scorer


def _rss_mb() -> float:
    """Return this process's memory now, in MB of 1024 kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(kb) / 1024, 1)


def _answer(scorer: Scorer, frames: Any, *, one_by_one: bool) -> dict[str, Any]:
    began_s = time.process_time()
    scores = list(_scores(scorer, frames, one_by_one=one_by_one))
    return {"cpu_s": time.process_time() - began_s, "rss_mb": _rss_mb(), "scores": scores}


def _scores(scorer: Scorer, frames: Any, *, one_by_one: bool) -> Iterator[list[float]]:
    """Yield the scores after each frame; frames are passed as the detector does, unless ``one_by_one``."""
    pace = Pace()
    at = 0
    while at < len(frames):
        count = 1 if one_by_one else pace.frames
        rows = scorer.score(frames[at : at + count].reshape(-1))
        pace.take(rows, is_speaking=False)
        yield from map(list, rows)
        at += len(rows)


def main(engine: Any, gate: Any, sound: str, *models: str) -> None:
    """Serve one parent until it closes the pipe."""
    frames = np.load(sound, mmap_mode="r").reshape(-1, FRAME)
    began_s = time.monotonic()
    scorer = open_scorer([Path(model) for model in models], engine=engine, gate=gate, cache=cache_folder(os.environ))
    print(json.dumps({"load_s": time.monotonic() - began_s, "kind": type(scorer).__name__}), flush=True)
    for line in sys.stdin:
        if line.strip() == "reset":
            scorer.reset()
            continue
        first, last = map(int, line.split())
        stretch = np.ascontiguousarray(frames[first:last])
        print(json.dumps(_answer(scorer, stretch, one_by_one=engine == "openwakeword")), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
