"""Assembly: builds the adapters from the settings and joins them to the engine. Opens pins, no sound and no socket."""

import asyncio
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.microphone import RATE_HZ, Microphone
from edgevoice.audio.speaker import RATE_HZ as FAR_END_HZ
from edgevoice.audio.speaker import HardwareMute, Speaker
from edgevoice.audio.supervisor import Supervisor
from edgevoice.audio.uplink import Uplink
from edgevoice.box.hearing import Hearing
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.timing import Manners
from edgevoice.core.facts import Device, Event
from edgevoice.core.lights import Led
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer, Panel
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.record import EchoRecord
from edgevoice.echo.tier_choice import Chosen, choose
from edgevoice.echo.tiers import EchoPath, Tier, build
from edgevoice.engine import Adapters, Engine
from edgevoice.errors import EchoUnavailable, PanelUnavailable, WakeWordUnavailable
from edgevoice.journal import keep_below, tell
from edgevoice.panel.amplifier import Amplifier, open_amplifier
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.buttons import open_buttons
from edgevoice.panel.lights import open_lights
from edgevoice.panel.none import NoPanel
from edgevoice.panel.pins import PinFactory, open_pins
from edgevoice.panel.terminal import TerminalPanel
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from edgevoice.realtime.session import session_of
from edgevoice.settings.schema import PanelSettings, ServiceSettings, Settings
from edgevoice.store.folders import cache_folder
from edgevoice.tools.clock import clock_tool
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolRunner
from edgevoice.tools.session import goodbye_tool
from edgevoice.tools.timers import Timers
from edgevoice.tools.volume import volume_tool
from edgevoice.wakeword.detector import Detector
from edgevoice.wakeword.engine import open_scorer
from edgevoice.wakeword.models.silero import SileroVoice, load_voice
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog
from edgevoice.wakeword.tuning.notes import Notes, Outcomes
from edgevoice.wakeword.words import WakeWord, wake_words

_log = logging.getLogger(__name__)

GPIO_CHIP = "/dev/gpiochip0"


@dataclass(frozen=True, slots=True)
class Parts:
    """The assembled box; nothing in it runs yet.

    ``detector`` is absent when only the button wakes it, ``echo`` where nothing is done about the box hearing itself.
    """

    engine: Engine
    microphone: Microphone
    uplink: Uplink
    speaker: Speaker
    supervisor: Supervisor
    link: Link
    tools: ToolRunner
    detector: Detector | None
    echo: EchoPath | None
    hearing: Hearing

    @property
    def xruns(self) -> int:
        """How often audio was lost, of either half of the sound system, since the box was started."""
        return self.microphone.overflows + self.speaker.underflows


