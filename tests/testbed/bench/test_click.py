"""The end of an answer on the tape: a fade is no click, and one that stops dead is."""

import numpy as np
import pytest

from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.testbed.bench.click import click_db
from edgevoice.testbed.bench.opponent import answer_audio

HZ = 24_000
ANSWER = answer_audio(1)[:HZ]


def ended(*, fade: int, gain: float = 1.0) -> float:
    emitted = ANSWER * gain
    emitted[len(emitted) - fade :] *= fade_out(fade)
    return click_db(emitted.astype(np.int16), ANSWER, HZ)


def test_an_answer_that_stops_dead_is_the_measure() -> None:
    assert ended(fade=0) == pytest.approx(0)


def test_the_fade_of_a_cut_does_not_click_however_loud_the_answer_was() -> None:
    assert ended(fade=FADE) < -40
    assert ended(fade=FADE, gain=0.2) < -30, "rounded to whole numbers, a soft noise hisses"


def test_the_shorter_the_fade_the_louder_the_click() -> None:
    assert ended(fade=6) > ended(fade=24) > ended(fade=48) > ended(fade=FADE)


def test_a_step_in_the_middle_of_the_fade_is_a_click() -> None:
    emitted = ANSWER.astype(np.float64)
    emitted[-FADE:] *= fade_out(FADE)
    emitted[-FADE // 2 :] *= 0.3

    assert click_db(emitted.astype(np.int16), ANSWER, HZ) > -20


@pytest.mark.parametrize("emitted", [ANSWER[:100], ANSWER[:1000]])
def test_too_little_to_judge_is_an_error(emitted: np.ndarray) -> None:
    with pytest.raises(ValueError, match="samples"):
        click_db(emitted, ANSWER[: 100 if len(emitted) == 100 else 999], HZ)


def test_an_answer_that_was_silent_before_its_end_is_not_judged() -> None:
    emitted = ANSWER.copy()
    emitted[: -HZ // 100] = 0

    with pytest.raises(ValueError, match="silent before its end"):
        click_db(emitted, ANSWER, HZ)
