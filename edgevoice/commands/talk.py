"""`edgevoice talk`: the box at the keyboard, with transcripts of both sides."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from edgevoice import journal
from edgevoice.box.assembly import Parts
from edgevoice.box.daemon import answering_service, answers_itself, serve
from edgevoice.commands.screen import Screen
from edgevoice.core.facts import MutePressed, TalkHeld, TalkPressed
from edgevoice.echo.record import read_record
from edgevoice.host.credentials import find_key
from edgevoice.observers.minutes import Minutes
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings
from edgevoice.store.files import sweep
from edgevoice.store.folders import cache_folder, state_folder

_HELP = "Enter: talk, or interrupt.  h + Enter: hang up.  m + Enter: mute.  q + Enter, or Ctrl-C: leave."


def talk(path: Path | None) -> int:
    """Run until the user leaves; return the exit status."""
    loaded = load(path, os.environ)
    key = find_key(loaded.settings.service, os.environ)
    journal.start("warning")

    async def run() -> None:
        stop = asyncio.Event()
        # Ctrl-C is how people leave: lights off and the service ended, not a half-drawn line.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        screen = Screen(began=time.monotonic())
        state, is_free = state_folder(os.environ), answers_itself(loaded.settings, key)
        sweep(state)
        async with answering_service(loaded.settings, key, os.environ) as (endpoint, watching):
            await serve(
                _watched(loaded.settings),
                endpoint,
                stop,
                observers=(screen, *watching),
                wants_wakeword=False,
                record=read_record(state),
                minutes=None if is_free else Minutes(state, loaded.settings.budget.daily_minutes),
                sayings=cache_folder(os.environ),
                cards=state / "cards.json",
                started=lambda parts: _listen_to_keys(parts, stop, screen),
            )
        screen.close()

    asyncio.run(run())
    return 0


def _watched(settings: Settings) -> Settings:
    """Return the settings of a box whose screen shows what it does: lights that cannot be had are no reason to stop."""
    return replace(settings, panel=replace(settings.panel, without_lights="listen"))


def _listen_to_keys(parts: Parts, stop: asyncio.Event, screen: Screen) -> None:
    loop = asyncio.get_running_loop()
    screen.say(_HELP, time.monotonic())

    def read() -> None:
        line = sys.stdin.readline()
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
        # A plain file cannot be waited for; there is no person behind it either.
        stop.set()
