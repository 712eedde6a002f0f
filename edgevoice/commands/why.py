"""`edgevoice why`: what failed last, why, and what to do, whether the box runs or not."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from edgevoice.observers.failures import Failure
from edgevoice.observers.flight_recorder import NAME, read_failures
from edgevoice.store.folders import cache_folder
from edgevoice.wall_clock import local_now

SERVICE_FILE: Final = Path("/var/cache/edgevoice") / NAME
"""The file of a box that is installed as a service, in the unit's CacheDirectory=."""


def show(*, most: int, with_trail: bool, as_json: bool) -> int:
    """Print the last failures, newest first; return the exit status."""
    found = newest(os.environ)[:most]
    if as_json:
        print(json.dumps({"failures": [asdict(each) for each in found]}, ensure_ascii=False))
    else:
        print("\n".join(lines_of(found, with_trail=with_trail)) or "Nothing has failed lately.")
    return 0


def newest(environment: Mapping[str, str]) -> list[Failure]:
    """Return the failures of the service, else of this user's own box, newest first."""
    found = read_failures(SERVICE_FILE) or read_failures(cache_folder(environment) / NAME)
    return found[::-1]


def lines_of(failures: Sequence[Failure], *, with_trail: bool) -> list[str]:
    """Return failures as lines for a person, each with its remedy; ``with_trail``: and what happened before it."""
    lines: list[str] = []
    for failure in failures:
        lines.append(f"{time_of(failure)}: {failure.sentence()}")
        if with_trail:
            lines += [f"    {seconds:6.1f} s before: {what}" for seconds, what in failure.trail]
        lines.append(f"    → {failure.remedy}")
    return lines


def time_of(failure: Failure) -> str:
    """Return when something failed: the time alone for today, else with the date."""
    try:
        at = datetime.fromisoformat(failure.at).astimezone()
    except ValueError:
        return "at an unknown time"
    return f"{at:%H:%M}" if at.date() == local_now().date() else f"{at:%Y-%m-%d %H:%M}"
