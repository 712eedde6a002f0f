"""The MPRIS players on a D-Bus: which of them play, and how loud. By `dbus-fast`, in a loop of its own.

The interface: specifications.freedesktop.org/mpris/latest, org.mpris.MediaPlayer2.Player.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, InvalidAddressError

from edgevoice.errors import EdgevoiceError
from edgevoice.integrations.aside import Aside, AsideEnded
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_PREFIX: Final = "org.mpris.MediaPlayer2."
_PATH: Final = "/org/mpris/MediaPlayer2"
_PLAYER: Final = "org.mpris.MediaPlayer2.Player"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"

_LIMIT_S: Final = 2.0
"""How long a player may take to answer: it is left alone then."""

_MOST_PLAYERS: Final = 16

_MOST_REFUSALS: Final = 32
"""How many refusals are logged; a player may get another name each time that it starts."""

_READ_ONLY: Final = (
    "org.freedesktop.DBus.Error.InvalidArgs",
    "org.freedesktop.DBus.Error.PropertyReadOnly",
    "org.freedesktop.DBus.Error.AccessDenied",
)
"""How libraries refuse to set a property that can only be read: GLib, most others, and libdbus' older ones."""

_GONE: Final = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner")


class BusUnavailable(EdgevoiceError, ConnectionError):
    """The D-Bus on which the players are cannot be reached."""

    code = "music-bus"
    remedy = 'Check music.bus: "system", or "session" if the box runs as the person whose bus that is.'


class BusRefused(BusUnavailable):
    """The box may not use that D-Bus, and trying again does not help."""

    needs_person = True
    remedy = 'Set music.bus = "system": the service cannot use the bus of a person; docs/home-assistant.md says more.'


class Players:
    """Players on a bus that is connected. What a player does not answer counts as nothing."""

    def __init__(self, bus: MessageBus, aside: Aside) -> None:
        self._bus = bus
        self._aside = aside
        self._refusals: set[tuple[str, str]] = set()

    async def playing(self) -> dict[str, float]:
        """Return the volume of each player that plays, by its name; usually 0 to 1."""
        return await self._call(self._find_playing())

    async def states(self) -> dict[str, str]:
        """Return what each player does, such as "Playing", by its name; empty for one that does not answer the box."""
        return await self._call(self._find_states())

    async def volume(self, name: str) -> float | None:
        """Return the volume of a player, ``None`` if it is gone."""
        return await self._call(self._volume(name))

    async def set_volume(self, name: str, volume: float) -> None:
        """Set the volume of a player; one that cannot be set is left alone."""
        await self._call(self._set_volume(name, volume))

    async def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            return await self._aside.call(work, limit_s=_LIMIT_S * (_MOST_PLAYERS + 1))
        except (OSError, EOFError, AsideEnded) as error:
            raise BusUnavailable(f"the bus of the players is lost: {type(error).__name__}") from None

    # --- in the library's loop ----------------------------------------------------------------------------------------

    async def _find_states(self) -> dict[str, str]:
        if not self._bus.connected:
            raise ConnectionResetError
        bus = "org.freedesktop.DBus"
        names = _value_of(await self._ask(bus, "/org/freedesktop/DBus", bus, "ListNames"))
        players = [name for name in names or [] if isinstance(name, str) and name.startswith(_PREFIX)]
        found = {name: await self._property(name, "PlaybackStatus") for name in sorted(players)[:_MOST_PLAYERS]}
        return {name: state if isinstance(state, str) else "" for name, state in found.items()}

    async def _find_playing(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, state in (await self._find_states()).items():
            if state == "Playing" and (volume := await self._volume(name)):
                found[name] = volume
        return found

    async def _volume(self, name: str) -> float | None:
        volume = await self._property(name, "Volume")
        return float(volume) if isinstance(volume, float | int) and 0 <= volume <= 10 else None

    async def _set_volume(self, name: str, volume: float) -> None:
        answer = await self._ask(name, _PATH, _PROPERTIES, "Set", "ssv", [_PLAYER, "Volume", Variant("d", volume)])
        if answer is not None and answer.error_name in _READ_ONLY:
            # shairport-sync asks the phone that plays to change it, by a method of its own.
            answer = await self._ask(name, _PATH, _PLAYER, "SetVolume", "d", [volume])
        self._note_refusal(name, "SetVolume", answer)

    async def _property(self, name: str, which: str) -> Any:
        answer = await self._ask(name, _PATH, _PROPERTIES, "Get", "ss", [_PLAYER, which])
        self._note_refusal(name, which, answer)
        value = _value_of(answer)
        return value.value if isinstance(value, Variant) else None

    async def _ask(
        self, name: str, path: str, interface: str, member: str, signature: str = "", body: list[Any] | None = None
    ) -> Message | None:
        """Return a call's answer, which may be an error, ``None`` if there is none in time."""
        message = Message(
            destination=name, path=path, interface=interface, member=member, signature=signature, body=body or []
        )
        with suppress(TimeoutError, DBusError):
            async with asyncio.timeout(_LIMIT_S):
                return await self._bus.call(message)
        return None

    def _note_refusal(self, name: str, what: str, answer: Message | None) -> None:
        """Log once what a player, or the bus in its place, refuses; one that has just ended refuses nothing."""
        if answer is None or answer.message_type is not MessageType.ERROR or answer.error_name in _GONE:
            return
        if (name, what) in self._refusals or len(self._refusals) >= _MOST_REFUSALS:
            return
        self._refusals.add((name, what))
        player, error = name.removeprefix(_PREFIX), str(answer.error_name)
        tell(_log, logging.WARNING, "music-refused", player=player, what=what, error=error)


def _value_of(answer: Message | None) -> Any:
    """Return the first value of an answer, ``None`` if it is an error or empty."""
    is_result = answer is not None and answer.message_type is MessageType.METHOD_RETURN
    return answer.body[0] if answer is not None and is_result and answer.body else None


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
        except PermissionError:
            raise BusRefused(f"the box may not use the bus {bus} of the players") from None
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
