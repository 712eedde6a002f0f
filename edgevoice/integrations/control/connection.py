"""One client of the control socket: reads its requests one by one, answers each in one line, and never waits for it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

from edgevoice.control import messages
from edgevoice.control.messages import AnyRequest, Refused, Watch

_BURST: Final = 200
_RATE_HZ: Final = 100.0
"""Requests that a client may send at once, and each second after that; what comes faster is read later."""

_MOST_UNREAD_BYTES: Final = 65_536
"""What may wait for a client that does not read, beside what the kernel holds; then the connection ends."""

_CLOSE_S: Final = 0.5

CarryOut = Callable[[AnyRequest], dict[str, Any]]


class Allowance:
    """A token bucket: how long a client must wait before its next request is read. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float], *, burst: int = _BURST, rate_hz: float = _RATE_HZ) -> None:
        self._clock = clock
        self._rate_hz = rate_hz
        self._burst = burst
        self._left = float(burst)
        self._at = clock()

    def take(self) -> float:
        """Count one request; return the seconds to wait before it is handled."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate_hz) - 1
        self._at = now
        return max(0.0, -self._left / self._rate_hz)


class ControlClient:
    """A client that is connected; ``watches`` says whether it wants events, ``wants_words`` also what is said."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, carry_out: CarryOut) -> None:
        self._reader = reader
        self._writer = writer
        self._carry_out = carry_out
        self._allowance = Allowance(asyncio.get_running_loop().time)
        self.watches = False
        self.wants_words = False

    async def serve(self, greeting: bytes) -> None:
        """Greet the client, and answer until it leaves or breaks a limit."""
        self.send(greeting)
        with contextlib.suppress(ConnectionError):
            while (line := await self._line()) is not None:
                if (wait_s := self._allowance.take()) > 0:
                    await asyncio.sleep(wait_s)
                self.send(self._answer(line))

    def send(self, line: bytes) -> None:
        """Send a line at once; a client that has stopped reading is dropped."""
        if self._writer.is_closing():
            return
        self._writer.write(line)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
            self._writer.transport.abort()

    async def close(self) -> None:
        """Close the connection; a client that does not read the last line in time does not get it."""
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    async def _line(self) -> bytes | None:
        """Return the next line without its end; ``None`` once the client has left, or sent too long a one."""
        try:
            return (await self._reader.readuntil(b"\n"))[:-1]
        except asyncio.IncompleteReadError as end:
            return end.partial or None  # the last line may lack its end
        except asyncio.LimitOverrunError:
            problem = f"a line is longer than {messages.LONGEST_LINE_BYTES} bytes; the connection is closed"
            self.send(messages.refusal(None, Refused("line-too-long", problem)))
            return None

    def _answer(self, line: bytes) -> bytes:
        try:
            request = messages.decode(line)
        except Refused as refused:
            return messages.refusal(messages.id_of(line), refused)
        try:
            result = self._carry_out(request)
        except Refused as refused:
            return messages.refusal(request.id, refused)
        if isinstance(request, Watch):
            self.watches, self.wants_words = True, request.words
        return messages.reply(request.id, result)
