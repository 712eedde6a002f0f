"""`edgevoice talk`: the box at the keyboard, with transcripts of both sides."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from edgevoice import journal
from edgevoice.box.assembly import Parts
from edgevoice.box.context import context_of
from edgevoice.box.running import serve
from edgevoice.commands.screen import Screen
from edgevoice.core.facts import MutePressed, TalkHeld, TalkPressed
from edgevoice.host.credentials import find_key
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings

_HELP = "Enter: talk, or interrupt.  h + Enter: hang up.  m + Enter: mute.  q + Enter, or Ctrl-C: quit."


def talk(path: Path | None) -> int:
    """Run until the user quits; return the exit status."""
    loaded = load(path, os.environ)
    key = find_key(loaded.settings.service, os.environ)
    journal.start("warning")

    async def run() -> None:
        stop = asyncio.Event()
        # Ctrl-C is how people quit: turn lights off and end the service, and do not leave a half-drawn line.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        screen = Screen(began=time.monotonic())
        async with context_of(loaded.settings, key, os.environ) as found:
            observers, storage = (screen, *found.observers), replace(found.storage, settings_file=path)
            context = replace(found, observers=observers, storage=storage, wants_wakeword=False)
            await serve(_watched(loaded.settings), context, stop, lambda parts: _listen_to_keys(parts, stop, screen))
        screen.close()

    asyncio.run(run())
    return 0


def _watched(settings: Settings) -> Settings:
    """Return settings for a box whose screen shows what it does: it runs even if its lights cannot be used."""
    return structs.replace(settings, panel=structs.replace(settings.panel, without_lights="listen"))


def _listen_to_keys(parts: Parts, stop: asyncio.Event, screen: Screen) -> None:
    loop = asyncio.get_running_loop()
    screen.say(_HELP, time.monotonic())

    def read() -> None:
        try:
            line = sys.stdin.readline()
        except OSError:
            line = ""  # the terminal has hung up
        match line.strip().lower():
            case _ if not line:
                stop.set()
                loop.remove_reader(sys.stdin)
            case "q":
                stop.set()
            case "h":
                parts.engine.report(TalkHeld())
            case "m":
                parts.engine.report(MutePressed())
            case "":
                parts.engine.report(TalkPressed(parts.microphone.position))
            case _:
                screen.say(_HELP, time.monotonic())

    try:
        loop.add_reader(sys.stdin, read)
    except PermissionError:
        # A plain file cannot be waited for, and no person types into it.
        stop.set()
