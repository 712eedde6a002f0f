"""Signals in tests: what the box does not take must not end them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def harmless(number: signal.Signals) -> Iterator[None]:
    """Ignore a signal that the box does not take: it would end the tests."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
