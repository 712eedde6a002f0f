"""Minutes: how long sessions were open today, kept in a file through restarts. It decides nothing."""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edgevoice.core.facts import BudgetTold, LinkLost
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import CloseLink
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

FILE_NAME: Final = "minutes.json"

TICK_S: Final = 30.0
"""How often they are written and told while a session is open: what a power cut may lose, what midnight waits for."""

_MOST_DAYS: Final = 8
_LARGEST_BYTES: Final = 4096

_Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_Seconds = Annotated[float, Meta(ge=0, le=100_000)]
_decoder = msgspec.json.Decoder(dict[_Day, _Seconds])


class Minutes:
    """An observer that counts the seconds in which a session is open, by the date on which they pass.

    Each date has its own count: a clock that is put back finds the day as it left it, one that was far ahead leaves
    nothing behind that matters, and neither gives nor takes more than the days it shows. ``daily_minutes`` is the
    limit, 0 for none. ``today`` gives the local date, ``clock`` monotonic seconds, the observers' own.
    """

    def __init__(
        self,
        folder: Path,
        daily_minutes: float,
        *,
        today: Callable[[], date] = date.today,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = folder / FILE_NAME
        self._limit_s = 60 * daily_minutes
        self._today = today
        self._clock = clock
        self._days = _read(self._file)
        self._since: float | None = None
        self._is_written = True
        self._is_failing = False
        self._ended = asyncio.Event()
        # A stop does not wait for the thread that still writes, and has the last word to write itself.
        self._writing = threading.Lock()
        self._report: Callable[[BudgetTold], None] = _tell_nobody

    @property
    def today_s(self) -> float:
        """The seconds of today so far, those of the session that is open now among them."""
        running = self._clock() - self._since if self._since is not None else 0.0
        return self._days.get(self._today().isoformat(), 0.0) + running

    def __call__(self, notice: Notice, now: float) -> None:
        """Take what happened: a session is open from the first time that the box listens until it is closed or lost."""
        match notice:
            case PhaseEntered(phase="listening") if self._since is None:
                self._since = now
                self._tell()
            case CloseLink() | LinkLost() if self._since is not None:
                self._count(now)
                self._since = None
                self._tell()
                self._ended.set()
            case _:
                pass  # of no price

    async def run(self, report: Callable[[BudgetTold], None]) -> None:
        """Tell what is left now, with each tick, and when a session has ended; and write what was counted."""
        self._report = report
        self._tell()
        try:
            while True:
                # Not wait_for: before Python 3.12 it may swallow a cancellation, and the box would not stop.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._ended.wait()
                self._ended.clear()
                self._count(self._clock())
                self._tell()
                await self._write()
        finally:
            self._report = _tell_nobody
            self._count(self._clock())
            if not self._is_written:
                self._put(msgspec.json.encode(self._days))

    def _count(self, now: float) -> None:
        if self._since is None:
            return
        passed_s, self._since = max(0.0, now - self._since), now
        day = self._today().isoformat()
        # The day of last use goes to the end: those at the front are the ones to be forgotten.
        self._days[day] = self._days.pop(day, 0.0) + passed_s
        while len(self._days) > _MOST_DAYS:
            del self._days[next(iter(self._days))]
        self._is_written = self._is_written and passed_s == 0

    def _tell(self) -> None:
        if self._limit_s > 0:
            self._report(BudgetTold(self._limit_s - self.today_s))

    async def _write(self) -> None:
        if not self._is_written:
            # A card may take a second to write anything, and the loop has sound to move.
            self._is_written = True
            await asyncio.to_thread(self._put, msgspec.json.encode(self._days))

    def _put(self, content: bytes) -> None:
        try:
            with self._writing:
                _replace(self._file, content)
            self._is_failing = False
        except OSError as error:
            self._is_written = False
            if not self._is_failing:
                # Once, not with every tick: a disk may be full for weeks. Until a restart the count goes on in memory.
                why = error.strerror or error
                problem = f"{self._file} cannot be written: {why}; a restart forgets today's minutes"
                tell(_log, logging.WARNING, "minutes", problem=problem)
            self._is_failing = True


def _tell_nobody(_fact: BudgetTold) -> None:
    """Stand in while the box does not run."""


def _read(file: Path) -> dict[str, float]:
    """Return the seconds by day; a file that is not what was written counts as none, and one line says so."""
    try:
        with file.open("rb") as opened:
            return _decoder.decode(opened.read(_LARGEST_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        tell(_log, logging.WARNING, "minutes", problem=f"{file} cannot be read, today counts from nothing: {error}")
        return {}


def _replace(file: Path, content: bytes) -> None:
    """Write a file so that whoever reads it, also after a power cut, finds the old one or the new one, and whole."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        temporary.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
