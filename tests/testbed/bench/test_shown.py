"""What a benchmark prints: lines for a person, and one JSON object on the last."""

import json

import pytest

from edgevoice.testbed.bench.shown import show

REPORT = {
    "backend": "alsa",
    "cuts": 1,
    "silent_ms": {"p50": 4.0, "p95": 4.2, "max": 4.4},
    "loaded": {
        "heard_error_ms": {"max": 0.0},
        "is_busy": True,
        "missed": None,
        "kinds": ["cough", "door"],
        "resumed_ms": {},
    },
}


def test_a_person_gets_a_line_for_each_figure_and_programs_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORT, as_json=False)

    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        "backend                          alsa",
        "cuts                             1",
        "silent ms                        median 4.0, 95 % 4.2, longest 4.4",
        "loaded",
        "  heard error ms                 longest 0.0",
        "  is busy                        yes",
        "  missed                         none",
        "  kinds                          cough, door",
        "  resumed ms                     none",
    ]
    assert json.loads(last) == REPORT


def test_in_json_nothing_but_the_object_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORT, as_json=True)

    assert json.loads(capsys.readouterr().out) == REPORT
