"""Signals in tests: those that the box does not handle must not end the tests."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def harmless(number: signal.Signals) -> Iterator[None]:
    """Ignore a signal that the box does not handle: it would end the tests."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
