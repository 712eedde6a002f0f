"""The control socket of a box: accepts clients, carries out what they ask for, and shows them what happens."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from edgevoice.control import messages
from edgevoice.control.messages import LONGEST_LINE_BYTES, Refused
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import JOIN_GROUP
from edgevoice.integrations.control.commands import Allotment, BoxHandles, Commands, Sounds
from edgevoice.integrations.control.connection import ControlClient
from edgevoice.integrations.control.events import event_of
from edgevoice.integrations.control.live import LiveStream
from edgevoice.integrations.control.peers import is_welcome, open_socket
from edgevoice.integrations.control.view import BoxView
from edgevoice.journal import tell
from edgevoice.wall_clock import local_now

_log = logging.getLogger(__name__)

_MOST_CLIENTS: Final = 16


class ControlSocket(Observer):
    """An observer that serves the control socket at ``place`` while it runs.

    ``group`` is the group whose members may use it beside its owner and root, ``None`` for nobody else. ``now``
    returns the local time. ``view`` is what is known of a box that has run before.
    """

    def __init__(
        self,
        place: Path,
        box: BoxHandles,
        *,
        group: int | None,
        now: Callable[[], datetime] = local_now,
        view: BoxView | None = None,
    ) -> None:
        self._place = place
        self._box = box
        self._group = group
        self._now = now
        self._view = view or BoxView()
        self._allotment = Allotment()
        self._clients: set[ControlClient] = set()
        self._live = LiveStream(box.live, self._show_live) if box.live is not None else None

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - clients are told the time of day
        """Follow what happens, and show it to those who watch."""
        self._view.observe(notice)
        watching = [client for client in self._clients if client.watches]
        if not watching or (event := event_of(notice, words=True, position=self._box.position())) is None:
            return
        line = self._line(*event)
        may_see_all = event_of(notice, words=False) is not None
        for client in watching:
            if may_see_all or client.wants_words:
                client.send(line)

    def _show_live(self, name: str, fields: dict[str, Any]) -> bool:
        """Send a live event to the clients that want it; return whether there is any."""
        wanting = [client for client in self._clients if client.wants_live]
        if wanting:
            line = self._line(name, fields)
            for client in wanting:
                client.send(line)
        return bool(wanting)

    def _line(self, name: str, fields: dict[str, Any]) -> bytes:
        return messages.event(name, self._now().isoformat(timespec="milliseconds"), fields)

    async def run(self, report: Report) -> None:
        """Serve until cancelled. Raises ``ControlUnavailable`` if there can be no socket."""
        commands = Commands(self._box, self._view, report)
        listening = open_socket(self._place, group=self._group)
        serving: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        try:
            while True:
                # `asyncio.start_unix_server` reports what a client's task raises to the loop, which ends the box.
                connected, _ = await loop.sock_accept(listening)
                task = loop.create_task(self._serve(connected, commands), name="control")
                serving.add(task)
                task.add_done_callback(serving.discard)
        finally:
            if self._live is not None:
                self._live.stop()
            ending = tuple(serving)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            listening.close()
            with contextlib.suppress(OSError):
                self._place.unlink()

    async def _serve(self, connected: socket.socket, commands: Commands) -> None:
        """Serve one client to its end; whatever goes wrong with it stays with it."""
        with contextlib.suppress(OSError), connected:
            if (refused := self._refusal(connected)) is not None:
                connected.send(messages.refusal(None, refused))
                return
            reader, writer = await asyncio.open_unix_connection(sock=connected, limit=LONGEST_LINE_BYTES)
            client = ControlClient(reader, writer, commands.carry_out, Sounds(self._allotment), self._begin_live)
            self._clients.add(client)
            try:
                await client.serve(messages.hello(self._box.version))
            except Exception as error:  # noqa: BLE001 - one client's request must end neither the box nor the others
                tell(_log, logging.ERROR, "control-client-failed", error=type(error).__name__)
            finally:
                self._clients.discard(client)
                await client.close()

    def _begin_live(self) -> None:
        if self._live is not None:
            self._live.start()

    def _refusal(self, connected: socket.socket) -> Refused | None:
        if not is_welcome(connected, group=self._group):
            tell(_log, logging.WARNING, "control-refused", problem="a process of another user tried to connect")
            return Refused("not-allowed", "this user may not control the box", JOIN_GROUP)
        if len(self._clients) >= _MOST_CLIENTS:
            return Refused("too-many-clients", f"{_MOST_CLIENTS} programs are connected already", "Try again later.")
        return None
