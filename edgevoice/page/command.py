"""`edgevoice page`: serves the live page, switches it on and off, and says which browsers are paired."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edgevoice import journal
from edgevoice.control.client import Client
from edgevoice.errors import EdgevoiceError, SettingsInvalid
from edgevoice.page import enabling, guard
from edgevoice.page.link import BoxLink
from edgevoice.page.listening import given_sockets, open_sockets
from edgevoice.page.pairings import Pairings
from edgevoice.page.server import Access, PageServer
from edgevoice.page.session import Means, Tickets
from edgevoice.page.settings_file import SettingsFile
from edgevoice.settings.file import Loaded, load
from edgevoice.settings.page import PageSettings
from edgevoice.store.folders import state_folder
from edgevoice.wall_clock import local_now

IDLE_S: Final = 600.0
"""After so long without a browser the page ends; systemd starts it again for the next one."""

SERVICE_STATE: Final = Path("/var/lib/edgevoice-page")
"""The unit's StateDirectory=."""


def main(arguments: Sequence[str]) -> int:
    """Carry out the command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _carry_out(options)
    except EdgevoiceError as error:
        sys.stderr.write(f"{error.line()}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgevoice page", description="The live page of the box in a browser: docs/page.md."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings; by default those of the box")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the box's control socket; by default as for ctl")
    parser.add_argument("--state", type=Path, metavar="FOLDER", help="where paired browsers are kept")
    parser.add_argument("--port", type=int, metavar="PORT", help="another port than page.port; 0 is any free one")
    parser.add_argument("--idle-s", type=float, metavar="S", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="serve the page until Ctrl-C (the default)")
    commands.add_parser("enable", help="have systemd serve it from now on, as [page] of the settings says (root)")
    commands.add_parser("disable", help="have it served no longer (root)")
    commands.add_parser("press", help="do what a press of the talk button does for pairing, on a box without one")
    commands.add_parser("list", help="list the paired browsers")
    revoking = commands.add_parser("revoke", help="end the pairing of a browser, or of all")
    revoking.add_argument("browser", metavar="NUMBER|all", help="its number in the list")
    return parser


def _carry_out(options: argparse.Namespace) -> int:
    settings = _loaded(options.config)
    page = settings.settings.page if settings is not None else PageSettings()
    pairings = Pairings(_state(options.state), local_now, days=page.pairing_days)
    match options.command:
        case "enable":
            enabling.enable(page, enabling.systemctl)
            print(f"The page is at {_address(page.port, lan=page.lan)}")
        case "disable":
            enabling.disable(enabling.systemctl)
            print("The page is off.")
        case "press":
            asyncio.run(_press(options.socket))
            print("The box says six digits; type them on the page.")
        case "list":
            for each in (paired := pairings.all()):
                print(f"{each.number:>4}  {each.browser}, paired {each.paired}, until {each.until}")
            if not paired:
                print("no browser is paired")
        case "revoke":
            return _revoke(pairings, options.browser)
        case _:
            path = settings.source if settings is not None else options.config
            return _serve(options, page, pairings, path)
    return 0


def _loaded(path: Path | None) -> Loaded | None:
    """Return the settings; ``None`` if they are refused: the page shows what is wrong with them."""
    try:
        return load(path, os.environ)
    except SettingsInvalid as error:
        sys.stderr.write(f"{error.line()}\n")
        return None


def _state(given: Path | None) -> Path:
    if given is not None:
        return given
    # A command of root's is about the installed page, whose unit is not there to name its folder.
    is_about_service = "STATE_DIRECTORY" not in os.environ and SERVICE_STATE.is_dir() and os.geteuid() == 0
    return SERVICE_STATE if is_about_service else state_folder(os.environ)


async def _press(place: Path | None) -> None:
    async with Client(place) as box:
        await box.pair("press")


def _revoke(pairings: Pairings, browser: str) -> int:
    if browser != "all" and not browser.isdecimal():
        sys.stderr.write(f"{browser[:24]}: expected the number of a browser, or all\n")
        return 2
    revoked = pairings.revoke(None if browser == "all" else int(browser))
    if not revoked and browser != "all":
        sys.stderr.write(f"no browser {browser[:24]} is paired; `edgevoice page list` shows those that are\n")
        return 1
    print(f"{revoked} {'browser is' if revoked == 1 else 'browsers are'} no longer paired.")
    return 0


def _serve(options: argparse.Namespace, page: PageSettings, pairings: Pairings, path: Path | None) -> int:
    journal.start("info")
    sockets = given_sockets(os.environ)
    idle_s = options.idle_s if options.idle_s is not None else IDLE_S if sockets else None
    if not sockets:
        sockets = open_sockets(page.port if options.port is None else options.port, lan=page.lan)
        print(f"The page is at {_address(sockets[0].getsockname()[1], lan=page.lan)}", flush=True)
    access = Access(guard.names_of(socket.gethostname(), page.names), page.lan, page.pairing_days)
    means = (options.socket, pairings, SettingsFile(path))
    try:
        asyncio.run(_until_signal(sockets, access, *means, idle_s=idle_s))
    finally:
        for each in sockets:
            each.close()
    return 0


async def _until_signal(
    sockets: Sequence[socket.socket],
    access: Access,
    place: Path | None,
    pairings: Pairings,
    settings: SettingsFile,
    *,
    idle_s: float | None,
) -> None:
    server = PageServer(Means(BoxLink(place), pairings, settings, Tickets()), access)
    serving = asyncio.ensure_future(server.run(sockets, idle_s=idle_s))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _address(port: int, *, lan: bool) -> str:
    return f"http://{socket.gethostname()}.local:{port}" if lan else f"http://localhost:{port}"
