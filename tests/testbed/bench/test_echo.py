"""`edgevoice bench echo` on a small scale: the real stage, detector and cancellers in the simulated room."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.tiers import Tier
from edgevoice.testbed.bench.echo_noises import cough, dishes, door
from edgevoice.testbed.bench.echo_scene import SimulatedBox
from edgevoice.testbed.bench.echo_script import ANSWERS, REMARKS
from edgevoice.testbed.bench.echo_trials import wake_phrases
from edgevoice.testbed.stage.room import furnish, level_dbfs, scaled
from edgevoice.testbed.stage.talker import words

pytestmark = pytest.mark.long


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgevoice", "bench", "echo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_the_last_line_reports_all_figures() -> None:
    ended = bench("--tier", "hardware", "--tier", "none", "--drift", "0", "--minutes", "0.5", "--trials", "1", "--json")

    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])["tier"]
    assert set(report) == {"hardware", "none"}
    deaf, hearing = (report[tier]["drift_ppm"]["0"] for tier in ("none", "hardware"))
    assert deaf["false_barge_ins_per_hour"] is None
    assert deaf["talker_cut_ms"] is None
    assert hearing["false_barge_ins_per_hour"] == 0
    assert hearing["own_minutes"] == 0.5
    assert set(hearing["talker_cut_ms"]) == set(hearing["ducked_ms"]) == {"0", "-10", "-20"}
    assert hearing["talker_cut_ms"]["0"]["found"] == "1/1"
    assert hearing["ducked_ms"]["0"]["p50"] < hearing["talker_cut_ms"]["0"]["p50"] < 600
    assert hearing["wake_words_found"]["0"] == "1/1"
    assert hearing["noises_that_cut"] == {"cough": "0/1", "door": "0/1", "dishes": "0/1"}
    assert report["hardware"]["cpu_ms_per_s"] > 0
    assert report["none"]["cpu_ms_per_s"] == 0


def test_an_unknown_tier_is_refused_in_one_line() -> None:
    ended = bench("--tier", "magic")

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        "--tier is magic; it must be one of none, linear, suppressor, hardware. Name one of them."
    )


def test_a_person_first_ducks_the_answer_and_then_cuts_it() -> None:
    box = SimulatedBox(Tier.HARDWARE, furnish(1, delay_ms=60), seed=1, idle_s=20)
    box.say(spoken(ANSWERS[0]))
    for _ in range(300):
        box.hear()
    begin_s = box.now_s
    remark = scaled(words(REMARKS[0]), -30.0)

    for at in range(0, len(remark) - 319, 320):
        box.hear(remark[at : at + 320])

    first, *changes = box.changes
    assert first.what == "answering"
    assert [change.what for change in changes] == ["began", "ducked", "confirmed", "silent"]
    assert all(begin_s < change.at_s < begin_s + 0.6 for change in changes)
    assert not box.is_speaking


def test_a_box_that_does_not_react_is_reported_and_the_bench_continues() -> None:
    box = SimulatedBox(Tier.HARDWARE, furnish(1, delay_ms=60), seed=1, idle_s=20, reacts=False)
    box.say(spoken(ANSWERS[0]))
    remark = scaled(words(REMARKS[0]), -30.0)
    for _ in range(300):
        box.hear()
    for at in range(0, len(remark) - 319, 320):
        box.hear(remark[at : at + 320])

    assert {change.what for change in box.changes} >= {"began", "confirmed"}
    assert not {change.what for change in box.changes} & {"ducked", "silent"}
    assert box.is_speaking


def test_two_drifting_clocks_are_heard_and_measured() -> None:
    box = SimulatedBox(Tier.LINEAR, furnish(1, delay_ms=60, drift_ppm=50), seed=1, idle_s=60)

    assert box._path is not None
    assert box._path.reference.drift_ppm == pytest.approx(50, abs=5)


def test_there_are_24_ways_to_say_the_wake_word() -> None:
    phrases = wake_phrases(24)

    assert len(phrases) == 24
    assert len({phrase.tobytes() for phrase in phrases}) == 24


@pytest.mark.parametrize("make", [cough, door, dishes])
def test_every_seed_gives_different_noise_and_none_of_it_clips(
    make: Callable[[int], npt.NDArray[np.int16]],
) -> None:
    assert not np.array_equal(make(1)[:1000], make(2)[:1000])
    assert np.array_equal(make(1), make(1))
    assert all(np.abs(make(seed)).max() <= 16_000 and level_dbfs(make(seed)) > -40 for seed in range(10))


def spoken(text: str) -> npt.NDArray[np.int16]:
    """Return text at the speaker's rate."""
    sound: npt.NDArray[np.int16] = (soxr.resample(words(text), NEAR_END_HZ, FAR_END_HZ) * 0.5).astype(np.int16)
    return sound