def assemble(
    settings: Settings,
    endpoint: Callable[[], Endpoint],
    panel: Panel,
    *,
    observers: Sequence[Observer] = (),
    wants_wakeword: bool = True,
    amplifier: HardwareMute | None = None,
    record: EchoRecord | None = None,
    service: Callable[[], ServiceSettings] | None = None,
    near_misses: NearMissLog | None = None,
    cards: Path | None = None,
) -> Parts:
    """Build everything that needs no device; to be called in the loop. No such wake word: ``WakeWordUnavailable``.

    ``amplifier`` is muted with each cut; ``record`` is what the echo's self-test has measured; ``near_misses`` is where
    the wake word's near misses are written down, and ``cards`` where the cards are that the settings name by numbers.
    """
    loop = asyncio.get_running_loop()
    engine: Engine

    def report(event: Event) -> None:
        engine.report(event)

    def take(arrivals: list[Arrival]) -> None:
        engine.take(arrivals)

    def report_from_thread(event: Event) -> None:
        # A loop that has closed needs no news.
        if not loop.is_closed():
            loop.call_soon_threadsafe(report, event)

    def watch(notice: Notice) -> None:
        engine.notify(notice)

    def pump_from_thread() -> None:
        if uplink.is_live and not loop.is_closed():
            loop.call_soon_threadsafe(uplink.pump)

    words = wake_words(settings.wakeword) if wants_wakeword else ()
    detector = (
        _detector(settings, words, report_from_thread, lambda: not speaker.is_silent, near_misses) if words else None
    )
    if near_misses is not None and words:
        observers = (*observers, Outcomes(near_misses, _wall_clock))
    near_clock, far_clock = ClockFit(RATE_HZ), ClockFit(FAR_END_HZ)
    chosen, path = _echo(choose(settings, record), near_clock, far_clock, report_from_thread)
    microphone = Microphone(
        detector.hear if detector else _nobody_hears,
        pump_from_thread,
        echo=path.stage if path is not None else None,
        clock=near_clock,
    )
    speaker = Speaker(
        report_from_thread,
        played=path.reference.played if path is not None else _nobody_listens,
        amplifier=amplifier,
        clock=far_clock,
        prefill_ms=settings.speaker.prefill_ms,
        volume_percent=settings.speaker.volume_percent,
        earcon_percent=settings.speaker.earcon_percent,
    )
    if isinstance(panel, HeardPanel):
        panel.sound_by(speaker.play_earcon)
    registry = _tools(settings, speaker, report)
    link = Link(
        endpoint,
        lambda word: session_of(
            _service_for(word, words, service() if service else settings.service), registry.definitions()
        ),
        take,
        connect_s=settings.service.connect_s,
        pong_s=settings.service.pong_s,
    )
    uplink = Uplink(microphone, round(settings.microphone.preroll_s * RATE_HZ), link.send_audio, watch)
    tools = ToolRunner(registry, report, timeout_s=settings.tools.timeout_s)
    names = {Device.MICROPHONE: settings.microphone.device, Device.SPEAKER: settings.speaker.device}
    engine = Engine(
        Conversation(manners_of(settings, chosen.tier), random.random),
        Adapters(link, uplink, speaker, panel, tools),
        time.monotonic,
        observers,
        stall_s=settings.watchdog.stall_s,
    )
    supervisor = Supervisor(
        microphone, speaker, names, report, channel=settings.microphone.channel, memory=CardMemory(cards)
    )
    hearing = Hearing(microphone, detector, settings.microphone.zeros_s)
    return Parts(engine, microphone, uplink, speaker, supervisor, link, tools, detector, path, hearing)


def manners_of(settings: Settings, tier: Tier) -> Manners:
    """Return how the conversation behaves under these settings and with this echo tier."""
    return Manners(
        connect_s=settings.service.connect_s,
        no_speech_s=settings.conversation.no_speech_s,
        follow_up_s=settings.conversation.follow_up_s,
        turn_s=settings.conversation.turn_s,
        answer_s=settings.conversation.thinking_s,
        progress_s=settings.conversation.progress_s,
        session_s=settings.budget.session_s,
        echo_tail_s=settings.echo.tail_ms / 1000,
        may_answer_tools=settings.service.may_answer_tools,
        hears_itself=tier is not Tier.HARDWARE,
        resumes=settings.conversation.false_interruption == "resume",
    )


def open_panel(
    settings: Settings,
    opened: ExitStack,
    *,
    environment: Mapping[str, str] = os.environ,
    factory: PinFactory | None = None,
) -> tuple[Panel, PinFactory | None]:
    """Open the lights; ``opened`` turns them off and lets go of them at its end.

    Returns the panel and, where there are pins, the factory that opened them. Lights that are wanted and cannot be had
    are ``PanelUnavailable``, or what ``panel.without_lights`` puts in their place; a terminal always is such a place.
    """
    kind = _kind(settings, environment, has_factory=factory is not None)
    if kind != "gpio":
        panel: Panel = _terminal_panel(opened) if kind == "terminal" else NoPanel()
        opened.callback(panel.close)
        return panel, None
    wired = _wired(settings.panel)
    try:
        if factory is None:
            factory = open_pins(environment)
            opened.callback(factory.close)
        lights = open_lights(wired, factory=factory, is_active_high=settings.panel.led_active_high)
    except PanelUnavailable as error:
        panel = _unlit(settings.panel, error, is_lit=bool(wired))
        opened.callback(panel.close)
        return panel, factory
    opened.callback(lights.close)
    return lights, factory


