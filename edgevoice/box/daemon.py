"""Daemon: starts the parts in order, runs them in one task group, and puts the hardware to rest whatever happens."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from edgevoice import __version__, journal
from edgevoice.audio.microphone import RATE_HZ
from edgevoice.box.assembly import Parts, assemble, open_mute_pin, open_panel, open_panel_buttons, shows_on_terminal
from edgevoice.box.hearing import watch_hearing
from edgevoice.box.live_settings import LiveSettings
from edgevoice.box.preflight import find_what_is_named
from edgevoice.box.sayings import learn
from edgevoice.core.orders import Light
from edgevoice.core.ports import Observer
from edgevoice.echo.record import EchoRecord, read_record
from edgevoice.echo.tiers import EchoPath
from edgevoice.errors import (
    EdgevoiceError,
    LocalServiceUnavailable,
    PanelUnavailable,
    SettingsInvalid,
    WakeWordUnavailable,
    can_pass,
    of_machine,
)
from edgevoice.host.credentials import Key
from edgevoice.host.garbage import Collector, spare_nothing, spare_what_is_there
from edgevoice.host.service_manager import ServiceManager
from edgevoice.host.stalls import watch_loop
from edgevoice.host.strays import lasting, strays_caught
from edgevoice.journal import tell
from edgevoice.local.process import LocalServiceProcess
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced
from edgevoice.observers.conversation_log import Diary
from edgevoice.observers.minutes import Minutes
from edgevoice.observers.status_file import NAME as STATUS_NAME
from edgevoice.observers.status_file import StatusFile
from edgevoice.panel.pins import PinFactory
from edgevoice.realtime.endpoint import Endpoint, local, remote
from edgevoice.settings.file import load, salvage_panel
from edgevoice.settings.schema import Settings
from edgevoice.store.files import sweep
from edgevoice.store.folders import cache_folder, state_folder
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog
from edgevoice.wakeword.words import spoken, wake_words
from edgevoice.wall_clock import local_now

_log = logging.getLogger(__name__)

EXIT_SETTINGS = 78
"""EX_CONFIG of sysexits.h: starting again cannot help before a person has acted. systemd leaves the box off."""

EXIT_AGAIN = 1
"""For everything else: systemd starts the box again."""

_SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter: at Python's own 5 ms, busy code starved the output callback 9 to 11 times
in 6 s.
"""

_FAULT_SHOWN_S = 3.0

_AGAIN_S = 12.0
"""How long a box waits, its fault light on, before systemd starts it again: with RestartSec=5 fewer than five starts in
a minute, after which systemd would leave it off (StartLimitBurst=).
"""

_DRIFT_LOOK_S = 60.0
_DRIFT_PPM = 20.0
"""Beyond this a canceller that is not told of it loses half of what it can do: two cards, each with its own crystal."""


