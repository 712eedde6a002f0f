"""Where the control socket is: in systemd's runtime folder of the service, else in the user's own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgevoice.store.folders import runtime_folder

NAME: Final = "control.sock"

SERVICE_SOCKET: Final = Path("/run/edgevoice") / NAME
"""The socket of a box that is installed as a service, in the unit's RuntimeDirectory=."""


@dataclass(frozen=True, slots=True)
class ControlPlace:
    """Where a box opens its socket, and the group whose members may use it; ``None`` for nobody but root and itself."""

    path: Path
    group: int | None


def own_place(environment: Mapping[str, str]) -> ControlPlace | None:
    """Return where this process opens its socket; ``None`` if it has no runtime folder."""
    if (folder := runtime_folder(environment)) is None:
        return None
    is_service = bool(environment.get("RUNTIME_DIRECTORY"))
    return ControlPlace(folder / NAME, os.getegid() if is_service else None)


def socket_to_reach(environment: Mapping[str, str]) -> Path:
    """Return the socket of the box on this machine: the service's if it runs, else that of this user's own box."""
    own = own_place(environment)
    # Only the folder can be seen by everybody: whoever may not look into it should hear that, not that no box runs.
    return SERVICE_SOCKET if own is None or SERVICE_SOCKET.parent.is_dir() else own.path