def check_pins(settings: Settings, environment: Mapping[str, str]) -> None:
    """Load, as a trial, the library for the pins where the box would; ``PanelUnavailable`` where it would not start."""
    if _kind(settings, environment, has_factory=False) == "gpio":
        try:
            open_pins(environment).close()
        except PanelUnavailable as error:
            _unlit(settings.panel, error, is_lit=bool(_wired(settings.panel)))
    if settings.amplifier.mute_gpio != "none":
        open_pins(environment).close()


def _wired(settings: PanelSettings) -> dict[Led, int]:
    """Return the pins of the lights that there are."""
    pins: dict[Led, int | str] = {led: getattr(settings, f"{led}_led_gpio") for led in Led}
    return {led: pin for led, pin in pins.items() if isinstance(pin, int)}


def _unlit(settings: PanelSettings, error: PanelUnavailable, *, is_lit: bool) -> Panel:
    """Return what stands in for lights that cannot be had; ``is_lit`` says that any are wanted. Else the error."""
    panel: Panel = NoPanel()
    match settings.without_lights:
        case "listen":
            instead = "nothing"
        case "sound" if is_lit:
            instead, panel = "a sound", HeardPanel()
        case _ if settings.kind == "auto" and not is_lit:
            instead = "nothing"
        case "refuse" if settings.kind == "auto" and sys.stderr.isatty():
            instead, panel = "the terminal", TerminalPanel(sys.stderr)
        case _:
            raise error
    tell(_log, logging.WARNING, "no-lights", code=error.code, instead=instead, problem=error.line())
    return panel


def open_mute_pin(
    settings: Settings,
    opened: ExitStack,
    factory: PinFactory | None,
    *,
    environment: Mapping[str, str] = os.environ,
) -> Amplifier | None:
    """Open the amplifier's mute pin, if it has one, and let it be heard; muted again at the end of ``opened``.

    A box without lights may have one as well: without ``factory`` the pins are opened for it. Raises
    ``PanelUnavailable``.
    """
    if settings.amplifier.mute_gpio == "none":
        return None
    if factory is None:
        factory = open_pins(environment)
        opened.callback(factory.close)
    high = settings.amplifier.mute_active_high
    amplifier = open_amplifier(settings.amplifier.mute_gpio, factory=factory, is_active_high=high)
    opened.callback(amplifier.close)
    amplifier.release()
    return amplifier


def open_panel_buttons(settings: Settings, opened: ExitStack, factory: PinFactory, parts: Parts) -> None:
    """Open the buttons; they report to the engine. Raises ``PanelUnavailable``."""
    loop = asyncio.get_running_loop()
    buttons = open_buttons(
        talk_gpio=_pin(settings.panel.talk_button_gpio),
        mute_gpio=_pin(settings.panel.mute_button_gpio),
        factory=factory,
        is_pulled_up=settings.panel.button_pull_up,
        hold_s=settings.panel.hold_s,
        position=lambda: parts.microphone.position,
        post=lambda event: (
            None if loop.is_closed() else _discard(loop.call_soon_threadsafe(parts.engine.report, event))
        ),
    )
    opened.callback(buttons.close)


def _discard(_handle: asyncio.Handle) -> None:
    """Drop the handle: a press cannot be taken back."""


