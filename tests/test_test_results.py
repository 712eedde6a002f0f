"""scripts/_test_results.py: the last line of scripts/test and its status."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).resolve().parents[1] / "scripts" / "_test_results.py"))
GOOD, BAD = "tests/test_a.py::good", "tests/test_a.py::bad"


def run(name: str, passed: int, *failed: str) -> dict[str, Any]:
    return {"run": name, "passed": passed, "failed": list(failed), "skipped": {}}


@pytest.mark.parametrize(
    ("runs", "status", "counts"),
    [
        ([run("quick", 9), run("sound", 1)], 0, "all passed: 10 tests passed, 0 failed, 0 "),
        ([run("quick", 9, BAD)], 1, "FAILED: 9 tests passed, 1 failed, 0 "),
        ([run("quick", 9, BAD), run("again", 0, BAD)], 1, "FAILED: 9 tests passed, 1 failed, 0 "),
        ([run("quick", 0, BAD), run("again", 1)], 75, "TO BE LOOKED INTO: 0 tests passed, 0 failed, 1 "),
        ([run("quick", 9, BAD, GOOD), run("again", 1, BAD)], 1, "FAILED: 9 tests passed, 1 failed, 1 "),
        ([], 1, "FAILED: 0 tests passed, 0 failed, 0 "),
    ],
    ids=["good", "bad", "twice bad", "flaky", "one of each", "nothing"],
)
def test_only_a_test_that_passed_at_once_is_a_success(runs: list[dict[str, Any]], status: int, counts: str) -> None:
    told: Callable[[list[dict[str, Any]], int], tuple[str, int]] = SCRIPT["told"]

    lines, ended = told(runs, 130)

    assert ended == status
    assert lines.splitlines()[-1].startswith(f"=== {counts}passed only on a second try, ")
    assert lines.endswith(", in 2 min 10 s")