async def serve(
    settings: Settings,
    endpoint: Callable[[], Endpoint],
    stop: asyncio.Event,
    *,
    observers: Sequence[Observer] = (),
    wants_wakeword: bool = True,
    factory: PinFactory | None = None,
    record: EchoRecord | None = None,
    live: LiveSettings | None = None,
    near_misses: NearMissLog | None = None,
    minutes: Minutes | None = None,
    sayings: Path | None = None,
    cards: Path | None = None,
    started: Callable[[Parts], None] = lambda _parts: None,
) -> None:
    """Run the box until ``stop`` is set; ``started`` is called once when it listens.

    ``factory`` stands in for the pins' own; ``record`` is what the echo's self-test has measured; ``near_misses`` is
    where the wake word's near misses are written down, and ``cards`` where the cards are that the settings name by
    numbers; ``minutes`` counts what the service bills, and is absent where it bills nothing; ``sayings`` is the folder
    of the sentences that the box says by itself. An error that a person can fix is an ``EdgevoiceError``; with any
    error, lights and amplifier are off before it leaves here.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    manager = ServiceManager()
    with ExitStack() as opened:
        panel, pins = open_panel(settings, opened, factory=factory)
        try:
            diary = Diary(
                lambda: parts.xruns,
                lambda: minutes.today_s if minutes is not None else 0.0,
                lambda: parts.uplink.lost / RATE_HZ,
            )
            everybody: tuple[Observer, ...] = (manager, diary, *observers)
            if minutes is not None:
                everybody = (minutes, *everybody)
            amplifier = open_mute_pin(settings, opened, pins or factory)
            parts = assemble(
                settings,
                endpoint,
                panel,
                observers=everybody,
                wants_wakeword=wants_wakeword,
                amplifier=amplifier,
                record=record,
                service=(lambda: live.service) if live is not None else None,
                near_misses=near_misses,
                cards=cards,
            )
            if pins is not None:
                open_panel_buttons(settings, opened, pins, parts)
            if live is not None:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, manager.reload, live.reload)
            runs = [watch_loop(settings.watchdog.stall_s)]
            if minutes is not None:
                runs.append(minutes.run(parts.engine.report))
            if sayings is not None:
                runs.append(_learn(sayings, parts))
            await _run(parts, manager, stop, started, runs)
        except (EdgevoiceError, OSError, MemoryError) as error:
            trouble = error if isinstance(error, EdgevoiceError) else of_machine(error)
            if trouble is None:
                raise
            panel.show(Light.FAULT, trouble.code)
            manager.show_status(trouble.line())
            await _wait(stop, _shown_s(trouble))
            raise trouble from error.__cause__
        finally:
            manager.stopping()


async def _run(
    parts: Parts,
    manager: ServiceManager,
    stop: asyncio.Event,
    started: Callable[[Parts], None],
    beside: Iterable[Coroutine[Any, Any, None]],
) -> None:
    """Run every part, and what goes on ``beside`` them, until ``stop`` or until one fails.

    The error of the first that failed leaves here.
    """
    with strays_caught() as stray:
        parts.engine.start()
        runs = [*beside, lasting(_sound(parts), "the sound system"), lasting(parts.link.run(), "the link")]
        runs.append(manager.feed_watchdog(lambda: _signs_of_life(parts)))
        runs.append(watch_hearing(parts.hearing, parts.engine.report))
        if parts.detector is not None:
            runs.append(lasting(parts.detector.run(), "the wake word"))
        if parts.echo is not None:
            runs.append(_watch_drift(parts.echo))
        runs.append(_announce(parts, manager, started))
        tasks = [asyncio.ensure_future(run) for run in runs]
        stopping = asyncio.ensure_future(stop.wait())
        try:
            waiting: set[asyncio.Future[Any]] = {stopping, stray, *tasks}
            while not stopping.done():
                # A part that has nothing to do (no watchdog) ends at once; one that fails takes the box down with it.
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            parts.engine.stop()
            parts.tools.close()
            for task in (stopping, *tasks):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)


async def _sound(parts: Parts) -> None:
    """Open the sound system once the wake word is loaded: loading it starves the callbacks."""
    if parts.detector is not None:
        await parts.detector.loaded.wait()
    await parts.supervisor.run()


async def _learn(folder: Path, parts: Parts) -> None:
    """Learn the sentences that the box says by itself, once it listens: making them takes seconds of a core."""
    if parts.detector is not None:
        await parts.detector.loaded.wait()
    await learn(folder, parts.speaker.learn)


async def _watch_drift(echo: EchoPath) -> None:
    """Say once when microphone and speaker run by different clocks, and that the canceller follows."""
    while True:
        await asyncio.sleep(_DRIFT_LOOK_S)
        ppm = echo.reference.drift_ppm
        if abs(ppm) > _DRIFT_PPM:
            tell(_log, logging.INFO, "clock-drift", ppm=round(ppm), why="two cards: the echo is followed")
            return


async def _announce(parts: Parts, manager: ServiceManager, started: Callable[[Parts], None]) -> None:
    """Say that the box listens, once its wake word is loaded."""
    if parts.detector is not None:
        await parts.detector.loaded.wait()
    manager.ready()
    started(parts)


def _signs_of_life(parts: Parts) -> tuple[float, ...]:
    looked_at = parts.supervisor.looked_at
    if looked_at is not None:
        # Without a microphone the fault light says so; a restart would bring none, and would forget the timers.
        return (looked_at,)
    kept_up = (parts.detector.kept_up_at,) if parts.detector is not None else ()
    return (parts.microphone.called_at, *kept_up)


async def _wait(stop: asyncio.Event, limit_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), limit_s)


@asynccontextmanager
async def answering_service(
    settings: Settings, key: Key | None, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Callable[[], Endpoint], Sequence[Observer]]]:
    """Give what is dialled for each session: the service on the network, or, without a key, the one inside the box.

    The observers must see what happens: one notes that the service inside the box has said once what it is.
    """
    if not answers_itself(settings, key):
        yield lambda: remote(settings.service, key.reveal() if key is not None else ""), ()
        return
    said = Announced(state_folder(environment) / "said-local-service")
    announcement = None if said.is_done else ANNOUNCEMENT
    async with LocalServiceProcess(announcement=announcement) as process:
        # Loading its models takes seconds: it is begun before anybody waits for an answer.
        starting = asyncio.create_task(_start_early(process))
        try:
            yield lambda: local(process.socket_path, process.prepare), (said,)
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)


def answers_itself(settings: Settings, key: Key | None) -> bool:
    """Tell whether the service inside the box is the one that answers."""
    return settings.service.url == "local" or (key is None and not settings.service.url)


async def _start_early(process: LocalServiceProcess) -> None:
    try:
        await process.ensure()
    except LocalServiceUnavailable as error:
        # The box runs on: it rings its timers, and says the same with the fault light when it is spoken to.
        tell(_log, logging.ERROR, "local-service", code=error.code, problem=error.line())


def main(arguments: Sequence[str]) -> int:
    """Run the daemon for ``edgevoice run``; return the exit status: 0 stopped, 78 a person must act, 1 try again."""
    parser = argparse.ArgumentParser(prog="edgevoice run", description="Run the smart speaker until it is stopped.")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the settings; the places searched else: see README"
    )
    path = parser.parse_args(arguments).config
    try:
        loaded = load(path, os.environ)
        key = find_what_is_named(loaded.settings, os.environ)
    except (SettingsInvalid, WakeWordUnavailable) as error:
        return _refuse(error, path)
    except OSError as error:
        if (trouble := of_machine(error)) is None:
            raise
        return _refuse(trouble, path)
    journal.start(loaded.settings.log.level)
    try:
        asyncio.run(_until_signal(loaded.settings, key, lambda: load(path, os.environ).settings))
    except EdgevoiceError as error:
        return _stopped(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the one place that catches all: systemd restarts us
        if (trouble := of_machine(error)) is not None:
            return _stopped(trouble)
        _log.exception("crashed")
        return EXIT_AGAIN
    return 0


def _stopped(error: EdgevoiceError) -> int:
    tell(_log, logging.ERROR, "stopped", code=error.code, problem=error.line())
    return exit_status(error)


def exit_status(error: EdgevoiceError) -> int:
    """Return how the daemon ends with an error: 78 only where nothing helps before a person has acted."""
    return EXIT_AGAIN if can_pass(error) else EXIT_SETTINGS


def _shown_s(error: EdgevoiceError) -> float:
    """Return for how long the fault light shows an error that ends the box."""
    is_service = "NOTIFY_SOCKET" in os.environ
    return _AGAIN_S if is_service and can_pass(error) else _FAULT_SHOWN_S


async def _until_signal(settings: Settings, key: Key | None, read: Callable[[], Settings]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    state, cache = state_folder(os.environ), cache_folder(os.environ)
    for folder in (state, cache):
        sweep(folder)
    async with answering_service(settings, key, os.environ) as (endpoint, watching):
        is_billed = not answers_itself(settings, key)
        near_misses = NearMissLog(state, most_clips=settings.wakeword.keep_near_misses)
        status = StatusFile(cache / STATUS_NAME, __version__, defer=loop.call_soon, now=local_now)
        problem = ""
        # Only here: what a file says stays what a reload is compared with.
        panel = structs.replace(settings.panel, kind="terminal")
        shown = structs.replace(settings, panel=panel) if shows_on_terminal(settings, os.environ) else settings
        try:
            await serve(
                shown,
                endpoint,
                stop,
                observers=(*watching, Collector(), status),
                record=read_record(state),
                near_misses=near_misses,
                minutes=Minutes(state, settings.budget.daily_minutes) if is_billed else None,
                sayings=cache,
                cards=state / "cards.json",
                live=LiveSettings(settings, read, remark=status.remark),
                started=lambda _parts: _started(settings),
            )
        except EdgevoiceError as error:
            problem = error.line()
            raise
        finally:
            status.ended(problem)
            spare_nothing()


def _started(settings: Settings) -> None:
    """Do what is left to do once the box listens: for a person at a terminal, say what to say."""
    spare_what_is_there()
    if sys.stderr.isatty():
        words = " or ".join(f'"{spoken(word.name)}"' for word in wake_words(settings.wakeword))
        # Over the line that the panel keeps at the foot of the terminal.
        print(f"\r\x1b[2KSay {words}. Ctrl-C ends it.", file=sys.stderr)  # noqa: T201 - for a person, not for a log


def _refuse(error: EdgevoiceError, path: Path | None) -> int:
    """Print why the settings cannot be used, and show the fault light for a moment if its pins can still be known."""
    print(error.line(), file=sys.stderr)  # noqa: T201 - before the settings are read there is no log to write to
    place = cache_folder(os.environ) / STATUS_NAME
    StatusFile(place, __version__, defer=lambda _write: None, now=local_now).ended(error.line())
    panel = salvage_panel(path, os.environ)
    with ExitStack() as opened:
        if panel is not None:
            with contextlib.suppress(PanelUnavailable):
                lights, _ = open_panel(Settings(panel=panel), opened)
                lights.show(Light.FAULT, error.code)
        if panel is not None or can_pass(error):
            time.sleep(_shown_s(error))
    return exit_status(error)
