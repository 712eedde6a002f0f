"""Mailbox: passes facts from the adapters to the engine. It is created first, so that every adapter can have it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from edgevoice.core.facts import Event
from edgevoice.core.notices import Notice
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.engine import Engine
from edgevoice.real_time import hurry, rest


class Mailbox:
    """Passes on to the engine what the adapters report; create it in the loop.

    Nothing may be reported before ``deliver_to``: until then there is no engine.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_native_id()
        self._handed: deque[Callable[[], None]] = deque()
        self._engine: Engine | None = None

    def deliver_to(self, engine: Engine) -> None:
        """Pass everything on to this engine from now on."""
        self._engine = engine

    def report(self, event: Event) -> None:
        """Take a fact, in the loop's thread."""
        self._addressee.report(event)

    def take(self, arrivals: list[Arrival]) -> None:
        """Take the meaning of one frame of the service, in the loop's thread."""
        self._addressee.take(arrivals)

    def notify(self, notice: Notice) -> None:
        """Pass to the observers what bypasses the conversation, in the loop's thread."""
        self._addressee.notify(notice)

    def post(self, event: Event) -> None:
        """Take a fact, from any thread; it is dropped if the loop is closed."""
        self.call(lambda: self.report(event))

    def call(self, act: Callable[[], None]) -> None:
        """Have a function called in the loop's thread, from any thread; it is dropped if the loop is closed.

        Somebody speaks over an answer, or waits for what a button does: the loop's thread goes before other programs
        until it has taken everything. Beside busy ones it did so only after 5 to 10 ms, and at times after 50.
        """
        self._handed.append(act)
        hurry(self._thread)
        try:
            self._loop.call_soon_threadsafe(self._take)
        except RuntimeError:
            rest(self._thread)

    def _take(self) -> None:
        try:
            self._handed.popleft()()
        finally:
            if not self._handed:
                rest()

    @property
    def _addressee(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("a fact was reported before there was an engine")
        return self._engine
