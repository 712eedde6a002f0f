"""A check of what failed lately, by the box's own record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edgevoice.doctor.findings import Finding, doubtful, fine
from edgevoice.observers.failures import Failure
from edgevoice.observers.flight_recorder import NAME, read_failures
from edgevoice.wall_clock import local_now

_LATELY: Final = timedelta(days=1)


def examine_failures(folder: Path) -> Finding:
    """Look into the box's record in its cache folder."""
    return judge_failures(read_failures(folder / NAME), local_now())


def judge_failures(failures: Sequence[Failure], now: datetime) -> Finding:
    """Judge the failures, oldest first: those of the last day count."""
    lately = [each for each in failures if _is_lately(each, now)]
    if not lately:
        return fine("failures", "none in the last 24 hours")
    last = lately[-1]
    at = datetime.fromisoformat(last.at).astimezone(now.tzinfo)
    more = f" ({len(lately)} failures in the last 24 hours: `edgevoice why`)" if len(lately) > 1 else ""
    return doubtful("failures", f"{at:%H:%M}: {last.sentence()}{more}", last.remedy)


def _is_lately(failure: Failure, now: datetime) -> bool:
    try:
        return now - _LATELY <= datetime.fromisoformat(failure.at) <= now
    except (ValueError, TypeError):
        return False
