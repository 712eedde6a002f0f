"""Tasks beside the keeper's own: names that are spoken, and what was missed and waits to be said. For one loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class TasksBeside:
    """Tasks that nobody waits for; each may belong to a ring, by whose id it can be cancelled."""

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[object], int | None] = {}

    def run(self, work: Coroutine[Any, Any, object], ring_id: int | None = None) -> None:
        """Begin some work; at its end it is forgotten."""
        task = asyncio.ensure_future(work)
        self._tasks[task] = ring_id
        task.add_done_callback(self._tasks.pop)

    def cancel(self, ring_id: int) -> None:
        """Cancel what belongs to this ring."""
        for task, owner in self._tasks.items():
            if owner == ring_id:
                task.cancel()

    def cancel_all(self) -> None:
        """Cancel everything."""
        for task in self._tasks:
            task.cancel()
