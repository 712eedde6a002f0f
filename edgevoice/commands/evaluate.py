"""`edgevoice eval`: grades a model or a voice by scenarios, and shows what came out of it."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from rich.console import Console
from rich.table import Table

from edgevoice.errors import EdgevoiceError, SettingsInvalid, StorageUnavailable
from edgevoice.grading.grades import NAME as GRADES_NAME
from edgevoice.grading.grades import read_grades
from edgevoice.grading.report import GradingReport, figure, rows, share, side_by_side, summary
from edgevoice.grading.scenario_file import SHIPPED, ScenariosInvalid, read
from edgevoice.grading.scenarios import Suite
from edgevoice.grading.verdict import averages
from edgevoice.host.credentials import find_judge_key, find_key
from edgevoice.journal import start as start_journal
from edgevoice.settings.file import load
from edgevoice.store.folders import state_folder
from edgevoice.testbed.grading.hold import GradedService, grade

EXIT_INVALID: Final = os.EX_DATAERR
EXIT_NOT_HELD: Final = os.EX_UNAVAILABLE
"""0, 1 and 2 are verdicts, so a run without one ends with a status of sysexits.h."""

_MEASURED_LIVE: Final = ("time_to_sound", "cut_to_silence", "cost")

Via = Literal["library", "card"]


def evaluate(
    path: Path | None,
    config: Path | None,
    *,
    compare: tuple[str, str] | None,
    via: Via | None,
    repeats: int,
    as_json: bool,
) -> int:
    """Hold the scenarios and show the report; return the verdict's status, or one of sysexits.h without a verdict."""
    start_journal("warning")
    try:
        if compare is None:
            report = _run(path, config, {}, "", via=via, repeats=repeats)
            _show(report, as_json=as_json)
            return report.exit_status
        a, b = (_side(each, path, config, via=via, repeats=repeats) for each in compare)
        _show_both(a, b, as_json=as_json)
    except (ScenariosInvalid, SettingsInvalid) as error:
        print(error.line(), file=sys.stderr)
        return EXIT_INVALID
    except EdgevoiceError as error:
        print(error.line(), file=sys.stderr)
        return EXIT_NOT_HELD
    # A is what there is, B what may replace it.
    return b.exit_status


def show_live(*, as_json: bool) -> int:
    """Show the averages of the scores of real conversations."""
    folder = state_folder(os.environ)
    try:
        entries = read_grades(folder)
    except FileNotFoundError:
        entries = []
    except OSError as error:
        raise StorageUnavailable.of(f"{folder / GRADES_NAME} cannot be read", error) from error
    found = averages((score for entry in entries for score in entry.scores), only_measure=_MEASURED_LIVE)
    if as_json:
        print(msgspec.json.encode({"conversations": len(entries), "averages": list(found.values())}).decode())
    elif not entries:
        print("No conversation has been scored: set grading.rate, such as 0.1, and restart the box.")
    else:
        console = Console(soft_wrap=True, highlight=False, markup=False)
        table = Table("scorer", "score", "measured", "conversations", box=None, pad_edge=False)
        for average in found.values():
            measured = figure(average.figure, average.unit)
            table.add_row(average.scorer, share(average.value), measured, str(average.count - average.missing))
        console.print(table)
        console.print(f"\n{len(entries)} conversations, from {entries[0].at} to {entries[-1].at}")
    return 0


def show_shipped() -> int:
    """Print the scenarios that come with the program, to be copied and changed."""
    print(SHIPPED.read_text(encoding="utf-8"), end="")
    return 0


def _side(side: str, path: Path | None, config: Path | None, *, via: Via | None, repeats: int) -> GradingReport:
    """Return the report of one side: of a file that --json wrote, or of a run with changed settings of the service."""
    if "=" not in side:
        return _report_in(Path(side))
    return _run(path, config, _changes(side), side, via=via, repeats=repeats)


def _changes(side: str) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for each in side.split(","):
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise ScenariosInvalid(
                f"--compare {side}: {each!r} is not a setting", remedy="Write it as model=NAME or voice=NAME."
            )
        try:
            changes[name.strip()] = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            changes[name.strip()] = value.strip()
    return changes


def _report_in(path: Path) -> GradingReport:
    try:
        last = path.read_bytes().strip().rpartition(b"\n")[2]
        report = msgspec.json.decode(last, type=GradingReport)
    except OSError as error:
        raise ScenariosInvalid(
            f"--compare {path}: {error.strerror}",
            remedy="Name a file that --json wrote, or settings of the service, such as model=NAME.",
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ScenariosInvalid(
            f"{path} does not end with a report", remedy="Write one: edgevoice eval --json > FILE"
        ) from None
    return msgspec.structs.replace(report, label=report.label or path.name)


def _run(
    path: Path | None, config: Path | None, changes: Mapping[str, Any], label: str, *, via: Via | None, repeats: int
) -> GradingReport:
    suite = read(path or SHIPPED)
    settings = load(config, os.environ).settings.service
    service = GradedService(settings=settings, key=find_key(settings, os.environ), label=label)
    if changes:
        # What the command line names counts more than what the file of scenarios does.
        suite = msgspec.structs.replace(suite, service={**suite.service, **changes})
    held = grade(suite, service, via=via, repeats=repeats, judge_key=_judge_key(suite), tell=_tell)
    return asyncio.run(held)


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        print(line, file=sys.stderr)


def _judge_key(suite: Suite) -> str:
    if suite.judge is None or not suite.uses("judge"):
        return ""
    return find_judge_key(suite.judge.url, os.environ)


# --- showing ---------------------------------------------------------------------------------------------------------


def _show(report: GradingReport, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(report).decode())
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    table = Table("scenario", "scorer", "score", "measured", "", box=None, pad_edge=False)
    before = ""
    for scenario, *cells in rows(report):
        table.add_row("" if scenario == before else scenario, *cells)
        before = scenario
    who = f"{report.model}, {report.voice}: " if report.model else ""
    console.print(f"{who}{report.service}\n")
    console.print(table)
    console.print()
    for line in (*_measured(report), summary(report)):
        console.print(line)


def _show_both(a: GradingReport, b: GradingReport, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode({"a": a, "b": b}).decode())
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    table = Table("", f"A: {a.label}", "", f"B: {b.label}", "", box=None, pad_edge=False)
    for row in side_by_side(a, b):
        table.add_row(*row)
    table.add_row("verdict", a.verdict or "-", "", b.verdict or "-", "")
    console.print(table)
    console.print()
    for name, report in (("A", a), ("B", b)):
        console.print(f"{name}: {summary(report)}")


def _measured(report: GradingReport) -> list[str]:
    return [f"Times {how}." for how in report.measured.values()]
