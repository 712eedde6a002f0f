"""Kitchen timers, kept in memory: a restart or a power cut loses them without notice."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from msgspec import Meta

from edgevoice.core.announcements import RingDue
from edgevoice.core.ports import Report
from edgevoice.errors import ToolRefused

TIMERS_AT_ONCE = 20
"""How many timers may run at a time."""

LONGEST_S = 86_400
"""The longest timer, in seconds: a day."""


class Handle(Protocol):
    """Handle of a scheduled call."""

    def cancel(self) -> Any:
        """Cancel the call."""
        ...


CallLater = Callable[[float, Callable[[], None]], Handle]
"""Calls a function in the loop's thread after that many seconds."""


def call_in_loop(seconds: float, act: Callable[[], None]) -> Handle:
    """Call ``act`` in the running loop after ``seconds``."""
    return asyncio.get_running_loop().call_later(seconds, act)


@dataclass(frozen=True, slots=True)
class _Timer:
    """A timer that was set for ``seconds``; ``handle`` cancels it."""

    seconds: int
    label: str
    handle: Handle

    def is_meant(self, seconds: int | None, label: str | None) -> bool:
        """Return whether it has this length and this label; ``None`` matches any."""
        is_of_length = seconds is None or seconds == self.seconds
        return is_of_length and (label is None or label.strip().casefold() == self.label.strip().casefold())


class Timers:
    """The running timers, and the tools ``set_timer`` and ``cancel_timers`` for them; only for the loop's thread."""

    def __init__(self, report: Report, *, call_later: CallLater = call_in_loop) -> None:
        self._report = report
        self._call_later = call_later
        self._running: dict[int, _Timer] = {}
        self._numbers = itertools.count()

    async def set_timer(
        self,
        seconds: Annotated[int, Meta(ge=1, le=LONGEST_S), "how long until it rings"],
        label: Annotated[str, Meta(max_length=80), "what it is for, when the user said so"] = "",
    ) -> dict[str, Any]:
        """Set a kitchen timer that rings after some seconds."""
        if len(self._running) >= TIMERS_AT_ONCE:
            raise ToolRefused(f"{TIMERS_AT_ONCE} timers are running already; cancel them first")
        number = next(self._numbers)
        self._running[number] = _Timer(seconds, label, self._call_later(seconds, lambda: self._ring(number)))
        return {"rings_in_seconds": seconds, "label": label, "timers_running": len(self._running)}

    async def cancel_timers(
        self,
        seconds: Annotated[int, Meta(ge=1, le=LONGEST_S), "cancel only timers that were set for so long"] | None = None,
        label: Annotated[str, Meta(max_length=80), "cancel only timers with this label"] | None = None,
    ) -> dict[str, Any]:
        """Cancel the kitchen timers that are running, all of them or only those of a length or label."""
        chosen = {number: timer for number, timer in self._running.items() if timer.is_meant(seconds, label)}
        self._cancel(chosen)
        labels = [timer.label for timer in chosen.values()]
        return {"cancelled": len(labels), "labels": labels}

    def close(self) -> None:
        """Cancel every timer."""
        self._cancel(dict(self._running))

    def _cancel(self, chosen: dict[int, _Timer]) -> None:
        for number, timer in chosen.items():
            timer.handle.cancel()
            del self._running[number]

    def _ring(self, number: int) -> None:
        del self._running[number]
        self._report(RingDue(number))
