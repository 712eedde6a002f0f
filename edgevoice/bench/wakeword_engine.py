"""One wake word engine alone in a process, so that its memory and its CPU time are its own.

``python -m edgevoice.bench.wakeword_engine streaming|openwakeword energy|off SOUND.npy MODEL...``: says in one line of
JSON what loading took, then for each line "first last" scores those frames of the sound and answers with one line.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.wakeword.engine import open_scorer
from edgevoice.wakeword.parts import cache_folder
from edgevoice.wakeword.scorer import Scorer
from edgevoice.wakeword.shapes import FRAME


def _rss_mb() -> float:
    """Return the memory that is this process's now, in MB of 1024 kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kb = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(kb) / 1024, 1)


def _answer(scorer: Scorer, frames: Any) -> dict[str, Any]:
    began_s = time.process_time()
    scores = [list(scorer.score(frame)) for frame in frames]
    return {"cpu_s": time.process_time() - began_s, "rss_mb": _rss_mb(), "scores": scores}


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
        print(json.dumps(_answer(scorer, np.ascontiguousarray(frames[first:last]))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
