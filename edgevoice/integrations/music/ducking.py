"""Ducking: players are lowered while the box listens, thinks, speaks or rings, and brought back afterwards.

What was lowered is kept in a file, so that a box that was killed meanwhile brings it back when it starts again. A
volume that somebody has changed since is theirs and stays.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import AudioReceived, Notice, UplinkSent
from edgevoice.core.ports import Observer, Report
from edgevoice.integrations.control.view import BoxView
from edgevoice.journal import tell
from edgevoice.store.files import DAMAGED, write_whole

_log = logging.getLogger(__name__)

NAME: Final = "music.json"

_HOLD_S: Final = 0.6
"""How long the box must be done before the music comes back: between two answers it would only pump."""

_LOOK_EVERY_S: Final = 1.0
"""How often it looks for players that have begun meanwhile."""

_SAME: Final = 0.011
"""How far a volume may be from the one that was set and still be the same: players round to percent."""

_ROUNDING: Final = 0.25
"""How far a player may miss the volume that was asked for, as a share of the step: a phone that plays by AirPlay knows
16 volumes. Farther off, somebody has changed it.
"""

_LARGEST_BYTES: Final = 16_384

_Volume = Annotated[float, Meta(ge=0, le=10)]
_decoder = msgspec.json.Decoder(dict[str, tuple[_Volume, _Volume]])


class VolumeOfPlayers(Protocol):
    """Players, their volume, and how to set it; see `players.Players`."""

    async def playing(self) -> Mapping[str, float]:
        """Return the volume of each player that plays."""
        ...

    async def volume(self, name: str) -> float | None:
        """Return the volume of a player, ``None`` if it is gone."""
        ...

    async def set_volume(self, name: str, volume: float) -> None:
        """Set the volume of a player."""
        ...


class MusicDucking(Observer):
    """An observer that lowers players to ``percent`` of their volume.

    ``connect`` yields the players; ``kept`` is the file of what is lowered. ``view`` is
    what is known of a box that has run before.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[VolumeOfPlayers]],
        percent: int,
        kept: Path,
        view: BoxView | None = None,
    ) -> None:
        self._connect = connect
        self._factor = percent / 100
        self._file = kept
        self._view = view or BoxView()
        self._changed = asyncio.Event()
        self._lowered: dict[str, tuple[float, float]] = {}
        self._unread: set[str] = set()

    @property
    def _is_wanted(self) -> bool:
        view = self._view
        return view.phase is not Phase.IDLE or view.is_ringing or view.speaks_first

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - only the order of notices matters
        """Follow whether the box needs silence."""
        if isinstance(notice, AudioReceived | UplinkSent):
            return
        before = self._is_wanted
        self._view.observe(notice)
        if self._is_wanted is not before:
            self._changed.set()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Lower and bring back until cancelled. Raises ``BusUnavailable``."""
        async with self._connect() as players:
            self._lowered = self._read()
            await self._bring_back(players)
            try:
                async for is_wanted in self._wishes():
                    await (self._lower(players) if is_wanted else self._bring_back(players))
            finally:
                await self._bring_back(players)

    async def _wishes(self) -> AsyncIterator[bool]:
        """Yield what is wanted, at once when that begins, a moment after it ends, and now and then while it lasts."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S if self._is_wanted else None):
                    await self._changed.wait()
            self._changed.clear()
            if not self._is_wanted:
                await asyncio.sleep(_HOLD_S)
            yield self._is_wanted

    async def _lower(self, players: VolumeOfPlayers) -> None:
        await self._read_back(players)
        for name, volume in (await players.playing()).items():
            if name in self._lowered:
                continue
            self._lowered[name] = (volume, volume * self._factor)
            self._write()  # first: what is killed in between must not leave a player low for ever
            await players.set_volume(name, volume * self._factor)
            self._unread.add(name)
            tell(_log, logging.DEBUG, "music-lowered", players=len(self._lowered))

    async def _read_back(self, players: VolumeOfPlayers) -> None:
        """Take what a player has made of its new volume, a look later, for that new volume."""
        for name in self._unread:
            before, asked = self._lowered[name]
            now = await players.volume(name)
            if now is not None and _SAME < abs(now - asked) <= (before - asked) * _ROUNDING:
                self._lowered[name] = (before, now)
                self._write()
        self._unread.clear()

    async def _bring_back(self, players: VolumeOfPlayers) -> None:
        if not self._lowered:
            return
        for name, (before, lowered) in self._lowered.items():
            now = await players.volume(name)
            if now is not None and abs(now - lowered) <= _SAME:
                await players.set_volume(name, before)
        self._lowered.clear()
        self._unread.clear()
        self._write()

    def _read(self) -> dict[str, tuple[float, float]]:
        try:
            with self._file.open("rb") as file:
                return _decoder.decode(file.read(_LARGEST_BYTES))
        except (OSError, *DAMAGED):
            return {}  # nothing was lowered, or it cannot be known

    def _write(self) -> None:
        try:
            if self._lowered:
                write_whole(self._file, msgspec.json.encode(self._lowered))
            else:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            tell(_log, logging.WARNING, "music-not-kept", file=str(self._file), problem=str(error.strerror or error))
