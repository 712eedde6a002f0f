"""Resting: the service inside the box runs while it is used, and ten minutes longer; idle, it takes no memory.

Only where it starts quickly: it is started at the wake word, and the words that follow hide the start. Where loading
takes longer than anybody waits for an answer, it is started with the box, and stays.
"""

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import Final, Protocol

from edgevoice import threads
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.journal import tell
from edgevoice.store.files import write_whole

_log = logging.getLogger(__name__)

KEPT_S: Final = 600.0
"""How long the child is kept after its last use: another question often follows within minutes."""

_QUICK_S: Final = 3.0
"""A child that loads within this time is ready when the first sentence is over."""


class Sleeper(Protocol):
    """What is needed of the service's process; see ``local.process.LocalServiceProcess``."""

    loaded_s: float
    asked_at: float

    async def ensure(self) -> None:
        """Start the child unless it runs; return when it accepts connections."""
        ...

    async def rest(self) -> None:
        """End the child."""
        ...


class Resting(Observer):
    """Starts and ends the service's process. ``record`` is where the seconds of its last start are kept."""

    def __init__(self, process: Sleeper, record: Path) -> None:
        self._process = process
        self._record = record
        self._wanted = asyncio.Event()
        self._is_idle = True
        self._idle_since = 0.0

    def observe(self, notice: Notice, now: float) -> None:
        """Note when the box is woken, and when it is idle again."""
        if isinstance(notice, PhaseEntered):
            self._is_idle = notice.phase is Phase.IDLE
            self._idle_since = now
            if not self._is_idle:
                self._wanted.set()

    async def run(self, _report: Report) -> None:
        """Start the child when it is needed, end it when it was not for long; until cancelled."""
        if not self._is_quick():
            # How long it takes here is not known yet, or is too long to wait for.
            await self._start()
            if not self._is_quick():
                return
            self._idle_since = time.monotonic()
            await self._end_when_idle()
        while True:
            await self._wanted.wait()
            await self._start()
            await self._end_when_idle()

    def _is_quick(self) -> bool:
        try:
            return float(self._record.read_text(encoding="ascii")) <= _QUICK_S
        except (OSError, ValueError):
            return False

    async def _start(self) -> None:
        try:
            await self._process.ensure()
        except LocalServiceUnavailable as error:
            # The box keeps running: it rings its timers, and the fault light says the same when somebody speaks to it.
            tell(_log, logging.ERROR, "local-service", code=error.code, problem=error.line())
            return
        # If the folder cannot be written, the child stays, as if it were slow.
        seconds = f"{self._process.loaded_s:.2f}".encode()
        with contextlib.suppress(OSError):
            await threads.run(lambda: write_whole(self._record, seconds), name="local-service")

    async def _end_when_idle(self) -> None:
        while True:
            used_at = max(self._idle_since, self._process.asked_at)
            left_s = used_at + KEPT_S - time.monotonic()
            if self._is_idle and left_s <= 0:
                break
            await asyncio.sleep(max(left_s, 1.0))
        self._wanted.clear()
        await self._process.rest()
