"""The MPRIS players on a D-Bus: which of them play, and how loud. By `dbus-fast`, in a loop of its own.

The interface: specifications.freedesktop.org/mpris/latest, org.mpris.MediaPlayer2.Player.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, InvalidAddressError

from edgevoice.errors import EdgevoiceError
from edgevoice.integrations.aside import Aside, AsideEnded

_T = TypeVar("_T")

_PREFIX: Final = "org.mpris.MediaPlayer2."
_PATH: Final = "/org/mpris/MediaPlayer2"
_PLAYER: Final = "org.mpris.MediaPlayer2.Player"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"

_LIMIT_S: Final = 2.0
"""How long a player may take to answer: it is left alone then."""

_MOST_PLAYERS: Final = 16


class BusUnavailable(EdgevoiceError, ConnectionError):
    """The D-Bus on which the players are cannot be reached."""

    code = "music-bus"
    remedy = 'Check music.bus: "system" or "session"; the service sees a session bus only by its address.'


class Players:
    """Players on a bus that is connected. What a player does not answer counts as nothing."""

    def __init__(self, bus: MessageBus, aside: Aside) -> None:
        self._bus = bus
        self._aside = aside

    async def playing(self) -> dict[str, float]:
        """Return the volume of each player that plays, by its name; usually 0 to 1."""
        return await self._call(self._find_playing())

    async def volume(self, name: str) -> float | None:
        """Return the volume of a player, ``None`` if it is gone."""
        return await self._call(self._volume(name))

    async def set_volume(self, name: str, volume: float) -> None:
        """Set the volume of a player; one that cannot be set is left alone."""
        body = [_PLAYER, "Volume", Variant("d", volume)]
        await self._call(self._ask(name, _PATH, _PROPERTIES, "Set", "ssv", body))

    async def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            return await self._aside.call(work, limit_s=_LIMIT_S * (_MOST_PLAYERS + 1))
        except (OSError, EOFError, AsideEnded) as error:
            raise BusUnavailable(f"the bus of the players is lost: {type(error).__name__}") from None

    # --- in the library's loop ----------------------------------------------------------------------------------------

    async def _find_playing(self) -> dict[str, float]:
        if not self._bus.connected:
            raise ConnectionResetError
        names = await self._ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")
        found: dict[str, float] = {}
        players = [name for name in names or [] if isinstance(name, str) and name.startswith(_PREFIX)]
        for name in sorted(players)[:_MOST_PLAYERS]:
            if await self._property(name, "PlaybackStatus") == "Playing" and (volume := await self._volume(name)):
                found[name] = volume
        return found

    async def _volume(self, name: str) -> float | None:
        volume = await self._property(name, "Volume")
        return float(volume) if isinstance(volume, float | int) and 0 <= volume <= 10 else None

    async def _property(self, name: str, which: str) -> Any:
        answer = await self._ask(name, _PATH, _PROPERTIES, "Get", "ss", [_PLAYER, which])
        return answer.value if isinstance(answer, Variant) else None

    async def _ask(
        self, name: str, path: str, interface: str, member: str, signature: str = "", body: list[Any] | None = None
    ) -> Any:
        """Return the first value of a call's answer, ``None`` if there is no answer in time or it is an error."""
        message = Message(
            destination=name, path=path, interface=interface, member=member, signature=signature, body=body or []
        )
        with suppress(TimeoutError, DBusError):
            async with asyncio.timeout(_LIMIT_S):
                answer = await self._bus.call(message)
            if answer.message_type is MessageType.METHOD_RETURN and answer.body:
                return answer.body[0]
        return None


@asynccontextmanager
async def players_of(bus: str) -> AsyncIterator[Players]:
    """Yield the players on ``bus``: "system", "session" or an address. Raises ``BusUnavailable``."""
    aside = Aside("music", lambda _error: None)

    async def connect() -> MessageBus:
        kinds = {"system": BusType.SYSTEM, "session": BusType.SESSION}
        kind = kinds.get(bus)
        return await (MessageBus(bus_type=kind) if kind is not None else MessageBus(bus_address=bus)).connect()

    async def disconnect(connected: MessageBus) -> None:
        connected.disconnect()

    async def connect_or_refuse() -> MessageBus:
        try:
            return await aside.call(connect(), limit_s=_LIMIT_S)
        except (OSError, EOFError, AuthError, InvalidAddressError, AsideEnded) as error:
            raise BusUnavailable(f"the bus {bus} of the players cannot be reached: {type(error).__name__}") from None

    try:
        connected = await connect_or_refuse()
        try:
            yield Players(connected, aside)
        finally:
            with suppress(AsideEnded):
                await aside.call(disconnect(connected), limit_s=_LIMIT_S)
    finally:
        await aside.close()
