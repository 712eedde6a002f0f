"""The tools that every box has: time, volume, kitchen timers, what failed, and the end of the conversation."""

from edgevoice.core.ports import Report
from edgevoice.tools.clock import clock_tool
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.reasons import Reasons, nothing_failed, reasons_tool
from edgevoice.tools.session import goodbye_tool
from edgevoice.tools.timers import Timers
from edgevoice.tools.volume import Volume, volume_tool


def built_in(volume: Volume, report: Report, reasons: Reasons = nothing_failed) -> FunctionSource:
    """Return the source of these tools; they set ``volume`` and report facts; ``reasons`` says what failed."""
    timers = Timers(report)
    functions = (
        clock_tool(),
        volume_tool(volume),
        timers.set_timer,
        timers.cancel_timers,
        reasons_tool(reasons),
        goodbye_tool(report),
    )
    return FunctionSource(functions, name="built-in")
