"""The settings in force: a session's configuration may change without a restart; everything else waits for one."""

import logging
from collections.abc import Callable

from msgspec import structs

from edgevoice.errors import SettingsInvalid
from edgevoice.journal import tell
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings

_log = logging.getLogger(__name__)

_FIXED = ("url", "dialect", "auth", "key_file", "connect_s", "pong_s")
"""Which service to dial, and how, is decided at the start: the service inside the box is a separate process."""


class LiveSettings:
    """Holds the current settings; ``read`` rereads them and raises ``SettingsInvalid``.

    ``remark`` receives the result of each reload, see `reload`.
    """

    def __init__(
        self, settings: Settings, read: Callable[[], Settings], *, remark: Callable[[str], None] | None = None
    ) -> None:
        self._settings = settings
        self._read = read
        self._remark = remark or _nobody_reads

    @property
    def service(self) -> ServiceSettings:
        """Return the configuration of the next session."""
        return self._settings.service

    def reload(self) -> str:
        """Read the settings again and return what a person should know about it, empty if everything is in force.

        A file that is refused changes nothing.
        """
        try:
            new = self._read()
        except SettingsInvalid as error:
            tell(_log, logging.ERROR, "settings-kept", problem=error.line())
            return self._remarked(f"new settings refused: {error}")
        old = self._settings
        waiting = [
            name for name in old.__struct_fields__ if name != "service" and getattr(old, name) != getattr(new, name)
        ]
        waiting += [f"service.{name}" for name in _FIXED if getattr(old.service, name) != getattr(new.service, name)]
        kept = {name: getattr(old.service, name) for name in _FIXED}
        self._settings = structs.replace(old, service=structs.replace(new.service, **kept))
        tell(_log, logging.INFO, "settings-reloaded", from_the_next_session="service")
        if not waiting:
            return self._remarked("")
        tell(_log, logging.WARNING, "restart-needed", changed=" ".join(waiting))
        return self._remarked(f"restart needed for {', '.join(waiting)}")

    def _remarked(self, remark: str) -> str:
        self._remark(remark)
        return remark


def _nobody_reads(_remark: str) -> None:
    """Do nothing with the result."""
