"""Mix capture: keeps the capture of the mix open while the microphone runs, and finds it again after it was lost."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Protocol

from edgevoice.core.backoff import Backoff
from edgevoice.errors import EdgevoiceError
from edgevoice.threads import run as run_in_thread

_LOOK_S = 0.5
_OPEN_LIMIT_S = 5.0
_CLOSE_LIMIT_S = 2.0
_STILL_S = 1.0
"""Age of the last look of the capture's thread, which looks 50 times a second, that means that it hangs."""

_RETRY = Backoff(first_s=1.0, factor=2, limit_s=30.0)


class Timing(Protocol):
    """When a thread last gave a sign of life, in monotonic seconds."""

    @property
    def called_at(self) -> float:
        """The last time."""
        ...


class Input(Protocol):
    """What was opened; see `mix_input.MixInput`."""

    problem: str

    @property
    def timing(self) -> Timing:
        """Its thread."""
        ...

    def close(self) -> None:
        """Stop; may block."""
        ...


class Taker(Protocol):
    """What is served by the capture; see ``echo.mix.MixReference``."""

    def open(self) -> None:
        """Note that the capture begins."""
        ...

    def close(self) -> None:
        """Note that it has ended."""
        ...


class MixCapture:
    """Opens by ``open_input``, in a thread, while ``is_wanted``; ``problem`` says why it is not open.

    Nothing that fails or hangs here ends anything else: a thread that hangs is left alone, and until it returns nothing
    more is tried.
    """

    def __init__(self, open_input: Callable[[], Input], taker: Taker, is_wanted: Callable[[], bool]) -> None:
        self._open_input = open_input
        self._taker = taker
        self._is_wanted = is_wanted
        self._input: Input | None = None
        self._busy: asyncio.Future[Input] | asyncio.Future[None] | None = None
        self._retry_at = 0.0
        self._tries = 0
        self.problem = ""

    async def run(self) -> None:
        """Keep it open until cancelled."""
        try:
            while True:
                await self._look(time.monotonic())
                await asyncio.sleep(_LOOK_S)
        finally:
            await self._close()

    async def _look(self, now: float) -> None:
        if self._input is not None:
            hangs = now - self._input.timing.called_at > _STILL_S
            if self._input.problem or hangs:
                self._fail(self._input.problem or "it has stopped", now)
            if self.problem or not self._is_wanted():
                await self._close()
        elif self._is_wanted() and now >= self._retry_at and (self._busy is None or self._busy.done()):
            await self._open(now)

    async def _open(self, now: float) -> None:
        opening = self._busy = run_in_thread(self._open_input, name="opening the echo reference")
        try:
            done, _ = await asyncio.wait({opening}, timeout=_OPEN_LIMIT_S)
        except asyncio.CancelledError:
            opening.add_done_callback(_discard)
            raise
        if not done:
            opening.add_done_callback(_discard)
            self._fail(f"it does not open within {_OPEN_LIMIT_S:g} s: the sound system hangs", now)
            return
        try:
            self._input = opening.result()
        except (EdgevoiceError, OSError) as error:
            self._fail(error.line() if isinstance(error, EdgevoiceError) else str(error), now)
            return
        self.problem, self._tries = "", 0
        self._taker.open()

    def _fail(self, problem: str, now: float) -> None:
        self.problem = problem
        self._retry_at = now + _RETRY.delay_s(self._tries, random.random)
        self._tries += 1

    async def _close(self) -> None:
        self._taker.close()
        if self._input is not None:
            self._busy = closing = _closing(self._input)
            self._input = None
            await asyncio.wait({closing}, timeout=_CLOSE_LIMIT_S)


def _discard(opening: asyncio.Future[Input]) -> None:
    """Close what was opened too late."""
    if opening.exception() is None:
        _closing(opening.result())


def _closing(captured: Input) -> asyncio.Future[None]:
    """Close it in a thread, and return when that is done; what fails then is nobody's concern."""
    closing = run_in_thread(captured.close, name="closing the echo reference")
    closing.add_done_callback(lambda done: done.cancelled() or done.exception())
    return closing
