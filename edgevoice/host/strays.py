"""Strays: errors in threads and callbacks that nobody awaits, and parts that end unexpectedly. Each ends the box."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any


async def lasting(run: Coroutine[Any, Any, None], name: str) -> None:
    """Run an essential part: if it ends unasked, that is as bad as a failure."""
    await run
    raise RuntimeError(f"{name} ended unexpectedly")


@contextlib.contextmanager
def strays_caught() -> Iterator[asyncio.Future[None]]:
    """Yield a future that fails with the first error in a callback or a thread, which nobody would await otherwise.

    asyncio and threading would log it and go on, but a broken box must end and be restarted.
    """
    loop = asyncio.get_running_loop()
    stray: asyncio.Future[None] = loop.create_future()

    def fail(error: BaseException) -> None:
        # Raised unchanged in the loop, SystemExit would end the process at once, perhaps with status 0.
        problem = error if isinstance(error, Exception) else RuntimeError(f"a part was ended by {type(error).__name__}")
        if not stray.done():
            stray.set_exception(problem)

    def in_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fail(context.get("exception") or RuntimeError(context["message"]))

    def in_thread(unhandled: threading.ExceptHookArgs) -> None:
        if unhandled.exc_value is not None and not loop.is_closed():
            loop.call_soon_threadsafe(fail, unhandled.exc_value)

    earlier_hook, earlier_handler = threading.excepthook, loop.get_exception_handler()
    threading.excepthook = in_thread
    loop.set_exception_handler(in_loop)
    try:
        yield stray
    finally:
        threading.excepthook = earlier_hook
        loop.set_exception_handler(earlier_handler)
        stray.cancel()
        if not stray.cancelled():
            stray.exception()
