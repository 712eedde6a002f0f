"""Aside: a library's coroutines in a loop and a thread of their own, so that nothing it leaves there ends the box.

In the box's own loop an error in a callback that nobody awaits ends the box, on purpose. The callbacks of a library
that speaks to other machines may fail as those please.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from edgevoice import threads
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_CLOSE_S: Final = 1.0
"""How long the thread may take to end; it is abandoned then."""


class _Loop(asyncio.SelectorEventLoop):
    def run_in_executor(  # type: ignore[override]  # the base allows an executor's own future; one of ours is enough
        self,
        executor: Any,  # noqa: ARG002 - see below
        func: Callable[..., _T],
        *args: Any,
    ) -> "asyncio.Future[_T]":
        """Call at once: nothing else waits for this thread, and at exit the interpreter would wait for an executor."""
        done: asyncio.Future[_T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - the function's failure is the future's
            done.set_exception(error)
        return done


class AsideEnded(RuntimeError):
    """The thread has ended, or does not answer any more."""


class Aside:
    """A loop in a daemon thread; ``failed`` is called, in any thread, with an error that nobody awaits."""

    def __init__(self, name: str, failed: Callable[[Exception], None]) -> None:
        self._name = name
        self._failed = failed
        self._is_closing = False
        self._loop = _Loop()
        self._loop.set_exception_handler(self._take_stray)
        self._ended: Future[None] = threads.start(self._work, name=name)

    async def call(self, work: Coroutine[Any, Any, _T], *, limit_s: float) -> _T:
        """Run a coroutine there, and return what it returns; cancelling this cancels it.

        Raises ``AsideEnded`` if nothing came back within ``limit_s`` seconds.
        """
        if self._loop.is_closed():
            work.close()
            raise AsideEnded(f"the thread {self._name} has ended")
        done = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        # Not wait_for, which waits for the cancelled work: a thread that hangs never ends it.
        finished, _ = await _waited(done, limit_s)
        if not finished:
            raise AsideEnded(f"the thread {self._name} does not answer")
        return done.result()

    async def close(self) -> None:
        """End the thread; one that is stuck in a call of the system is left behind."""
        self._is_closing = True
        with contextlib.suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._loop.stop)
        ended = asyncio.wrap_future(self._ended)
        try:
            await asyncio.wait({ended}, timeout=_CLOSE_S)
        finally:
            # What ended the thread was reported when it happened; what ends one that was left behind does not matter.
            if not ended.cancel():
                ended.exception()

    def _work(self) -> None:
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=_CLOSE_S))
        except BaseException as error:
            self._report(error)
            raise
        finally:
            self._loop.close()

    def _take_stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._report(context.get("exception") or RuntimeError("a callback failed"))

    def _report(self, error: BaseException) -> None:
        if not self._is_closing:
            tell(_log, logging.WARNING, "aside-failed", of=self._name, error=type(error).__name__)
        self._failed(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))


async def _waited(done: "asyncio.Future[_T]", limit_s: float) -> tuple[set["asyncio.Future[_T]"], object]:
    """Wait for a future as ``asyncio.wait`` does; whoever is cancelled meanwhile cancels it."""
    try:
        return await asyncio.wait({done}, timeout=limit_s)
    finally:
        done.cancel()
