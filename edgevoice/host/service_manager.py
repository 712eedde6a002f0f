"""Notifies systemd: ready, current state, alive, stopping. Does nothing without systemd."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import Light, ShowLight
from edgevoice.core.ports import Observer
from edgevoice.host.notifications import Notifications

_LOOK_AGAIN_S = 1.0


class ServiceManager(Observer):
    """Talks to ``NOTIFY_SOCKET``; as an observer it shows the phase in ``systemctl status``."""

    def __init__(self) -> None:
        self._notifications = Notifications()
        self._shown = ""
        self._status = ""
        self._phase = ""
        self._remark = ""

    def observe(self, notice: Notice, _now: float) -> None:
        """Show what changed: the phase, or why the fault light is on."""
        match notice:
            case PhaseEntered(phase=phase):
                self._phase = phase
                self.show_status(phase)
            case ShowLight(light=Light.FAULT, reason=reason):
                self.show_status(f"fault: {reason}")
            case ShowLight():
                self.show_status(self._phase)
            case _:
                pass  # not relevant to a status line

    def ready(self) -> None:
        """Report that the start is over and the box idle; a fault that is shown already stays."""
        self._notifications.send("READY=1")
        # If a fault ends before the first conversation, there must be a phase to show again.
        self._phase = self._phase or "idle"
        if not self._status:
            self.show_status(self._phase)

    def reload(self, work: Callable[[], str]) -> str:
        """Run the work of a reload between the notifications of its beginning and end, as notify-reload requires.

        Returns the text that the work returns. It follows every status from then on, until a reload returns nothing.
        """
        self._notifications.send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self._remark = work()
        self._notifications.send("READY=1")
        self.show_status(self._status)
        return self._remark

    def stopping(self) -> None:
        """Report that the box is stopping."""
        self._notifications.send("STOPPING=1")

    def show_status(self, status: str) -> None:
        """Show a line in ``systemctl status``; it must contain no secret and nothing that anybody said."""
        self._status = status
        shown = "; ".join(part for part in (status, self._remark) if part)
        if shown != self._shown:
            self._shown = shown
            self._notifications.send(f"STATUS={shown}")

    async def feed_watchdog(self, proofs: Callable[[], tuple[float, ...]], freshness_s: float = 3.0) -> None:
        """Feed the watchdog at half its period, as its manual advises; without one, return.

        ``proofs`` return the monotonic time of the last sign of life of each part that must be alive. The watchdog is
        fed only while none of them is older than ``freshness_s``: a box that no longer hears is restarted, even if its
        light looks fine. A silent part is checked again every second: it may recover long before the next feeding.
        """
        interval_s = watchdog_interval_s(os.environ)
        while interval_s is not None:
            now = time.monotonic()
            is_alive = all(now - proof <= freshness_s for proof in proofs())
            is_fed = is_alive and self._notifications.send("WATCHDOG=1")
            await asyncio.sleep(interval_s if is_fed else min(_LOOK_AGAIN_S, interval_s))


def watchdog_interval_s(environment: Mapping[str, str]) -> float | None:
    """Return half of the watchdog period in seconds, or ``None`` without one, by sd_watchdog_enabled(3)."""
    period_us = environment.get("WATCHDOG_USEC", "")
    owner = environment.get("WATCHDOG_PID", str(os.getpid()))
    if not period_us.isdigit() or int(period_us) == 0 or owner != str(os.getpid()):
        return None
    return int(period_us) / 1e6 / 2
