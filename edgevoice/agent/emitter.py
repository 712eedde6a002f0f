"""Emitter: passes events to callbacks and iterators. Bounded; only the loop's thread may call it."""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from edgevoice.agent.events import NAMES, AgentEvent, Closed
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_MOST_WAITING = 4000
"""Events that wait for a program that iterates: minutes of an answer. Beyond that the oldest are dropped."""

_LAST_S = 2.0
"""How long asynchronous callbacks may go on once the conversation is over."""

AnyCallback = TypeVar("AnyCallback", bound=Callable[[Any], object])


class Emitter:
    """The callbacks and the streams of one agent."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._callbacks: dict[str, list[Callable[[Any], object]]] = {}
        self._streams: list[EventStream] = []

    def on(self, name: str, callback: AnyCallback) -> AnyCallback:
        """Register a callback for each event of that name.

        Raises ``ValueError`` if no event has that name, ``TypeError`` for what cannot be called.
        """
        if name not in NAMES:
            raise ValueError(f"there is no event named {name!r}; there are: {', '.join(NAMES)}")
        if not callable(callback):
            raise TypeError(f"on({name!r}, …) takes a function to call, not {callback!r}")
        self._callbacks.setdefault(name, []).append(callback)
        return callback

    def stream(self) -> "EventStream":
        """Return a stream of all events from now on."""
        stream = EventStream(self._streams.remove)
        self._streams.append(stream)
        return stream

    def emit(self, event: AgentEvent) -> None:
        """Pass an event to every callback and stream."""
        for stream in tuple(self._streams):
            stream.put(event)
        for callback in tuple(self._callbacks.get(event.name, ())):
            try:
                result = callback(event)
            except Exception as error:  # noqa: BLE001 - a program's fault must not end the conversation
                _tell_failure(event.name, error)
                continue
            if inspect.iscoroutine(result):
                task = asyncio.ensure_future(_finish(event.name, result))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Give asynchronous callbacks a moment to end, and cancel those that take longer."""
        # One of them may be what ends the conversation.
        if others := self._running - {asyncio.current_task()}:
            _, late = await asyncio.wait(others, timeout=_LAST_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _finish(name: str, work: Coroutine[Any, Any, Any]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - a program's fault must not end the conversation
        _tell_failure(name, error)


def _tell_failure(name: str, error: Exception) -> None:
    """Log that a callback failed: by names only, its text may contain what was said."""
    tell(_log, logging.ERROR, "callback-failed", callback=name, error=type(error).__name__)


class EventStream:
    """All events from the moment it was made, up to ``Closed``; an asynchronous iterator.

    ``lost`` counts those that were dropped because too many waited. It is released when its context is left or when it
    ends.
    """

    def __init__(self, let_go: Callable[["EventStream"], None]) -> None:
        self._let_go: Callable[[EventStream], None] | None = let_go
        self._waiting: deque[AgentEvent] = deque(maxlen=_MOST_WAITING)
        self._has_more = asyncio.Event()
        self._is_over = False
        self.lost = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop taking events."""
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            let_go(self)

    def put(self, event: AgentEvent) -> None:
        """Take an event."""
        self.lost += len(self._waiting) == _MOST_WAITING
        self._waiting.append(event)
        self._has_more.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AgentEvent:
        while not self._waiting:
            if self._is_over or self._let_go is None:
                raise StopAsyncIteration
            self._has_more.clear()
            await self._has_more.wait()
        event = self._waiting.popleft()
        if isinstance(event, Closed):
            self._is_over = True
            self._waiting.clear()
            self.close()
        return event
