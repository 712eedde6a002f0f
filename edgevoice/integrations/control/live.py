"""Live stream: what changes many times a second, sampled only while a client wants it: lights, level and scores."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

TICK_S: Final = 0.04
"""The time between two looks at the lights: a frame of their smooth motions."""

_LEVEL_TICKS: Final = 2
"""Looks at the lights for each at the microphone: a frame of the wake word's, 80 ms."""

Fields = dict[str, Any]


class LiveBox(Protocol):
    """What can be sampled of a box, at once and in the loop's thread."""

    def lights(self) -> Sequence[Fields]:
        """Return what each lamp shows: ``leds`` and the colours of its ``pixels``; empty where there are no lights."""
        ...

    def level(self) -> Fields:
        """Return ``level_db`` of the microphone, and for each wake word its ``score`` and ``threshold``."""
        ...


class LiveStream:
    """Samples a box between ``start`` and the first event that nobody takes; create and use it in the loop.

    ``show`` sends an event to whoever wants it, and returns whether anybody does. Lights are sent when they change.
    """

    def __init__(self, box: LiveBox, show: Callable[[str, Fields], bool]) -> None:
        self._box = box
        self._show = show
        self._task: asyncio.Task[None] | None = None
        self._lights: Sequence[Fields] | None = None

    def start(self) -> None:
        """Begin to sample; for another client, send the lights anew."""
        self._lights = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="live")

    def stop(self) -> None:
        """Stop sampling."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        ticks = 0
        while True:
            if (lights := self._box.lights()) != self._lights:
                self._lights = lights
                self._show("lights", {"lamps": lights})
            if ticks % _LEVEL_TICKS == 0 and not self._show("level", self._box.level()):
                return
            ticks += 1
            await asyncio.sleep(TICK_S)
