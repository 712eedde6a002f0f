"""Running: opens a box, runs its parts in one task group, and switches the hardware off whatever happens."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from edgevoice.box.assembly import Parts, assemble
from edgevoice.box.context import BoxContext
from edgevoice.box.drift import DriftWatch
from edgevoice.box.hearing import Hearing
from edgevoice.box.mcp_servers import McpServers
from edgevoice.box.night_volume import night_volume_of
from edgevoice.box.presses import Presses
from edgevoice.box.sayings import Sayings
from edgevoice.box.word_fit import stop_word_fit
from edgevoice.core.orders import Light
from edgevoice.core.panel_facts import BoxStarted, BoxStarting, BoxStopping
from edgevoice.core.ports import Observer, Panel
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import EdgevoiceError, can_pass, of_machine
from edgevoice.host.power import PowerOff
from edgevoice.host.service_manager import ServiceManager
from edgevoice.host.stalls import StallWatch
from edgevoice.host.strays import lasting, strays_caught
from edgevoice.observers.conversation_log import ConversationLog
from edgevoice.observers.kept_panel import KeptPanel
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lights import Lights
from edgevoice.panel.opening import open_mute_pin, open_panel, open_panel_buttons
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import cache_folder
from edgevoice.wakeword.opening import open_outcomes
from edgevoice.wakeword.stop_words import open_stop_words

_SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter: at Python's own 5 ms, busy code starved the output callback 9 to 11 times
in 6 s.
"""

_FAULT_SHOWN_S = 3.0

_AGAIN_S = 12.0
"""How long a box waits, its fault light on, before systemd restarts it: with RestartSec=5 fewer than five starts in a
minute, after which systemd would leave it off (StartLimitBurst=).
"""

Started = Callable[[Parts], None]
"""Called once when the box listens."""


async def serve(
    settings: Settings, context: BoxContext, stop: asyncio.Event, started: Started = lambda _parts: None
) -> None:
    """Run the box until ``stop`` is set.

    An error that a person can fix is raised as an ``EdgevoiceError``; with any error, lights and amplifier are off
    before it is raised.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    manager = ServiceManager()
    with ExitStack() as opened:
        panel, pins = open_panel(
            settings.panel, opened, factory=context.pins, is_audible=settings.speaker.earcon_percent > 0
        )
        _dim(panel, context.storage.kept_panel)
        panel.show(Light.STARTING)
        try:
            amplifier = open_mute_pin(settings.amplifier, opened, pins or context.pins)
            parts = assemble(settings, context, panel, amplifier=amplifier)
            presses = Presses(parts.mailbox.post, parts.mailbox.call)
            if pins is not None:
                open_panel_buttons(
                    settings.panel,
                    opened,
                    pins,
                    position=lambda: parts.microphone.position,
                    post=presses.post,
                )
            if context.live is not None:
                reload = reload_of(context, manager)
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
            observers = observers_of(settings, context, parts, manager, presses)
            parts.engine.add_observers(observers)
            await run(parts, observers, manager, stop, started)
        except (EdgevoiceError, OSError, MemoryError) as error:
            trouble = error if isinstance(error, EdgevoiceError) else of_machine(error)
            if trouble is None:
                raise
            await _show(trouble, panel, manager, stop)
            raise trouble from error.__cause__
        finally:
            manager.stopping()


def _dim(panel: Panel, kept: KeptPanel | None) -> None:
    """Give the lights the brightness that was set last."""
    lights = panel.beside if isinstance(panel, HeardPanel) else panel
    if kept is not None and isinstance(lights, Lights):
        lights.brightness_percent = kept.levels.brightness


def reload_of(context: BoxContext, manager: ServiceManager) -> Callable[[], str]:
    """Return what reads the settings and the owner's tools again, and returns what a person should know about it."""

    def work() -> str:
        context.storage.tool_files.reload()
        return context.live.reload() if context.live is not None else ""

    return partial(manager.reload, work)


def observers_of(
    settings: Settings,
    context: BoxContext,
    parts: Parts,
    manager: ServiceManager,
    presses: Presses | None = None,
) -> Sequence[Observer]:
    """Return everything that watches the box or runs beside it, in the order in which they see each notice.

    A feature that watches or reports is one more entry: here if it needs the parts, else in ``context.observers``.
    """
    storage = context.storage
    minutes, near_misses, sayings = storage.minutes, storage.near_misses, storage.sayings
    speak = parts.announcements.speech.say if parts.announcements.speech is not None else None
    entries: list[Observer | None] = [
        minutes,  # ahead of the log, which writes how many there were
        manager,
        ConversationLog(
            lambda: parts.xruns,
            lambda: minutes.today_s if minutes is not None else 0.0,
            lambda: parts.uplink.lost / NEAR_END_HZ,
        ),
        storage.failures,
        storage.kept_panel,
        PowerOff() if settings.panel.shuts_down else None,
        night_volume_of(settings, parts.speaker.limit_volume),
        _whispers(settings, parts),
        *context.observers,
        *(storage.remembering.observers if storage.remembering is not None else ()),
        storage.speaking,
        McpServers(context.mcp, parts.listening) if context.mcp is not None else None,
        StallWatch(settings.watchdog.stall_s),
        Hearing(parts.microphone, parts.detector, settings.microphone.zeros_s),
        DriftWatch(parts.echo.reference) if parts.echo is not None else None,
        parts.echo.room if parts.echo is not None else None,
        _mix(settings, context, parts),
        open_outcomes(near_misses) if near_misses is not None and parts.detector is not None else None,
        parts.announcements.speech,
        parts.alarms,
        _stop_words(settings, parts),
        Sayings(sayings, parts.speaker.learn, parts.listening, speak) if sayings is not None else None,
        parts.announcements,
        *_guests(settings, context, parts, manager, presses or Presses(parts.mailbox.post, parts.mailbox.call)),
    ]
    return [entry for entry in entries if entry is not None]


