"""A test run's progress, its estimated remaining time, and the results it keeps."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.progress import Estimate, Progress

ROOT = Path(__file__).parents[1]

SOME_TESTS = """
import os
import pytest

def test_good():
    assert not [name for name in os.environ if name.startswith("TESTS_")]

def test_bad():
    assert False

@pytest.fixture
def broken():
    raise OSError

def test_broken(broken):
    pass

@pytest.mark.skip(reason="no card")
def test_skipped():
    pass
"""


def test_the_remaining_time_is_estimated_from_the_last_run() -> None:
    estimate = Estimate({"first": 5, "second": 60, "third": 120})
    estimate.expect(["first", "second", "third"])

    estimate.done("first", 100)
    estimate.done("second", 160)

    assert estimate.line(160) == "[ 33%, about 2 min left]"


def test_two_workers_or_a_slow_machine_change_the_remaining_time() -> None:
    estimate = Estimate({"second": 60, "third": 120})
    estimate.expect(["first", "second", "third"])

    estimate.done("first", 100)
    estimate.done("second", 130)

    assert estimate.line(130) == "[ 33%, about 60 s left]"


def test_work_before_and_after_this_run_is_counted() -> None:
    estimate = Estimate({"second": 60, "third": 60}, spent_s=300, to_come_s=540)
    estimate.expect(["first", "second", "third"])

    estimate.done("first", 0)
    estimate.done("second", 60)

    assert estimate.line(60) == "[ 38%, about 10 min left]"


@pytest.mark.parametrize(("beside_s", "line"), [(660, "[ 30%, about 8 min left]"), (100, "[ 50%, about 3 min left]")])
def test_what_runs_beside_this_run_counts_if_it_takes_longer(beside_s: float, line: str) -> None:
    estimate = Estimate({"second": 60, "third": 60}, spent_s=140, to_come_s=140, beside_s=beside_s)
    estimate.expect(["first", "second", "third"])

    estimate.done("first", 0)
    estimate.done("second", 60)

    assert estimate.line(60) == line


def test_a_run_of_unknown_tests_is_estimated_by_their_number() -> None:
    estimate = Estimate({})
    estimate.expect(str(number) for number in range(101))

    for number in range(51):
        estimate.done(str(number), number)

    assert estimate.line(50) == "[ 50%, about 50 s left]"


def test_the_tests_of_a_file_are_struck_off_its_time() -> None:
    estimate = Estimate({"one.py": 60, "one.py::long": 50, "other.py": 60})
    estimate.expect(["one.py", "other.py"])

    estimate.done("other.py::short", 10)
    estimate.done("one.py::long", 60)

    assert estimate.line(60) == "[ 42%, about 70 s left]"


def test_nothing_is_said_before_anything_is_known() -> None:
    estimate = Estimate({})
    estimate.expect(["first", "second"])
    assert not estimate.line(10)
    estimate.done("first", 10)

    assert not estimate.line(20)


class Reporter:
    _tw = SimpleNamespace(width_of_current_line=0)

    def __init__(self, *, isatty: bool) -> None:
        self.isatty = isatty
        self.lines: list[str] = []

    def ensure_newline(self) -> None:
        pass

    def write_line(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.parametrize(("isatty", "lines"), [(True, 9), (False, 3)])
def test_progress_is_shown_every_30_seconds_and_more_often_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, isatty: bool, lines: int
) -> None:
    reporter = Reporter(isatty=isatty)
    config: Any = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda _name: reporter))
    now_s = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    progress = Progress(config, {})
    tests = [f"test_{number}" for number in range(100)]
    progress.pytest_xdist_node_collection_finished(tests)

    for test in tests:
        report: Any = SimpleNamespace(
            nodeid=test, duration=1, skipped=False, failed=False, when="call", outcome="passed"
        )
        progress.pytest_runtest_logreport(report)
        now_s += 1

    assert len(reporter.lines) == lines
    assert reporter.lines[-1] == "[ 91%, about 10 s left]"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-p", "xdist", "--numprocesses", "2"),
        ("-p", "xdist", "--numprocesses", "2", "--dist", "load", "-p", "tests.whole_files"),
    ],
    ids=["alone", "two workers", "whole files"],
)
def test_a_run_shows_progress_writes_its_results_in_one_line_and_keeps_its_durations(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    pytest.importorskip("xdist")
    (tmp_path / "test_some.py").write_text(SOME_TESTS)
    (tmp_path / "test_wrong.py").write_text("import nothing_of_that_name")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "impatient.py").write_text("from tests import progress\nprogress._EVERY_S = 0\n")
    results = tmp_path / "results"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TESTS_"))},
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TESTS_RUN": "quick",
        "TESTS_RESULTS": str(results),
    }

    plugins = ("-p", "tests.progress", "-p", "impatient")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--continue-on-collection-errors", *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    assert re.search(r"^\[ *\d+%, about \d+ s left\]$", ended.stdout, re.MULTILINE)
    (line,) = results.read_text().splitlines()
    told = json.loads(line)
    assert told == {
        "run": "quick",
        "passed": 1,
        "failed": ["test_some.py::test_bad", "test_some.py::test_broken", "test_wrong.py"],
        "skipped": {"test_some.py::test_skipped": "Skipped: no card"},
    }
    kept = tmp_path / ".pytest_cache" / "v" / "edgevoice"
    assert list(json.loads((kept / "seconds-of-runs").read_text())) == ["quick"]
