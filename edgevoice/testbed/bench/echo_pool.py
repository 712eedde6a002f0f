"""A pool of processes for simulations, which Ctrl-C ends together with the process that waits for them."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def workers(count: int) -> Iterator[Callable[..., Future[Any]]]:
    """Yield a function that submits a call to ``count`` processes, started ``ignoring_interrupts``."""
    # A fresh process each: the parent's threads would not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool, _ended_with_us():
        yield pool.submit


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Make processes that start in the block ignore Ctrl-C for good: they inherit the signal's handler."""
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


@contextmanager
def _ended_with_us() -> Iterator[None]:
    """End the workers when Ctrl-C ends the wait for them: a trial may take minutes."""
    try:
        yield
    except KeyboardInterrupt:
        for worker in multiprocessing.active_children():
            worker.kill()
        raise
