"""What the tape shows of false cuts: when the answer resumed, and whether at the right sample."""

from pathlib import Path

import numpy as np
import pytest

from edgevoice.testbed.bench.opponent import answer_audio
from edgevoice.testbed.bench.resumed import FalseCut, _judge
from edgevoice.testbed.virtual import Tape

MS = 24


class Recorded(Tape):
    """A tape whose first sample sounds at 100 s."""

    def frame_at(self, moment_s: float) -> int:
        return round((moment_s - 100) * 1000 * MS)


def tape_of(heard_ms: int, silent_ms: int, *, skipped: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return an answer that is cut, stays silent, and resumes after this many unheard samples."""
    sound = answer_audio(7)
    rest = sound[heard_ms * MS + skipped :][: 800 * MS].copy()
    rest[:120] = rest[:120] * np.linspace(0.01, 1, 120)
    return np.concatenate([sound[: heard_ms * MS], np.zeros(silent_ms * MS, np.int16), rest])


@pytest.mark.parametrize("skipped", [0, 480, -480])
def test_it_reports_when_the_answer_resumes_and_how_far_from_the_right_sample(skipped: int) -> None:
    cut = FalseCut(7, cut_s=100.49, heard_ms=500, has_resumed=True)

    judged = _judge(cut, Recorded(Path()), tape_of(500, 1000, skipped=skipped))

    assert judged is not None
    wait_ms, error_ms = judged
    assert wait_ms == pytest.approx(1010)
    assert error_ms == pytest.approx(skipped / MS)


def test_an_answer_that_does_not_resume_is_not_judged() -> None:
    assert _judge(FalseCut(7, 100.49, 500, has_resumed=True), Recorded(Path()), tape_of(500, 3000)) is None
