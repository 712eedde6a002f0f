"""Timers, alarms and reminders as programs and the live page handle them: by the model's tools, or by number."""

import json
from typing import Any, Final

from edgevoice.alarms.keeper import Keeper
from edgevoice.alarms.rings import RingKind
from edgevoice.alarms.tools import NumberedAlarmTools
from edgevoice.box.tools_by_hand import use_tool
from edgevoice.control.messages import Refused
from edgevoice.tools.functions import FunctionSource

_TIMERS: Final = frozenset({RingKind.TIMER})
_KINDS_OF: Final = {
    "change_timer": _TIMERS,
    "pause_timer": _TIMERS,
    "resume_timer": _TIMERS,
    "cancel_timers": _TIMERS,
    "cancel_alarms": frozenset({RingKind.ALARM, RingKind.REMINDER}),
}
"""The actions that may name one by its number, and what kinds they are for."""


class TimersByHand:
    """Lists what is set, with numbers, and carries out the tools' actions; what they change is the ``keeper``'s."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._source = FunctionSource(NumberedAlarmTools(keeper).functions())

    async def carry_out(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what a program wants. With an ``id`` an action is for exactly that one. Raises ``Refused``."""
        if action == "list":
            timers, alarms = [await use_tool(self._source, f"list_{kind}", arguments) for kind in ("timers", "alarms")]
            return {"timers": timers, "alarms": alarms}
        if "id" in arguments and (kinds := _KINDS_OF.get(action)) is not None:
            return {"result": await self._on_one(action, kinds, **arguments)}
        return {"result": await use_tool(self._source, action, arguments)}

    async def _on_one(self, action: str, kinds: frozenset[RingKind], id: Any, **rest: Any) -> Any:  # noqa: A002
        there = {ring.ring_id for ring in await self._keeper.rings() if ring.kind in kinds}
        if type(id) is not int or id not in there:
            kind = "timer" if kinds == _TIMERS else "alarm or reminder"
            raise Refused("not-possible", f"no {kind} has the id {json.dumps(id)}", "List them again.")
        if action.startswith("cancel"):
            # Right after a ring, nothing named means what rang.
            rest["everything"] = True
        return await use_tool(FunctionSource(NumberedAlarmTools(self._keeper, only=id).functions()), action, rest)
