"""The bench of the answering process asks it for real, and reports figures that fit together."""

import json

import pytest

from edgevoice.testbed.bench.answering import measure


def test_memory_in_use_is_at_most_the_peak_and_less_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(as_json=False) == 0

    shown = capsys.readouterr()
    report = json.loads(shown.out.splitlines()[-1])
    rest, used, after = (report["mb"][when] for when in ("at_rest", "in_use", "after"))
    assert rest["rss"] < used["rss"] <= used["peak"]
    assert after["rss"] < used["rss"]
    assert all(state["anonymous"] <= state["rss"] for state in (rest, used, after))
    assert report["written_cpu_ms_per_s_spoken"] > 0
    assert len(shown.err.splitlines()) == 10
