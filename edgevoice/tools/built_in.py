"""The tools that every box has: time, volume, timers and alarms, what failed, and the end of the conversation."""

from collections.abc import Callable, Iterable
from typing import Any

from edgevoice.core.ports import Report
from edgevoice.tools.clock import clock_tool
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.reasons import Reasons, nothing_failed, reasons_tool
from edgevoice.tools.session import goodbye_tool
from edgevoice.tools.volume import Volume, volume_tool


def built_in(
    volume: Volume, report: Report, alarms: Iterable[Callable[..., Any]], reasons: Reasons = nothing_failed
) -> FunctionSource:
    """Return the source of these tools; they set ``volume`` and report facts.

    ``alarms`` are those of timers and alarms; ``reasons`` says what failed.
    """
    functions: tuple[Callable[..., Any], ...] = (
        clock_tool(),
        volume_tool(volume),
        *alarms,
        reasons_tool(reasons),
        goodbye_tool(report),
    )
    return FunctionSource(functions, name="built-in")
