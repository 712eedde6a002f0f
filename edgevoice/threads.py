"""Threads for calls that may block for ever: the process need not wait for them at exit, and no error is lost."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")


class ThreadEnded(RuntimeError):
    """The call in the thread raised something that is not an ``Exception``, or that no future can hold."""


def start(function: Callable[[], _T], *, name: str) -> Future[_T]:
    """Call a function in a daemon thread of its own; the future gets what it returns or raises.

    `concurrent.futures` and ``asyncio.to_thread`` are not suitable: at exit, the interpreter waits for their threads.
    If raised unchanged where the result is awaited, ``SystemExit`` would end the process, perhaps with status 0, and
    ``StopIteration`` would end nothing: both arrive as ``ThreadEnded``.
    """
    future: Future[_T] = Future()
    # From now on it cannot be cancelled: nothing can stop a thread.
    future.set_running_or_notify_cancel()
    threading.Thread(target=_work, args=(function, future, name), name=name, daemon=True).start()
    return future


def run(function: Callable[[], _T], *, name: str) -> "asyncio.Future[_T]":
    """Call a function as `start` does, and return a future of the running loop, see `in_loop`."""
    return in_loop(start(function, name=name))


def in_loop(outcome: Future[_T]) -> "asyncio.Future[_T]":
    """Return a future of the running loop for what a thread will return or raise.

    The future may be cancelled, which the thread does not notice: what it still raises then is dropped, where
    ``asyncio.shield`` would report it to the loop. If the loop has ended before the thread, nothing happens.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def settle(done: Future[_T]) -> None:
        if answer.done():
            return
        if (error := done.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(done.result())

    def pass_on(done: Future[_T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, done)

    outcome.add_done_callback(pass_on)
    return answer


def _work(function: Callable[[], _T], future: Future[_T], name: str) -> None:
    _show_name(name)
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
        future.set_exception(_holdable(error, name))
    else:
        future.set_result(result)
    finally:
        # The error's traceback holds this frame, which would hold the error.
        del future


def _show_name(name: str) -> None:
    """Give the thread its name in `top -H` and `bench idle` too: Python does so only from 3.14 on."""
    with contextlib.suppress(OSError):
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name[:15], encoding="utf-8")


def _holdable(error: BaseException, name: str) -> Exception:
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return ThreadEnded(f"{name}: the thread was ended by {type(error).__name__}")