def _kind(settings: Settings, environment: Mapping[str, str], *, has_factory: bool) -> str:
    if settings.panel.kind != "auto":
        return settings.panel.kind
    has_pins = has_factory or os.path.exists(GPIO_CHIP) or "GPIOZERO_PIN_FACTORY" in environment  # noqa: PTH110
    return "gpio" if has_pins else "none"


def _terminal_panel(opened: ExitStack) -> TerminalPanel:
    """Return the panel on the terminal, below the log where that is written to the same one."""
    panel = TerminalPanel(sys.stderr)
    opened.callback(keep_below, None)
    keep_below(panel.redraw)
    return panel


def shows_on_terminal(settings: Settings, environment: Mapping[str, str]) -> bool:
    """Tell whether somebody sits at a terminal, where a box without pins would show nothing."""
    return _kind(settings, environment, has_factory=False) == "none" != settings.panel.kind and sys.stderr.isatty()


def _pin(gpio: int | str) -> int | None:
    return gpio if isinstance(gpio, int) else None


def _service_for(name: str, words: Sequence[WakeWord], service: ServiceSettings) -> ServiceSettings:
    """Return the service's settings as they are for a session that this wake word opens."""
    word = next((word for word in words if word.name == name), None)
    if word is None:
        return service
    particular = {"voice": word.voice, "instructions": word.instructions}
    return structs.replace(service, **{key: value for key, value in particular.items() if value is not None})


def _detector(
    settings: Settings,
    words: Sequence[WakeWord],
    report: Callable[[Event], None],
    is_speaking: Callable[[], bool],
    near_misses: NearMissLog | None,
) -> Detector:
    wakeword = settings.wakeword
    frames = wakeword.smoothing_frames
    notes: Notes | None = None
    if near_misses is not None:
        names, share = [word.name for word in words], wakeword.near_miss_share
        scales = [word.scale for word in words]
        notes = Notes(names, near_misses, _wall_clock, share=share, smoothing_frames=frames, scales=scales)
    models = [word.model for word in words]
    cache = cache_folder(os.environ)
    witnesses = [word.witness for word in words]
    load = partial(open_scorer, models, engine=wakeword.engine, gate=wakeword.gate, cache=cache, witnesses=witnesses)
    return Detector(words, load, report, is_speaking=is_speaking, smoothing_frames=frames, notes=notes)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def _echo(
    chosen: Chosen, near: ClockFit, far: ClockFit, tell_fact: Callable[[Event], None]
) -> tuple[Chosen, EchoPath | None]:
    """Build the echo path; where its libraries are missing the box runs on without one, and says so."""
    try:
        path = build(chosen.tier, near, far, tell_fact, delay_s=chosen.delay_s, voice=_voice)
    except EchoUnavailable as error:
        tell(_log, logging.ERROR, "echo-tier", tier="none", wanted=str(chosen.tier), problem=error.line())
        return Chosen(Tier.NONE), None
    tell(_log, logging.INFO, "echo-tier", tier=str(chosen.tier), why=chosen.why)
    return chosen, path


def _voice() -> SileroVoice | None:
    """Load the voice model; without it, pitch alone tells speech from other sounds, and the log says so."""
    try:
        return load_voice()
    except (WakeWordUnavailable, ImportError) as error:
        problem = error.line() if isinstance(error, WakeWordUnavailable) else str(error)
        tell(_log, logging.WARNING, "no-voice-model", problem=problem)
        return None


def _nobody_listens(_samples: object, _frames: int) -> None:
    """Stand in for the echo canceller where there is none."""


def _nobody_hears(_frame: bytes, _end: int) -> None:
    """Stand in for the wake word where only the button wakes the box."""


def _tools(settings: Settings, speaker: Speaker, report: Callable[[Event], Any]) -> Registry:
    timers = Timers(report)
    everything = (
        clock_tool(),
        volume_tool(speaker),
        timers.set_timer,
        timers.cancel_timers,
        goodbye_tool(report),
    )
    return Registry(everything).select(settings.tools.enabled)
