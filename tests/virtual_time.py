"""Virtual time: an event loop whose clock jumps to the next timer as soon as nothing else can happen.

For tests in one loop of one process: a socket between two of its own tasks is ready at once, so when the loop finds
nothing to read, nothing else can arrive. The clock waits for other threads before it moves.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from unittest import mock

_T = TypeVar("_T")

_THREAD_PULSE_S = 0.001
_STUCK_S = 10.0
"""Real time after which a loop without any timer is taken to wait for something that will never happen."""


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end as ``asyncio.run`` does, in virtual time; ``time.monotonic`` shows that time, too."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        with mock.patch.object(time, "monotonic", loop.time):
            return runner.run(main)


class _Selector(selectors.DefaultSelector):
    """Passes the time that the loop would sleep for, unless something can be read or another thread works."""

    now_s = 1000.0

    def __init__(self) -> None:
        super().__init__()
        self._threads = threading.active_count()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        while not ready and threading.active_count() > self._threads:
            ready = super().select(_THREAD_PULSE_S)
        # A thread may have ended since the loop looked: what it has sent comes before any timer.
        ready = ready or super().select(0)
        if ready:
            return ready
        if timeout is None:
            ready = super().select(_STUCK_S)
            assert ready, "no timer is set, and nothing comes: it would wait for ever"
            return ready
        self.now_s += timeout
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s

    def run_in_executor(  # type: ignore[override]  # the base allows an executor's own future; one of ours is enough
        self, executor: Any, func: Callable[..., _T], *args: Any
    ) -> asyncio.Future[_T]:
        """Call at once: a thread would work while virtual time is paused, and so does this call."""
        done: asyncio.Future[_T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the function's failure is the future's
            done.set_exception(error)
        return done
