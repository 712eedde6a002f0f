"""The benchmarks of an idle box run, report what they promise, and both engines agree; people judge the figures."""

import json
import os
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from edgevoice.testbed.bench.idle import ProcessUsage

pytestmark = pytest.mark.sound


def bench(*arguments: str) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "edgevoice", "bench", *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return report


@pytest.mark.long(22)
def test_both_engines_agree_on_every_decision_ours_uses_less_memory_and_both_report_their_cost() -> None:
    report = bench("wakeword")

    for figures in (report, report["four_words"]):
        assert figures["disagreements"] == 0
        assert figures["max_score_difference"] <= 1e-3
        assert figures["frames_over_threshold"] > 20
        assert figures["ratio"] > 0
        assert figures["rss_mb"] < figures["library_rss_mb"]
    assert report["gate"]["disagreements"] == 0
    assert report["gate"]["cpu_ms_per_s_in_silence"] > 0


@pytest.mark.long(15)
def test_the_idle_bench_reports_its_cost_in_silence_and_with_people_talking() -> None:
    report = bench("idle", "--seconds", "4")

    for figures in (report, report["speech_around"]):
        assert figures["cpu_percent_of_a_core"] > 0
        assert figures["voluntary_switches_per_s"] > 10
        shares = figures["by_thread_percent"]
        assert any(name.startswith("wakeword-") for name in shares)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert figures["million_instructions_per_s"] is None or figures["million_instructions_per_s"] > 1
    assert report["counts"] == (
        "the daemon alone, without the child process that answers where there is no key; "
        "CPU and switches from second 2 of 4 on"
    )
    assert 30 < report["rss_mb"] < 200
    assert 0 < report["start_to_listening_s"]["p50"] <= report["start_to_hearing_s"]["p95"]


def test_cpu_time_is_counted_over_all_threads() -> None:
    worked = threading.Barrier(3)
    counted = threading.Event()

    def work() -> None:
        end_s = time.thread_time() + 0.2
        while time.thread_time() < end_s:
            sum(range(1000))
        worked.wait()
        # A thread that has ended is no longer counted.
        counted.wait()

    before = ProcessUsage.of(os.getpid())
    busy = [threading.Thread(target=work) for _ in range(2)]
    for each in busy:
        each.start()
    worked.wait()
    after = ProcessUsage.of(os.getpid())
    counted.set()
    for each in busy:
        each.join()

    assert after.cpu_s - before.cpu_s > 0.4
    share = before.until(after)["cpu_percent_of_a_core"] / 100
    assert share * (after.at_s - before.at_s) == pytest.approx(after.cpu_s - before.cpu_s, rel=0.02)
