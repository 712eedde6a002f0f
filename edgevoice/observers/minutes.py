"""Minutes: how long sessions were open today, kept in a file across restarts. Decides nothing."""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import BudgetTold, LinkLost
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import CloseLink
from edgevoice.core.ports import Observer
from edgevoice.journal import tell
from edgevoice.store.files import DAMAGED, locked, write_whole
from edgevoice.threads import run as run_in_thread
from edgevoice.wall_clock import local_today

_log = logging.getLogger(__name__)

FILE_NAME: Final = "minutes.json"

TICK_S: Final = 30.0
"""How often they are saved and reported in a session: a power cut loses that much, midnight is late by as much."""

_MOST_DAYS: Final = 8
_MOST_SECONDS: Final = 1_000_000
"""More than a dozen programs could count in a day of 86,400 s."""
_LARGEST_BYTES: Final = 4096

_Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
_Seconds = Annotated[float, Meta(ge=0, le=_MOST_SECONDS)]
_decoder = msgspec.json.Decoder(dict[_Day, _Seconds])


class Ledger:
    """Seconds by day, in a file to which several programs add: `edgevoice talk` may run beside the service.

    Added seconds stay here until they are saved: then the file is read, added to and replaced, under a lock.
    Any thread may call it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._is_unreadable = False
        self._is_failing = False
        self._written: dict[str, float] = {}
        self._unwritten: dict[str, float] = {}
        # Two locks: counting must not wait for a disk.
        self._counting = threading.Lock()
        self._writing = threading.Lock()
        self._written = self._read()

    def seconds_of(self, day: str) -> float:
        """Return the seconds of a day from all programs, as of the last time that this program read the file."""
        with self._counting:
            return self._written.get(day, 0.0) + self._unwritten.get(day, 0.0)

    def add(self, day: str, seconds: float) -> None:
        """Add to a day; values that are not positive are ignored."""
        if not seconds > 0:
            return
        with self._counting:
            _add(self._unwritten, day, seconds)

    def write(self) -> None:
        """Save what was added, and read what others have added; blocks. A failing disk is logged once."""
        with self._writing:
            with self._counting:
                added = dict(self._unwritten)
            try:
                days = self._exchange(added)
                self._is_failing = False
            except OSError as error:
                self._complain(error)
                return
            with self._counting:
                self._written = days
                # What was added meanwhile waits for the next time.
                rest = {day: seconds - added.get(day, 0.0) for day, seconds in self._unwritten.items()}
                self._unwritten = {day: seconds for day, seconds in rest.items() if seconds > 0}

    def _exchange(self, added: dict[str, float]) -> dict[str, float]:
        if not added:
            return self._read()
        with locked(self._file.parent):
            days = self._read()
            for day, seconds in added.items():
                _add(days, day, seconds)
            write_whole(self._file, msgspec.json.encode(days), is_durable=True)
        return days

    def _read(self) -> dict[str, float]:
        """Return the seconds by day; the previous values if the file is missing or damaged."""
        try:
            with self._file.open("rb") as opened:
                days = _decoder.decode(opened.read(_LARGEST_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            return dict(self._written)
        except (OSError, *DAMAGED) as error:
            if not self._is_unreadable:
                problem = f"{self._file} cannot be read, so its count is lost: {error}"
                tell(_log, logging.WARNING, "minutes", problem=problem)
            self._is_unreadable = True
            return dict(self._written)
        self._is_unreadable = False
        return days

    def _complain(self, error: OSError) -> None:
        if not self._is_failing:
            # Once, not with every tick: a disk may be full for weeks. Until a restart the count continues in memory.
            why = error.strerror or error
            problem = f"{self._file} cannot be written: {why}; a restart will lose today's minutes"
            tell(_log, logging.WARNING, "minutes", problem=problem)
        self._is_failing = True


def _add(days: dict[str, float], day: str, seconds: float) -> None:
    """Add to a day and forget the oldest: the day used last moves to the end, and days at the front are dropped."""
    days[day] = min(days.pop(day, 0.0) + seconds, _MOST_SECONDS)
    while len(days) > _MOST_DAYS:
        del days[next(iter(days))]


class Minutes(Observer):
    """An observer that counts the seconds in which a session is open, by the date on which they pass.

    Each date has its own count, so a clock that is set back finds the day as it left it, one that was far ahead does no
    harm, and neither affects other days. ``daily_minutes`` is the limit, 0 for none. ``today`` returns the local date,
    ``clock`` monotonic seconds on the observers' clock.
    """

    def __init__(
        self,
        folder: Path,
        daily_minutes: float,
        *,
        today: Callable[[], date] = local_today,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = Ledger(folder / FILE_NAME)
        self._limit_s = 60 * daily_minutes
        self._today = today
        self._clock = clock
        self._since: float | None = None
        self._ended = asyncio.Event()
        self._report: Callable[[BudgetTold], None] = _tell_nobody

    @property
    def today_s(self) -> float:
        """The seconds of today so far, including those of the open session."""
        running = self._clock() - self._since if self._since is not None else 0.0
        return self._ledger.seconds_of(self._day) + max(0.0, running)

    @property
    def left_s(self) -> float:
        """The seconds that are left of today's limit, not positive once it is used up; infinite without a limit."""
        return self._limit_s - self.today_s if self._limit_s > 0 else math.inf

    def add(self, seconds: float) -> None:
        """Count a session beside the conversation, such as one in which a text was spoken."""
        self._ledger.add(self._day, seconds)
        self._ended.set()  # reported and saved as after any session

    @property
    def _day(self) -> str:
        return self._today().isoformat()

    def observe(self, notice: Notice, now: float) -> None:
        """Take what happened: a session is open from the first time that the box listens until it is closed or lost."""
        match notice:
            case PhaseEntered(phase=Phase.LISTENING) if self._since is None:
                self._since = now
                self._tell()
            case CloseLink() | LinkLost() if self._since is not None:
                self._count(now)
                self._since = None
                self._tell()
                self._ended.set()
            case _:
                pass  # costs nothing

    async def run(self, report: Callable[[BudgetTold], None]) -> None:
        """Report what is left now, with each tick, and when a session has ended; and save the count."""
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
                # An SD card may take a second to write, and the loop has audio to move.
                await run_in_thread(self._ledger.write, name="minutes file")
        finally:
            self._report = _tell_nobody
            self._count(self._clock())
            self._ledger.write()

    def _count(self, now: float) -> None:
        if self._since is None:
            return
        passed_s, self._since = now - self._since, now
        self._ledger.add(self._day, passed_s)

    def _tell(self) -> None:
        if self._limit_s > 0:
            self._report(BudgetTold(self.left_s))


def _tell_nobody(_fact: BudgetTold) -> None:
    """Do nothing, while the box does not run."""