def _mix(settings: Settings, context: BoxContext, parts: Parts) -> Observer | None:
    """Return what captures the echo's reference, if that is not the box's own sound alone."""
    if parts.echo is None or parts.echo.mix is None:
        return None
    from edgevoice.box.echo_reference import EchoReference  # noqa: PLC0415 - not loaded otherwise

    names = settings.echo.reference, settings.microphone.device
    return EchoReference(parts.echo.mix, parts.microphone, *names, context.note_echo_reference)


def _stop_words(settings: Settings, parts: Parts) -> Observer | None:
    if not settings.alarms.stop_word:
        return None
    stop_words = open_stop_words(cache_folder(os.environ), parts.mailbox.post, stop_word_fit)
    parts.microphone.hear_also(stop_words.hear)
    return stop_words


def _whispers(settings: Settings, parts: Parts) -> Observer | None:
    if settings.conversation.whisper == "off":
        return None
    from edgevoice.box.whispers import Whispers  # noqa: PLC0415 - not loaded where it is disabled

    return Whispers(parts.microphone, parts.speaker, parts.session)


def _guests(
    settings: Settings, context: BoxContext, parts: Parts, manager: ServiceManager, presses: Presses
) -> Sequence[Observer]:
    """Return what speaks to other programs; each may fail alone. Without any, nothing is loaded for them."""
    if context.control is None and (context.environment is None or not wants_guests(settings)):
        return ()
    from edgevoice.box.guests import open_guests  # noqa: PLC0415

    return open_guests(settings, context, parts, reload_of(context, manager), presses)


def wants_guests(settings: Settings) -> bool:
    """Return whether the settings ask for anything that speaks to other programs, beside the control socket."""
    return bool(settings.mqtt.host or settings.music.bus or settings.metrics.enabled)


async def run(
    parts: Parts, observers: Sequence[Observer], manager: ServiceManager, stop: asyncio.Event, started: Started
) -> None:
    """Run every part, and the observers beside them, until ``stop`` or until one fails.

    The error of the first one that failed is raised.
    """
    with strays_caught() as stray:
        parts.engine.report(BoxStarting())
        parts.engine.start()
        runs = [observer.run(parts.engine.report) for observer in observers]
        runs += [lasting(_sound(parts), "the sound system"), lasting(parts.link.run(), "the link")]
        if parts.detector is not None:
            runs.append(lasting(parts.detector.run(), "the wake word"))
        runs.append(manager.feed_watchdog(lambda: signs_of_life(parts)))
        runs.append(_announce(parts, manager, started))
        tasks = [asyncio.ensure_future(run) for run in runs]
        stopping = asyncio.ensure_future(stop.wait())
        try:
            waiting: set[asyncio.Future[Any]] = {stopping, stray, *tasks}
            while not stopping.done():
                # A part that has nothing to do (no watchdog) ends at once; one that fails stops the box.
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            parts.engine.report(BoxStopping())
        finally:
            parts.engine.stop()
            parts.tools.close()
            for task in (stopping, *tasks):
                task.cancel()
            await asyncio.gather(stopping, *tasks, return_exceptions=True)


def signs_of_life(parts: Parts) -> tuple[float, ...]:
    """Return when each part that must be alive last gave a sign of life, in monotonic seconds."""
    looked_at = parts.supervisor.looked_at
    if looked_at is not None:
        # Without a microphone the fault light shows it; a restart would not help, and would lose the timers.
        return (looked_at,)
    kept_up = (parts.detector.kept_up_at,) if parts.detector is not None else ()
    return (parts.microphone.called_at, *kept_up)


def shown_s(error: EdgevoiceError) -> float:
    """Return for how long the fault light shows an error that ends the box."""
    is_service = "NOTIFY_SOCKET" in os.environ
    return _AGAIN_S if is_service and can_pass(error) else _FAULT_SHOWN_S


async def _sound(parts: Parts) -> None:
    await parts.listening()
    await parts.supervisor.run()


async def _announce(parts: Parts, manager: ServiceManager, started: Started) -> None:
    await parts.listening()
    parts.engine.report(BoxStarted())
    manager.ready()
    started(parts)


async def _show(trouble: EdgevoiceError, panel: Panel, manager: ServiceManager, stop: asyncio.Event) -> None:
    """Show the error that ends the box, for a while or until it is stopped."""
    panel.show(Light.FAULT, trouble.code)
    manager.show_status(trouble.line())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), shown_s(trouble))
