"""The panel's benchmark measures what it says: the gate by what arrived, and idle lights by the kernel's count."""

import os
import threading

import numpy as np
import pytest
import soxr

from edgevoice.core.orders import Light
from edgevoice.core.sound.rates import NEAR_END_HZ, WIRE_HZ
from edgevoice.panel.lamps import PixelLamp
from edgevoice.panel.lights import Lights
from edgevoice.testbed.bench.panel import (
    LightsMissing,
    PanelFigures,
    gate_ms,
    lights_thread,
    noises,
    strip_cpu_ms_per_s,
    wakeups,
)
from tests.waiting import until


@pytest.mark.parametrize(("late", "expected_ms"), [(0, 0.0), (320, 20.0), (-800, 0.0)])
def test_the_gate_is_measured_by_the_newest_sample_that_arrived(late: int, expected_ms: float) -> None:
    heard = np.random.default_rng(1).integers(-6000, 6000, 4 * NEAR_END_HZ).astype(np.int16)
    pressed = 2 * NEAR_END_HZ
    sent = heard[NEAR_END_HZ : pressed + late]
    received = soxr.resample(sent.astype(np.float32), NEAR_END_HZ, WIRE_HZ).astype(np.int16)
    silence = np.zeros(WIRE_HZ // 4, np.int16)

    assert gate_ms(heard, np.concatenate([received, silence]), pressed) == pytest.approx(expected_ms, abs=1.0)


def test_a_round_is_not_mistaken_for_another() -> None:
    said = noises(24)
    heard = np.concatenate([np.concatenate([np.zeros(NEAR_END_HZ, np.int16), each]) for each in said])
    ends = NEAR_END_HZ + len(said[0]) // 2 + np.arange(24) * (len(said[0]) + NEAR_END_HZ)

    for each, end in zip(said[::8], ends[::8], strict=True):
        sent = np.concatenate([np.zeros(1600, np.int16), each[: len(each) // 2]])
        received = soxr.resample(sent.astype(np.float32), NEAR_END_HZ, WIRE_HZ).astype(np.int16)
        assert gate_ms(heard, received, int(end)) < 1.0


def test_idle_lights_wake_nobody_and_lights_that_move_do() -> None:
    lights = Lights([PixelLamp(3, lambda _frame: None, lambda: None)])
    thread = lights_thread()
    lights.show(Light.IDLE)
    pause = threading.Event()

    def sleeps_on() -> bool:
        before = wakeups(thread)
        pause.wait(0.2)
        return wakeups(thread) == before

    # On a busy machine it has not shown the light yet when the first look begins.
    until(sleeps_on)

    before = wakeups(thread)
    lights.show(Light.SPEAKING)
    until(lambda: wakeups(thread) > before + 2)
    lights.close()


def test_what_a_strip_costs_is_measured() -> None:
    assert strip_cpu_ms_per_s(0.3) > 0


def test_without_lights_there_is_no_thread() -> None:
    with pytest.raises(LightsMissing):
        lights_thread()
    assert wakeups(os.getpid()) > 0


def test_the_report_has_the_figures_by_their_names() -> None:
    figures = PanelFigures([1.0, 3.0], [10.0, 20.0], [0.0, 5.0], 0.0, 2.5)

    assert figures.report() == {
        "rounds": 2,
        "button_to_light_ms": {"p50": 2.0, "p95": 2.9},
        "button_to_listening_ms": {"p50": 15.0, "p95": 19.5},
        "mute_to_gate_ms": {"p50": 2.5, "p95": 4.8},
        "idle_wakeups_per_s": 0.0,
        "strip_cpu_ms_per_s": 2.5,
    }
