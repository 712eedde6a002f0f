"""A logind on a private bus that shuts nothing down: ``python small_logind.py ANSWER``, of CanPowerOff."""

import asyncio
import sys

from dbus_fast import DBusError, ErrorType
from dbus_fast.aio import MessageBus
from dbus_fast.constants import BusType
from dbus_fast.service import ServiceInterface, method

NAME = "org.freedesktop.login1"


class Manager(ServiceInterface):
    """The two methods that matter; it prints what is asked of it, and refuses unless the answer is "yes"."""

    def __init__(self, answer: str) -> None:
        super().__init__(f"{NAME}.Manager")
        self._answer = answer

    @method()
    def CanPowerOff(self) -> "s":  # type: ignore[name-defined]  # noqa: F821, N802 - D-Bus types and names
        return self._answer

    @method()
    def PowerOff(self, interactive: "b") -> None:  # type: ignore[name-defined]  # noqa: F821, N802
        print(f"PowerOff {interactive}", flush=True)  # noqa: T201 - for the test that waits for it
        if self._answer != "yes":
            raise DBusError(ErrorType.ACCESS_DENIED, "Interactive authentication required.")


async def main(answer: str) -> None:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus.export("/org/freedesktop/login1", Manager(answer))
    await bus.request_name(NAME)
    print("ready", flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
