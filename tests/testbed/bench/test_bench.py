"""The benchmarks run and report what they promise; people judge the figures, not tests."""

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.sound


def bench(*arguments: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "edgevoice", "bench", *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return report


@pytest.mark.long(14)
def test_the_latency_bench_loses_no_sample_and_reports_all_figures() -> None:
    report = bench("latency", "--rounds", "2")

    assert report["samples_lost"] == report["samples_doubled"] == 0
    assert report["rounds"] == 2
    for name in ("detection_to_light_ms", "link_up_to_first_append_ms", "first_delta_to_dac_ms"):
        assert set(report[name]) == {"p50", "p95"}


@pytest.mark.few
@pytest.mark.long(40)
def test_the_barge_in_bench_reports_every_cut_correctly() -> None:
    # So many that each source cuts: in the box that cancels its echo local speech, the service and local speech, in the
    # other the button three times and the wake word.
    report = bench("barge-in", "--cuts", "7")

    assert report["cuts"] + report["unjudged"] == 7
    assert report["unjudged"] <= 2
    assert report["truncates_wrong"] == report["late_samples_heard"] == report["loaded"]["late_samples_heard"] == 0
    assert report["heard_error_ms"]["max"] <= 1
    assert report["loaded"]["heard_error_ms"]["max"] <= 1
    assert set(report["silent_ms"]) == {"p50", "p95", "max"}
