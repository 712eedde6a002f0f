"""A plugin of pytest: shows how far the tests are and how long the rest takes, and keeps the results for scripts/test.

The rest is estimated from how long each test took the last time, which pytest's cache keeps, and from how fast this run
is. scripts/test runs pytest several times, and says so in the environment:

- ``TESTS_RUN``: the name of this run; ``TESTS_TO_COME``: those after it, separated by spaces;
  ``TESTS_SPENT_S``: the seconds before it; ``TESTS_BESIDE``: those that run beside it and until the end, likewise.
- ``TESTS_RESULTS``: a file that gets one line of JSON at the end of each run.

All may be missing. They are taken out of the environment, so that the code under test does not see them. None begins
with ``EDGEVOICE_``: those are the settings.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

_VARIABLES = ("TESTS_RUN", "TESTS_TO_COME", "TESTS_SPENT_S", "TESTS_BESIDE", "TESTS_RESULTS")
_EVERY_S = 30.0
_EVERY_ON_A_TERMINAL_S = 10.0
_KEPT_FROM_S = 0.1
"""Tests that take longer are remembered one by one."""

_USUAL_S = 0.02
"""What any other test is taken to need."""

_USUAL_FILE_S = 0.6
"""What a file that was never run is taken to need: thirty tests."""

_TESTS, _FILES, _RUNS = "edgevoice/seconds-of-tests", "edgevoice/seconds-of-files", "edgevoice/seconds-of-runs"
_LINE = 72


class Estimate:
    """How far a run is. Times are in seconds; ``known`` is how long tests took before, and whole files.

    What runs beside it began with the first run, and takes ``beside_s`` until the end of all.
    """

    def __init__(
        self, known: Mapping[str, float], *, spent_s: float = 0.0, to_come_s: float = 0.0, beside_s: float = 0.0
    ) -> None:
        self._known = known
        self._spent_s = spent_s
        self._to_come_s = to_come_s
        self._beside_s = beside_s
        self._left: dict[str, float] = {}
        self._done_s = 0.0
        self._began_s: float | None = None

    def expect(self, tests: Iterable[str]) -> None:
        """Take the tests of this run, or its files; again and again the same ones are no harm."""
        for test in tests:
            usual_s = _USUAL_FILE_S if test.endswith(".py") else _USUAL_S
            self._left[test] = self._known.get(test, usual_s)

    def done(self, test: str, now_s: float) -> None:
        """Strike a test off. The speed is measured from the end of the first, for pytest starts slowly."""
        seconds = self._left.pop(test, 0.0) or self._done_of_file(test)
        if self._began_s is None:
            self._began_s = now_s
        else:
            self._done_s += seconds

    def _done_of_file(self, test: str) -> float:
        file = test.partition("::")[0]
        if file not in self._left:
            return 0.0
        seconds = self._known.get(test, _USUAL_S)
        self._left[file] = max(0.0, self._left[file] - seconds)
        return seconds

    def line(self, now_s: float) -> str:
        """Describe the progress; empty while it is unknown."""
        if self._began_s is None or not self._done_s:
            return ""
        gone_s = now_s - self._began_s
        left_s = sum(self._left.values()) * gone_s / self._done_s + self._to_come_s
        gone_s += self._spent_s
        left_s = max(left_s, self._beside_s - gone_s)
        return f"[{gone_s / max(gone_s + left_s, 1):4.0%}, about {_spoken(left_s)} left]"


def _spoken(seconds: float) -> str:
    return f"{max(10, round(seconds, -1)):.0f} s" if seconds < 95 else f"{seconds / 60:.0f} min"


class Progress:
    """The plugin; one per pytest that shows something, none in the workers of pytest-xdist."""

    def __init__(self, config: pytest.Config, environment: Mapping[str, str]) -> None:
        self._cache = getattr(config, "cache", None)
        self._plugins = config.pluginmanager
        self._run = environment.get("TESTS_RUN", "")
        self._results = environment.get("TESTS_RESULTS", "")
        self._took: dict[str, float] = {}
        self._outcomes: dict[str, set[str]] = {"failed": set(), "passed": set()}
        self._skipped: dict[str, str] = {}
        self._has_whole_files = False
        runs = self._kept(_RUNS)
        self._estimate = Estimate(
            self._kept(_FILES) | self._kept(_TESTS),
            spent_s=float(environment.get("TESTS_SPENT_S", "0")),
            to_come_s=_seconds_of(environment.get("TESTS_TO_COME", ""), runs),
            beside_s=_seconds_of(environment.get("TESTS_BESIDE", ""), runs),
        )
        self._began_s = self._shown_s = time.monotonic()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._estimate.expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._estimate.expect(ids)
        self._has_whole_files = bool(ids) and not any("::" in each for each in ids)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._outcomes["failed"].add(report.nodeid)
        elif report.skipped:
            self._skipped[report.nodeid] = _reason(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid
        self._took[test] = self._took.get(test, 0.0) + report.duration
        if report.skipped:
            self._skipped[test] = _reason(report)
        elif report.failed or report.when == "call":
            self._outcomes[report.outcome].add(test)
        # Of whole files (tests/whole_files.py), most reports of setting up and tearing down are never sent.
        if report.when == "call" or (report.when == "setup" and not report.passed):
            now_s = time.monotonic()
            self._estimate.done(test, now_s)
            self._show(now_s)

    def pytest_sessionfinish(self) -> None:
        took_s = time.monotonic() - self._began_s
        failed = self._outcomes["failed"]
        if self._results and self._took.keys() | failed | self._skipped.keys():
            result = {
                "run": self._run,
                "passed": len(self._outcomes["passed"] - failed),
                "failed": sorted(failed),
                "skipped": self._skipped,
            }
            with Path(self._results).open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(result)}\n")
        self._keep(_TESTS, {test: round(s, 1) for test, s in self._took.items() if s >= _KEPT_FROM_S}, self._took)
        if self._has_whole_files:
            self._keep(_FILES, _by_file(self._took))
        if self._run:
            self._keep(_RUNS, {self._run: round(took_s)})

    def _show(self, now_s: float) -> None:
        # Not at the start: it is registered after this plugin.
        reporter: Any = self._plugins.get_plugin("terminalreporter")
        every_s = _EVERY_ON_A_TERMINAL_S if getattr(reporter, "isatty", False) else _EVERY_S
        if self._has_whole_files and reporter is not None and reporter._tw.width_of_current_line >= _LINE:
            reporter._tw.line()
        if reporter is None or now_s < self._shown_s + every_s:
            return
        self._shown_s = now_s
        if line := self._estimate.line(now_s):
            reporter.ensure_newline()
            # With pytest-xdist that does not end a line of dots.
            reporter.write_line(f"\n{line}" if reporter._tw.width_of_current_line else line)

    def _kept(self, key: str) -> dict[str, float]:
        kept = self._cache.get(key, {}) if self._cache else {}
        return kept if isinstance(kept, dict) else {}

    def _keep(self, key: str, new: Mapping[str, float], replaced: Iterable[str] = ()) -> None:
        if self._cache:
            kept = self._kept(key)
            for name in replaced:
                kept.pop(name, None)
            self._cache.set(key, {**kept, **new})


def _seconds_of(names: str, runs: Mapping[str, float]) -> float:
    return sum(runs.get(name, 0.0) for name in names.split())


def _by_file(took: Mapping[str, float]) -> dict[str, float]:
    files: dict[str, float] = {}
    for test, seconds in took.items():
        file = test.partition("::")[0]
        files[file] = files.get(file, 0.0) + seconds
    return {file: round(seconds, 1) for file, seconds in files.items()}


def _reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""


def pytest_configure(config: pytest.Config) -> None:
    """Add the plugin to a pytest that is not a worker of another."""
    if not hasattr(config, "workerinput"):
        ours = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
        config.pluginmanager.register(Progress(config, ours), "edgevoice-progress")
