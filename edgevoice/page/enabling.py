"""Switching the page of an installed box on and off: systemd holds its port, and starts it when a browser comes."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from edgevoice.page.listening import PageUnavailable
from edgevoice.settings.page import PageSettings
from edgevoice.store.files import write_whole

SOCKET: Final = "edgevoice-page.socket"
UNITS: Final = Path("/etc/systemd/system")
DEFAULT_PORT: Final = PageSettings().port

Run = Callable[[Sequence[str]], None]


def enable(settings: PageSettings, run: Run, units: Path = UNITS) -> None:
    """Let systemd listen as the settings say, now and from every start on. Raises ``PageUnavailable``."""
    drop_in = units / f"{SOCKET}.d" / "10-page.conf"
    try:
        if settings.lan or settings.port != DEFAULT_PORT:
            drop_in.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_whole(drop_in, _drop_in(settings).encode(), is_durable=True)
            drop_in.chmod(0o644)
        else:
            drop_in.unlink(missing_ok=True)
    except OSError as error:
        raise PageUnavailable(f"{drop_in} cannot be written: {error.strerror}", remedy="Use sudo.") from error
    run(["systemctl", "daemon-reload"])
    # Its port may have changed, and then the page must let go of the old one.
    run(["systemctl", "stop", SOCKET, "edgevoice-page.service"])
    run(["systemctl", "enable", "--now", SOCKET])


def disable(run: Run) -> None:
    """Stop serving the page, now and after a restart. Raises ``PageUnavailable``."""
    run(["systemctl", "disable", "--now", SOCKET])
    run(["systemctl", "stop", "edgevoice-page.service"])


def systemctl(command: Sequence[str]) -> None:
    """Run a command of systemd's. Raises ``PageUnavailable``."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PageUnavailable(
            f"{command[0]} cannot be run: {error}", remedy="Use sudo, on an installed box."
        ) from error
    if done.returncode != 0:
        problem = " ".join(done.stderr.split())[:200] or f"status {done.returncode}"
        raise PageUnavailable(f"`{' '.join(command)}`: {problem}", remedy="Use sudo, on an installed box.")


def _drop_in(settings: PageSettings) -> str:
    addresses = ["0.0.0.0", "[::]"] if settings.lan else ["127.0.0.1", "[::1]"]  # noqa: S104 - the owner's choice
    lines = [f"ListenStream={address}:{settings.port}" for address in addresses]
    return "\n".join(
        ["# Written by `edgevoice page enable` from [page] of the settings.", "[Socket]", "ListenStream=", *lines, ""]
    )
