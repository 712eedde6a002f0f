"""A player on the session bus that is only turned up and down: ``python small_player.py NAME STATUS VOLUME``.

One called "phone" is like shairport-sync: its property cannot be set, a method sets it.
"""

import asyncio
import sys

from dbus_fast.aio import MessageBus
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_property, method


class Player(ServiceInterface):
    """The two properties of a player that matter."""

    def __init__(self, status: str, volume: float) -> None:
        super().__init__("org.mpris.MediaPlayer2.Player")
        self._status = status
        self._volume = volume

    @dbus_property(access=PropertyAccess.READ)
    def PlaybackStatus(self) -> "s":  # type: ignore[name-defined]  # noqa: F821, N802 - D-Bus types and names
        return self._status

    @dbus_property()
    def Volume(self) -> "d":  # type: ignore[name-defined]  # noqa: F821, N802
        return self._volume

    @Volume.setter  # type: ignore[no-redef]
    def Volume(self, volume: "d") -> None:  # type: ignore[name-defined]  # noqa: F821, N802
        self._volume = volume


class Phone(Player):
    """A player whose volume somebody else keeps."""

    @dbus_property(access=PropertyAccess.READ)
    def Volume(self) -> "d":  # type: ignore[name-defined]  # noqa: F821, N802
        return self._volume

    @method()
    def SetVolume(self, volume: "d") -> None:  # type: ignore[name-defined]  # noqa: F821, N802
        self._volume = volume


async def main(name: str, status: str, volume: float) -> None:
    bus = await MessageBus().connect()
    bus.export("/org/mpris/MediaPlayer2", (Phone if name == "phone" else Player)(status, volume))
    await bus.request_name(f"org.mpris.MediaPlayer2.{name}")
    print("ready", flush=True)  # noqa: T201 - for the test that waits for it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
