"""Traffic: how much a server sends, and why its connection is over. No I/O; the clock is passed in."""

import asyncio
from collections.abc import Callable
from typing import Final

MESSAGE_LIMIT_BYTES: Final = 1 << 20
"""The longest message that is parsed; a result that a model can use is much shorter."""

_WITHIN_S: Final = 10.0
_MOST_BYTES: Final = 1 << 24
_MOST_MESSAGES: Final = 500
"""What a server may send within that time: 16 MiB, so that one much too long message is not yet a flood. And no more
messages than a slow machine reads: with four times as many, one that was busy read on, and never came to the limit.
"""

TOO_LONG: Final = f"the server's answer is longer than {MESSAGE_LIMIT_BYTES >> 20} MiB"


class Flooded(Exception):
    """A server sends more than anybody can read."""


class Traffic:
    """The traffic of one connection."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._bytes = self._messages = 0
        self.hint = ""
        self.garbage = 0
        self.ended = asyncio.Event()

    def take(self, size: int, *, messages: int = 0) -> None:
        """Count what has come; raises ``Flooded``."""
        now = self._clock()
        if now > self._since + _WITHIN_S:
            self._since, self._bytes, self._messages = now, 0, 0
        self._bytes += size
        self._messages += messages
        if self._bytes > _MOST_BYTES or self._messages > _MOST_MESSAGES:
            raise Flooded("it sends without end")

    def end(self, hint: str) -> None:
        """Note that the connection is over, and what is known of the reason; the first reason stays."""
        if not self.ended.is_set():
            self.hint = hint
            self.ended.set()
