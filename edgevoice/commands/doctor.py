"""`edgevoice doctor`: checks the box, line by line, and says how to fix what is wrong."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgevoice import journal
from edgevoice.doctor.bundle import require_place, write_bundle
from edgevoice.doctor.findings import SIGNS, Finding, FindingStatus, is_all_well
from edgevoice.doctor.plan import Examination
from edgevoice.doctor.probes import Machine
from edgevoice.doctor.service_manager import judge_manager, probe_manager

_STYLES = {
    FindingStatus.FINE: "green",
    FindingStatus.WRONG: "bold red",
    FindingStatus.DOUBTFUL: "yellow",
    FindingStatus.SKIPPED: "dim",
}


def examine(
    path: Path | None,
    *,
    quick: bool = False,
    volume_percent: int | None = None,
    bundle: Path | None = None,
    as_json: bool = False,
) -> int:
    """Check everything, print it, and write the support archive if asked to; return 1 if something is broken."""
    # The findings report what goes wrong below, so do not log it as well.
    journal.start("critical")
    if bundle is not None:
        require_place(bundle)
    machine = Machine()
    if not as_json:
        print("Checking the box." if quick else "Checking the box. It will whistle once; please be quiet meanwhile.")
        sys.stdout.flush()
    examination = Examination(path, os.environ, machine, with_sound=not quick, volume_percent=volume_percent)
    findings: list[Finding] = []
    for part in examination.parts():
        found = _with_the_service_as_it_was(part.findings, os.environ)
        findings += found
        if not as_json:
            show_part(found, part.follow)
    if bundle is not None:
        write_bundle(bundle, findings, path, os.environ, machine)
    status = 0 if is_all_well(findings) else 1
    if as_json:
        print(json.dumps({"is_fine": status == 0, "findings": [finding.data() for finding in findings]}))
    else:
        print(f"\n{summary(findings)}")
        if bundle is not None:
            print(f"\nWrote {bundle}, without keys, recordings and transcripts. Look through it before you send it.")
    return status


def _with_the_service_as_it_was(findings: list[Finding], environment: Mapping[str, str]) -> list[Finding]:
    """Return the findings; judge the service by its state before it was stopped for this, if that is known.

    On an installed box the command stops the service, because sound has one owner; SERVICE_BEFORE then contains the
    earlier output of systemctl show, with tabs between the lines.
    """
    before = environment.get("SERVICE_BEFORE")
    if not before:
        return findings
    judged = judge_manager(probe_manager(Machine(ask=lambda _command: before.replace("\t", "\n"))))
    return [judged if finding.name == judged.name else finding for finding in findings]


def show_part(findings: Sequence[Finding], follow: Sequence[str] = (), console: Console | None = None) -> None:
    """Print lines of the table: sign, name, finding, and below it what to do; then the names of what follows later."""
    console = console or Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        text = Text(finding.text)
        if finding.remedy:
            text.append(f"\n→ {finding.remedy}", style="dim" if finding.mark is FindingStatus.SKIPPED else "default")
        style = _STYLES[finding.mark]
        table.add_row(Text(SIGNS[finding.mark], style), Text(finding.name), text)
    console.print(table)
    if follow:
        console.print(Text(f"… {', '.join(follow)}: starting; the first time, that can take two minutes", "dim"))
    # Whoever waits for the rest reads this meanwhile.
    console.file.flush()


def summary(findings: Sequence[Finding]) -> str:
    """Return the last line: how many findings are broken, and how many doubtful."""
    counts = {mark: sum(finding.mark is mark for finding in findings) for mark in FindingStatus}
    parts = [f"{counts[FindingStatus.WRONG]} broken" if counts[FindingStatus.WRONG] else "Nothing is broken"]
    if counts[FindingStatus.DOUBTFUL]:
        parts.append(f"{counts[FindingStatus.DOUBTFUL]} worth a look")
    if counts[FindingStatus.SKIPPED]:
        parts.append(f"{counts[FindingStatus.SKIPPED]} not checked")
    return f"{', '.join(parts)}."
