"""A check of what speaks to other programs and machines, by what the running box says of it."""

from pathlib import Path

from edgevoice.doctor.findings import Finding, fine, skipped, wrong
from edgevoice.observers.status_file import NAME, Status


def examine_guests(folder: Path) -> Finding:
    """Look into the status that the box keeps in its cache folder."""
    return judge_guests(Status.read(folder / NAME))


def judge_guests(status: Status | None) -> Finding:
    """Judge what a running box says of its guests."""
    if status is None or not status.has_process():
        return skipped("guests", "no box runs", "Start the box to see whether other programs can reach it.")
    failing = [*status.failing()]
    if not failing:
        return fine("guests", "everything that speaks to other programs works")
    name, problem, remedy = failing[0]
    more = "".join(f"; {other} does not work either" for other, _, _ in failing[1:])
    return wrong("guests", f"{name} does not work: {problem}{more}", remedy)
