"""By which id a broker knows this box: stable over restarts and updates, and not the machine's own."""

import hashlib
import socket
from pathlib import Path

_MACHINE_ID = Path("/etc/machine-id")


def box_id(machine_id: Path = _MACHINE_ID) -> str:
    """Return 12 hexadecimal digits made from the machine's id, which is never shown to others (machine-id(5))."""
    try:
        own = machine_id.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        own = ""
    return hashlib.sha256(f"edgevoice {own or socket.gethostname()}".encode()).hexdigest()[:12]


def box_name() -> str:
    """Return what a box without a name of its own is called: as its machine is."""
    return socket.gethostname().partition(".")[0] or "edgevoice"
