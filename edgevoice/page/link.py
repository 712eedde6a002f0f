"""The link to the box: one connection to the control socket for all viewers, open only while somebody watches."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, Final

from edgevoice.control.client import Client, Reply
from edgevoice.core.lights import meaning
from edgevoice.core.orders import Light
from edgevoice.errors import ControlRefused, ControlUnavailable, EdgevoiceError
from edgevoice.page.stand_in_lights import Lamps, StandInLights
from edgevoice.page.viewer import Viewer

_AGAIN_S: Final = 2.0
_AT_ONCE: Final = 8
"""Requests to the box at once; the box itself takes four of one program that take their time."""


class BoxLink:
    """What viewers see and ask of the box. ``socket`` is the control socket, the box's own by default."""

    def __init__(self, socket: Path | None) -> None:
        self._socket = socket
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._box: Client | None = None
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._lights = StandInLights(self._show_lights)
        self._problem = ""
        self._greetings: set[asyncio.Task[None]] = set()

    def add(self, viewer: Viewer) -> None:
        """Show a viewer what happens from now on."""
        self._viewers.add(viewer)
        loop = asyncio.get_running_loop()
        if self._task is None:
            self._task = loop.create_task(self._follow(), name="box")
        elif self._box is not None:
            greeting = loop.create_task(self._greet(viewer, self._box), name="greeting")
            self._greetings.add(greeting)
            greeting.add_done_callback(self._greetings.discard)
        elif self._problem:
            viewer.send(self._problem)

    def remove(self, viewer: Viewer) -> None:
        """Show a viewer nothing more; without any the box is left alone."""
        self._viewers.discard(viewer)
        if not self._viewers and self._task is not None:
            self._task.cancel()
            self._task, self._box, self._problem = None, None, ""

    async def ask(self, command: str, /, **fields: Any) -> Reply:
        """Ask the box for something. Raises ``ControlUnavailable`` and ``ControlRefused``."""
        async with self._turns:
            if self._box is not None:
                return await self._box.request(command, patience_s=None, **fields)
            async with Client(self._socket) as box:
                return await box.request(command, patience_s=None, **fields)

    async def _follow(self) -> None:
        """Pass on what happens, for as long as there are viewers; wait for a box that is not there."""
        try:
            while True:
                try:
                    async with Client(self._socket) as box:
                        await self._pass_on(box)
                except (ControlUnavailable, ControlRefused) as error:
                    self._lost(error)
                await asyncio.sleep(_AGAIN_S)
        finally:
            # Closing takes a moment, in which the next viewer may have come with a task of its own.
            if self._task is None:
                self._lights.need(is_needed=False)

    async def _pass_on(self, box: Client) -> None:
        status = await box.status()
        self._box, self._problem = box, ""
        try:
            self._broadcast(_greeting(status))
            self._lights.light(status["light"], (status["fault"] or {}).get("code", ""))
            async for event in box.watch(words=True, live=True):
                self._take(event)
        finally:
            if self._box is box:
                self._box = None

    async def _greet(self, viewer: Viewer, box: Client) -> None:
        """Send a viewer that came later what the first one was sent."""
        with contextlib.suppress(ControlUnavailable, ControlRefused):
            viewer.send_fields(**_greeting(await box.status()))
            # The box then sends the lights anew.
            await box.request("watch", words=True, live=True)

    def _take(self, event: Reply) -> None:
        match event["event"]:
            case "lights":
                self._lights.need(is_needed=not event["lamps"])
                if not event["lamps"]:
                    return
            case "light":
                self._lights.light(event["light"], event["fault"])
                event["meaning"] = _meaning(event["light"], event["fault"])
            case _:
                pass  # is only passed on
        self._broadcast(event)

    def _lost(self, error: EdgevoiceError) -> None:
        self._lights.need(is_needed=False)
        fields = {"event": "box", "reachable": False, "problem": str(error), "remedy": error.remedy}
        self._problem = json.dumps(fields, ensure_ascii=False)
        self._broadcast(fields)

    def _show_lights(self, lamps: Lamps) -> None:
        self._broadcast({"event": "lights", "lamps": lamps, "stand_in": True})

    def _broadcast(self, fields: Reply) -> None:
        message = json.dumps(fields, ensure_ascii=False)
        for viewer in tuple(self._viewers):
            viewer.send(message)


def _greeting(status: Reply) -> Reply:
    fault = (status["fault"] or {}).get("code", "")
    return {"event": "box", "reachable": True, "status": status, "meaning": _meaning(status["light"], fault)}


def _meaning(light: str, fault: str) -> str:
    """Return what a light means, in words; empty for one of a newer box."""
    try:
        return meaning(Light(light), fault)
    except ValueError:
        return ""
