"""When a callback's samples pass the converter, although callbacks run late and the wall clock may be set."""

import time

import pytest

from edgevoice.audio.callback_time import converter_s

WALL = 1_700_000_000.0


def told(monkeypatch: pytest.MonkeyPatch, *, now_s: float, wall_s: float, current_s: float) -> float:
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    monkeypatch.setattr(time, "time", lambda: wall_s)
    return converter_s(
        {"current_time": current_s, "output_buffer_dac_time": current_s + 0.018}, "output_buffer_dac_time"
    )


def test_the_callbacks_wait_for_the_interpreter_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = told(monkeypatch, now_s=500.0, wall_s=WALL, current_s=WALL)
    late = told(monkeypatch, now_s=500.005, wall_s=WALL + 0.005, current_s=WALL)

    assert prompt == pytest.approx(500.018, abs=1e-6)
    assert late == pytest.approx(prompt, abs=1e-6)


@pytest.mark.parametrize("wall_s", [WALL - 3600, WALL + 3600, 500.0], ids=["set back", "set forward", "no wall clock"])
def test_a_wall_clock_that_was_set_is_ignored(monkeypatch: pytest.MonkeyPatch, wall_s: float) -> None:
    assert told(monkeypatch, now_s=500.0, wall_s=wall_s, current_s=WALL) == pytest.approx(500.018, abs=1e-6)
