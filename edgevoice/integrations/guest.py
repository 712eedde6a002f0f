"""Guest: runs an observer that must never disturb the box. If it fails, that is logged by name, and it starts again."""

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Final

from edgevoice.core.backoff import Backoff
from edgevoice.core.facts import Event
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import EdgevoiceError, can_pass
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_AGAIN: Final = Backoff(first_s=1, factor=3, limit_s=300)
_SETTLED_S: Final = 600.0
"""How long a guest must have run for its next failure to count as the first."""

_WORKS_S: Final = 2.0
"""How long one that had failed must have run to be said to work again; what cannot be opened fails at once."""


class Guest(Observer):
    """An observer around one that may fail: ``make`` returns a new one for each start. Reports when it fails.

    A guest whose ``run`` returns has nothing to do and is not started again, nor is one that only a person can help: a
    package or a secret is missing. Between a failure and the next start it sees nothing. ``chance`` returns numbers
    from 0 to 1 for jitter.

    A guest may report its own `GuestFailed` while it runs, and `GuestRestored` whenever it works. Whether that is news
    is decided here, together with its failures. One that ``proves_itself`` is not taken to work until it says so.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Observer],
        chance: Callable[[], float] = random.random,
        *,
        proves_itself: bool = False,
    ) -> None:
        self._name = name
        self._make = make
        self._chance = chance
        self._proves_itself = proves_itself
        self._inside: Observer | None = None
        self._failed = asyncio.Event()
        self._failure: Exception | None = None
        self._is_broken = False
        self._begin()

    def observe(self, notice: Notice, now: float) -> None:
        """Show the guest what happened; one that fails sees nothing more until it has been started again."""
        if self._inside is None:
            return
        try:
            self._inside.observe(notice, now)
        except Exception as error:  # noqa: BLE001 - a guest: whatever it raises, the conversation goes on
            self._inside, self._failure = None, error
            self._failed.set()

    async def run(self, report: Report) -> None:
        """Run the guest, and start it again after growing delays whenever it fails."""
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            began = loop.time()
            error = await self._run_once(partial(self._take, report))
            if error is None:
                self._take(report, GuestRestored(self._name))
                return
            self._inside = None
            self._take(report, _report_of(self._name, error))
            if isinstance(error, EdgevoiceError) and not can_pass(error):
                tell(_log, logging.ERROR, "guest-off", guest=self._name, code=error.code, problem=error.line())
                return
            tries = 0 if loop.time() - began >= _SETTLED_S else tries
            delay_s = _AGAIN.delay_s(tries, self._chance)
            problem = error.line() if isinstance(error, EdgevoiceError) else type(error).__name__
            tell(_log, logging.ERROR, "guest-failed", guest=self._name, again_in_s=round(delay_s, 1), problem=problem)
            await asyncio.sleep(delay_s)
            tries += 1
            self._failed.clear()
            self._failure = None
            self._begin()

    def _take(self, report: Report, fact: Event) -> None:
        """Report a fact, the guest's own or ours about it; that it works is news only if it had failed."""
        match fact:
            case GuestFailed():
                self._is_broken = True
            case GuestRestored() if not self._is_broken:
                return
            case GuestRestored():
                self._is_broken = False
            case _:
                pass
        report(fact)

    def _begin(self) -> None:
        try:
            self._inside = self._make()
        except Exception as error:  # noqa: BLE001 - as in `observe`
            self._failure = error

    async def _run_once(self, report: Report) -> Exception | None:
        """Run the guest until it ends; return why it failed, ``None`` if it has nothing more to do."""
        if self._inside is None:
            return self._failure
        running = asyncio.ensure_future(self._inside.run(report))
        failing = asyncio.ensure_future(self._failed.wait())
        both = {running, failing}
        try:
            if self._is_broken and not self._proves_itself:
                done, _ = await asyncio.wait(both, timeout=_WORKS_S, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    report(GuestRestored(self._name))
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                return self._failure
            return _failure_of(running)
        finally:
            for task in (running, failing):
                task.cancel()
            await asyncio.gather(running, failing, return_exceptions=True)


def _report_of(name: str, error: Exception) -> GuestFailed:
    if isinstance(error, EdgevoiceError):
        return GuestFailed(name, error.code, str(error), error.remedy)
    # By name only: the text may hold what was said.
    return GuestFailed(name, EdgevoiceError.code, type(error).__name__, EdgevoiceError.remedy)


def _failure_of(running: "asyncio.Future[None]") -> Exception | None:
    if running.cancelled():
        return RuntimeError("cancelled")
    error = running.exception()
    return error if error is None or isinstance(error, Exception) else RuntimeError(type(error).__name__)
