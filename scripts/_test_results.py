#!/usr/bin/env python3
"""Say in one line how all runs of scripts/test ended, or name what failed.

    scripts/_test_results.py FILE SECONDS     # the last line; the status is that of scripts/test
    scripts/_test_results.py --failed FILE    # the tests that failed, one a line

FILE has a line of JSON for each run of pytest (tests/progress.py). What failed and then passed alone is no success: it
depends on the order, on time or on chance, which is a fault of the test or of what it tests.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

AGAIN = "again"
"""The name of the run in which those that failed get their second try."""

FAILED, TO_BE_LOOKED_INTO = 1, 75


def failed(runs: Iterable[dict[str, Any]]) -> list[str]:
    """Return the tests that failed in their first try."""
    return sorted({test for run in runs if run["run"] != AGAIN for test in run["failed"]})


def told(runs: list[dict[str, Any]], seconds: int) -> tuple[str, int]:
    """Return the last lines of scripts/test and its status."""
    first = failed(runs)
    again = [run for run in runs if run["run"] == AGAIN]
    late = [test for test in first if again and not any(test in run["failed"] for run in again)]
    passed = sum(run["passed"] for run in runs if run["run"] != AGAIN)
    skipped = {test: why for run in runs for test, why in run["skipped"].items()}
    end_to_end = {test: why for test, why in skipped.items() if test.startswith("tests/e2e/")}
    lines = [f"passed only on a second try: {test}" for test in late]
    lines += [f"failed: {test}" for test in first if test not in late]
    lines += [f"not run, though end to end: {test}: {why}" for test, why in sorted(end_to_end.items())]
    # Nothing at all ran: a run that was ended, or one that was asked for no test that there is.
    status = FAILED if len(first) > len(late) or not passed + len(late) else TO_BE_LOOKED_INTO if late else 0
    verdict = {0: "all passed", FAILED: "FAILED", TO_BE_LOOKED_INTO: "TO BE LOOKED INTO"}[status]
    lines.append(
        f"=== {verdict}: {passed} tests passed, {len(first) - len(late)} failed, "
        f"{len(late)} passed only on a second try, "
        f"{len(skipped)} skipped ({len(end_to_end)} of them end to end), in {seconds // 60} min {seconds % 60} s"
    )
    return "\n".join(lines), status


def read(file: Path) -> list[dict[str, Any]]:
    """Return the results of every run."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main(arguments: list[str]) -> int:
    """Print what was asked for and return the status."""
    if arguments[0] == "--failed":
        for test in failed(read(Path(arguments[1]))):
            print(test)
        return 0
    lines, status = told(read(Path(arguments[0])), int(arguments[1]))
    print(f"\n{lines}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
