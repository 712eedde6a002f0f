"""Stand-in lights: what a ring of pixels would show, for a box that has no lights. The patterns are the core's."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from edgevoice.core.light_frames import frame_at, seconds_to_next_frame
from edgevoice.core.orders import Light

PIXELS: Final = 12

Lamps = list[dict[str, Any]]


class StandInLights:
    """Plays lights while the box shows none; ``show`` gets what the lamps would show. Use it in the loop."""

    def __init__(self, show: Callable[[Lamps], None]) -> None:
        self._show = show
        self._light: tuple[Light, str] = (Light.OFF, "")
        self._began_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self._is_needed = False

    def need(self, *, is_needed: bool) -> None:
        """Begin to play, or stop: the box has lights, or nobody watches. Somebody new is shown what is lit."""
        self._is_needed = is_needed
        self._restart()

    def light(self, light: str, fault: str) -> None:
        """Show another light of the box."""
        try:
            wanted = Light(light), fault
        except ValueError:
            return  # of a newer box
        if wanted != self._light:
            self._light = wanted
            self._began_s = asyncio.get_running_loop().time()
            self._restart()

    def _restart(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._is_needed:
            self._task = asyncio.get_running_loop().create_task(self._play(), name="stand-in lights")

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        light, fault = self._light
        while True:
            shown_s = loop.time() - self._began_s
            frame = frame_at(PIXELS, light, fault, shown_s)
            self._show([{"leds": [], "pixels": [[round(part, 3) for part in colour] for colour in frame]}])
            wait_s = seconds_to_next_frame(PIXELS, light, fault, shown_s)
            if wait_s is None:
                return
            await asyncio.sleep(wait_s)
