"""One client of the control socket: reads its requests one by one, answers each in one line, and never waits for it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from edgevoice.control import messages
from edgevoice.control.messages import AnyRequest, Refused, Watch
from edgevoice.errors import EdgevoiceError
from edgevoice.integrations.control.commands import Result, Sounds
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_BURST: Final = 200
_RATE_HZ: Final = 100.0
"""Requests that a client may send at once, and each second after that; what comes faster is read later."""

_MOST_UNREAD_BYTES: Final = 65_536
"""What may wait for a client that does not read, beside what the kernel holds; then the connection ends."""

_CLOSE_S: Final = 0.5

_MOST_TASKS: Final = 4
"""Requests of one client that may take their time at once."""

CarryOut = Callable[[AnyRequest, Sounds], Result]


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
        self._refill()
        self._left -= 1
        return max(0.0, -self._left / self._rate_hz)

    def admits(self) -> bool:
        """Return whether a request may be handled now, and count it if so."""
        self._refill()
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _refill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate_hz)
        self._at = now


class ControlClient:
    """A client that is connected.

    ``watches`` says whether it wants events, ``wants_words`` also what is said, and ``wants_live`` also what changes
    many times a second; ``began_live`` is called when it first does.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        carry_out: CarryOut,
        sounds: Sounds,
        began_live: Callable[[], object] = lambda: None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._carry_out = carry_out
        self._sounds = sounds
        self._tasks: set[asyncio.Task[None]] = set()
        self._allowance = Allowance(asyncio.get_running_loop().time)
        self._began_live = began_live
        self.watches = False
        self.wants_words = False
        self.wants_live = False

    async def serve(self, greeting: bytes) -> None:
        """Greet the client, and answer until it leaves or breaks a limit."""
        self.send(greeting)
        with contextlib.suppress(ConnectionError):
            while (line := await self._line()) is not None:
                if (wait_s := self._allowance.take()) > 0:
                    await asyncio.sleep(wait_s)
                self._answer(line)
            # A program that only sends (`echo … | socat`) has closed its side, and still wants its replies.
            await asyncio.gather(*self._tasks)

    def send(self, line: bytes) -> None:
        """Send a line at once; a client that has stopped reading is dropped."""
        if self._writer.is_closing():
            return
        self._writer.write(line)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
            self._writer.transport.abort()

    async def close(self) -> None:
        """Close the connection; a client that does not read the last line in time does not get it.

        What it still wanted to be said is withdrawn.
        """
        ending = tuple(self._tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._sounds.take()
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

    def _answer(self, line: bytes) -> None:
        try:
            request = messages.decode(line)
        except Refused as refused:
            self.send(messages.refusal(messages.id_of(line), refused))
            return
        try:
            result = self._carry_out(request, self._sounds)
        except Refused as refused:
            self.send(messages.refusal(request.id, refused))
            return
        except Exception as error:  # noqa: BLE001 - as in `_send_result`
            self.send(_failed(request, error))
            return
        if not isinstance(result, dict):
            self._answer_later(request, result)
            return
        if isinstance(request, Watch):
            self.watches, self.wants_words, self.wants_live = True, request.words, request.live
        self.send(messages.reply(request.id, result))
        if self.wants_live:
            self._began_live()

    def _answer_later(self, request: AnyRequest, result: Coroutine[Any, Any, dict[str, Any]]) -> None:
        if len(self._tasks) >= _MOST_TASKS:
            result.close()
            refused = Refused("too-many", f"{_MOST_TASKS} requests of this program are not done yet", "Wait for one.")
            self.send(messages.refusal(request.id, refused))
            return
        task = asyncio.ensure_future(self._send_result(request, result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_result(self, request: AnyRequest, result: Coroutine[Any, Any, dict[str, Any]]) -> None:
        try:
            line = messages.reply(request.id, await result)
        except Refused as refused:
            line = messages.refusal(request.id, refused)
        except Exception as error:  # noqa: BLE001 - one request must end neither the box nor this connection
            line = _failed(request, error)
        self.send(line)


def _failed(request: AnyRequest, error: Exception) -> bytes:
    """Log a fault of ours by its name, and return the reply to the request that met it."""
    tell(_log, logging.ERROR, "control-failed", command=str(request.__struct_config__.tag), error=type(error).__name__)
    return messages.refusal(request.id, Refused("failed", "the box could not do it", EdgevoiceError.remedy))
