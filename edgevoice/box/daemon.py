"""Daemon: `edgevoice run`, from the command line to an exit status. Reads the settings, and stops at a signal."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from edgevoice import __version__, heap, journal
from edgevoice.box.context import context_of
from edgevoice.box.live_settings import LiveSettings
from edgevoice.box.preflight import find_what_is_named
from edgevoice.box.running import serve, shown_s
from edgevoice.core.orders import Light
from edgevoice.errors import (
    EdgevoiceError,
    PanelUnavailable,
    SettingsInvalid,
    WakeWordUnavailable,
    can_pass,
    of_machine,
)
from edgevoice.host.credentials import Key
from edgevoice.host.garbage import Collector, spare_nothing, spare_what_is_there
from edgevoice.journal import tell
from edgevoice.observers.status_file import NAME as STATUS_NAME
from edgevoice.observers.status_file import StatusFile
from edgevoice.panel.opening import open_panel, shows_on_terminal
from edgevoice.settings.file import load, salvage_panel
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import cache_folder
from edgevoice.wakeword.words import spoken, wake_words
from edgevoice.wall_clock import local_now

_log = logging.getLogger(__name__)

EXIT_SETTINGS = 78
"""EX_CONFIG of sysexits.h: a restart cannot help before a person has acted. systemd leaves the box off."""

_SETTLED_S = 1.0
"""How long after the start its leftovers are collected: both streams are open by then."""

EXIT_AGAIN = 1
"""For everything else: systemd restarts the box."""


def main(arguments: Sequence[str]) -> int:
    """Run the daemon for ``edgevoice run``; return the exit status: 0 stopped, 78 a person must act, 1 try again."""
    heap.keep_little()
    path = _settings_path(arguments)
    try:
        loaded = load(path, os.environ, spares_lights=True)
        key = find_what_is_named(loaded.settings, os.environ)
    except (SettingsInvalid, WakeWordUnavailable) as error:
        return _refuse(error, path)
    except OSError as error:
        if (trouble := of_machine(error)) is None:
            raise
        return _refuse(trouble, path)
    journal.start(loaded.settings.log.level)
    for fault in loaded.dark:
        tell(_log, logging.WARNING, "light-left-out", problem=fault, remedy="edgevoice config check")
    try:
        asyncio.run(_until_signal(loaded.settings, key, lambda: load(path, os.environ).settings, path))
    except EdgevoiceError as error:
        return _stopped(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the one place that catches all: systemd restarts us
        if (trouble := of_machine(error)) is not None:
            return _stopped(trouble)
        _log.exception("crashed")
        return EXIT_AGAIN
    return 0


def _settings_path(arguments: Sequence[str]) -> Path | None:
    if not arguments:
        return None
    # Not loaded for the service: it passes no arguments.
    from argparse import ArgumentParser  # noqa: PLC0415

    parser = ArgumentParser(prog="edgevoice run", description="Run the smart speaker until it is stopped.")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the settings; by default /etc/edgevoice/edgevoice.toml, else ~/.config/edgevoice/edgevoice.toml",
    )
    found: Path | None = parser.parse_args(arguments).config
    return found


def _stopped(error: EdgevoiceError) -> int:
    tell(_log, logging.ERROR, "stopped", code=error.code, problem=error.line())
    return exit_status(error)


def exit_status(error: EdgevoiceError) -> int:
    """Return the exit status for an error: 78 only if nothing helps before a person has acted."""
    return EXIT_AGAIN if can_pass(error) else EXIT_SETTINGS


async def _until_signal(
    settings: Settings, key: Key | None, read: Callable[[], Settings], path: Path | None = None
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with context_of(settings, key, os.environ) as found:
        status = StatusFile(_status_place(), __version__, defer=loop.call_soon, now=local_now)
        context = replace(
            found,
            observers=(*found.observers, Collector(), status),
            environment=os.environ,
            live=LiveSettings(settings, read, remark=status.remark),
            note_echo_reference=status.note_echo_reference,
            storage=replace(found.storage, settings_file=path),
        )
        problem = ""
        try:
            await serve(_shown(settings), context, stop, lambda _parts: _started(settings))
        except EdgevoiceError as error:
            problem = error.line()
            if found.storage.failures is not None:
                found.storage.failures.ended(error)
            raise
        finally:
            status.ended(problem)
            spare_nothing()


def _shown(settings: Settings) -> Settings:
    """Return the settings with a panel on the terminal if a person uses one and nothing else would be shown.

    This applies only to the running box: a reload is compared with what the file says.
    """
    if not shows_on_terminal(settings.panel, os.environ):
        return settings
    return structs.replace(settings, panel=structs.replace(settings.panel, kind="terminal"))


def _status_place() -> Path:
    return cache_folder(os.environ) / STATUS_NAME


def _started(settings: Settings) -> None:
    """Finish the start once the box listens: at a terminal, print what to say."""
    # Not at once: nothing else of ours runs meanwhile, and the microphone is just being opened.
    asyncio.get_running_loop().call_later(_SETTLED_S, spare_what_is_there)
    if sys.stderr.isatty():
        words = " or ".join(f'"{spoken(word.name)}"' for word in wake_words(settings.wakeword))
        # Over the line that the panel keeps at the foot of the terminal.
        print(f"\r\x1b[2KSay {words}. Ctrl-C ends it.", file=sys.stderr)  # noqa: T201 - for a person, not for a log


def _refuse(error: EdgevoiceError, path: Path | None) -> int:
    """Print why the settings cannot be used, and show the fault light for a moment if its pins can still be known."""
    print(error.line(), file=sys.stderr)  # noqa: T201 - before the settings are read there is no log to write to
    StatusFile(_status_place(), __version__, defer=lambda _write: None, now=local_now).ended(error.line())
    panel = salvage_panel(path, os.environ)
    with ExitStack() as opened:
        if panel is not None:
            with contextlib.suppress(PanelUnavailable):
                lights, _ = open_panel(panel, opened)
                lights.show(Light.FAULT, error.code)
        if panel is not None or can_pass(error):
            time.sleep(shown_s(error))
    return exit_status(error)
