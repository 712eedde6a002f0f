"""Context: what a box needs beside its settings. The daemon, `talk` and the stage differ only here."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgevoice.alarms.ring_book import MemoryBook, NoBook, RingBook
from edgevoice.alarms.tools import ALARM_TOOLS
from edgevoice.box.answering import answering_service
from edgevoice.box.home_tool import home_tool
from edgevoice.box.http_tools import http_source
from edgevoice.box.live_grading import live_grading
from edgevoice.box.live_settings import LiveSettings
from edgevoice.box.mcp_servers import mcp_source
from edgevoice.box.tool_files import ToolFiles
from edgevoice.core.ports import Observer
from edgevoice.echo.record import EchoRecord, read_record
from edgevoice.errors import SettingsInvalid, StorageUnavailable
from edgevoice.host.credentials import Key, answers_itself
from edgevoice.host.routes import has_default_route
from edgevoice.journal import tell
from edgevoice.observers.flight_recorder import NAME as FAILURES_NAME
from edgevoice.observers.flight_recorder import FlightRecorder
from edgevoice.observers.kept_panel import KeptPanel, PanelLevels
from edgevoice.observers.minutes import Minutes
from edgevoice.panel.pins import PinFactory
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.assistant import MemorySettings, ToolsSettings
from edgevoice.settings.schema import Settings
from edgevoice.store.files import sweep
from edgevoice.store.folders import cache_folder, state_folder
from edgevoice.tools.folder import FolderSource
from edgevoice.tools.tool import ToolSource
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog
from edgevoice.wall_clock import local_now

if TYPE_CHECKING:
    from edgevoice.control.place import ControlPlace
    from edgevoice.mcp.source import McpSource
    from edgevoice.memory.remembering import Remembering
    from edgevoice.personas.speaking import SpeakingPersona

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Storage:
    """What a box keeps from one run to the next; a part that is absent is neither read nor written.

    ``record`` is the result of the echo self-test, and ``near_misses`` where the wake word's near misses are logged.
    ``minutes`` counts what the service bills, and is absent if it bills nothing. ``cards`` is the file of the cards
    that the settings name by number, ``sayings`` the folder of the box's own spoken sentences. ``remembering`` is what
    it remembers of conversations, ``speaking`` its personas, ``kept_panel`` mute, volumes and brightness, and
    ``tool_files`` the owner's own tools. ``alarms`` keeps its timers, alarms and reminders. ``failures`` records what
    fails. ``settings_file`` is the settings file that a person has named, ``None`` if nobody has.
    """

    record: EchoRecord | None = None
    near_misses: NearMissLog | None = None
    minutes: Minutes | None = None
    cards: Path | None = None
    sayings: Path | None = None
    remembering: "Remembering | None" = None
    speaking: "SpeakingPersona | None" = None
    alarms: RingBook = field(default_factory=MemoryBook)
    kept_panel: KeptPanel | None = None
    tool_files: ToolFiles = field(default_factory=lambda: ToolFiles(FolderSource(Path("/nonexistent"))))
    failures: FlightRecorder | None = None
    settings_file: Path | None = None

    def reasons(self) -> list[dict[str, str]]:
        """Return the last failures for the model, newest first: when, what, and what to do."""
        found = self.failures.failures if self.failures is not None else ()
        return [{"at": each.at, "problem": each.sentence(), "remedy": each.remedy} for each in found]


@dataclass(frozen=True, slots=True)
class BoxContext:
    """What a box works with, and its observers.

    ``dial`` returns the endpoint of each session. ``observers`` see everything and may run beside the box: a feature
    that needs none of its parts is added there. ``live`` are settings that may change while it runs, and ``pins``
    replaces the machine's own. ``control`` is where it opens its control socket, and ``mcp`` are the tools of the
    owner's servers, ``http`` the web services that are declared as tools, ``home`` the tool that asks Home Assistant,
    if there are any. ``environment`` is where what speaks to other machines finds its secrets and folders; ``None``:
    nothing does. ``note_echo_reference`` gets the device that captures the mix, and why it is not used.
    """

    dial: Callable[[], Endpoint]
    observers: Sequence[Observer] = ()
    storage: Storage = Storage()
    live: LiveSettings | None = None
    pins: PinFactory | None = None
    wants_wakeword: bool = True
    control: "ControlPlace | None" = None
    mcp: "McpSource | None" = None
    http: ToolSource | None = None
    home: ToolSource | None = None
    environment: Mapping[str, str] | None = None
    note_echo_reference: Callable[[str, str], None] = lambda _device, _problem: None


@asynccontextmanager
async def remembering_of(
    settings: MemorySettings, folder: Path, *, keep_days: int = 0
) -> AsyncIterator["Remembering | None"]:
    """Yield the box's memory; if the disk cannot be written, that is logged and the box runs without a memory.

    ``keep_days``: for how many days transcripts are kept. They are the memory's own turns, so no word is kept twice.
    """
    if not settings.enabled:
        yield None
        return
    async with AsyncExitStack() as opened:
        remembering = remembers(settings, folder, keep_days=keep_days)
        try:
            await remembering.open(opened)
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "memory-unavailable", code=error.code, problem=error.line())
            yield None
        else:
            yield remembering


@asynccontextmanager
async def alarms_of(settings: ToolsSettings, folder: Path) -> AsyncIterator[RingBook]:
    """Yield what keeps timers and alarms; if the disk cannot be written, that is logged and they are kept in memory."""
    if not ALARM_TOOLS & set(settings.enabled):
        yield MemoryBook()
        return
    # Loaded only if enabled: SQLite costs a megabyte.
    from edgevoice.alarms.book import AlarmBook  # noqa: PLC0415

    async with AsyncExitStack() as opened:
        book: RingBook = NoBook()
        try:
            book = kept = await opened.enter_async_context(AlarmBook(folder))
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "alarms-unkept", code=error.code, problem=error.line())
        else:
            if kept.remark:
                tell(_log, logging.WARNING, "alarms", problem=kept.remark)
        yield book


def remembers(settings: MemorySettings, folder: Path, *, keep_days: int = 0) -> "Remembering":
    """Return the memory of a box that has one; it is not open yet."""
    # Loaded only if enabled: SQLite costs a megabyte.
    from edgevoice.memory.memory import Memory  # noqa: PLC0415
    from edgevoice.memory.remembering import Remembering  # noqa: PLC0415

    memory = Memory(folder, days=max(settings.days, keep_days), recall_days=settings.days)
    return Remembering(memory, settings.history_tokens)


@asynccontextmanager
async def transcripts_of(settings: Settings, folder: Path) -> AsyncIterator[Sequence[Observer]]:
    """Yield what writes down conversations for their owner to read, if there is no memory that does so anyway.

    If the disk cannot be written, that is logged and nothing is kept.
    """
    keep_days = settings.transcript.keep_days
    if keep_days == 0 or settings.memory.enabled:
        yield ()
        return
    # Loaded only if enabled, as the memory.
    from edgevoice.memory.forgetting import Forgetting  # noqa: PLC0415
    from edgevoice.memory.memory import Memory  # noqa: PLC0415
    from edgevoice.memory.recorder import Recorder  # noqa: PLC0415

    async with AsyncExitStack() as opened:
        try:
            memory = await opened.enter_async_context(Memory(folder, days=keep_days))
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "transcripts-unavailable", code=error.code, problem=error.line())
            yield ()
            return
        if memory.remark:
            tell(_log, logging.ERROR, "memory-damaged", problem=memory.remark)
        recorder = Recorder(memory)
        opened.push_async_callback(recorder.finish)

        async def forget() -> None:
            await recorder.leave_out()
            await memory.forget_everything()

        yield recorder, Forgetting(forget)


@asynccontextmanager
async def speaking_of(settings: Settings, folder: Path) -> AsyncIterator["SpeakingPersona | None"]:
    """Yield the box's personas; if the disk cannot be written, that is logged and the box runs without them."""
    if not settings.personas.enabled:
        yield None
        return
    async with AsyncExitStack() as opened:
        speaking = speaks(settings, folder)
        try:
            await speaking.open(opened)
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "personas-unavailable", code=error.code, problem=error.line())
            yield None
        else:
            yield speaking


def speaks(settings: Settings, folder: Path) -> "SpeakingPersona":
    """Return the personas of a box that has them; they are not open yet."""
    # Loaded only if enabled, as the memory.
    from edgevoice.personas.persona import DEFAULT  # noqa: PLC0415
    from edgevoice.personas.personas import Personas  # noqa: PLC0415
    from edgevoice.personas.speaking import SpeakingPersona  # noqa: PLC0415

    words = {word: persona or DEFAULT for word, persona in settings.wakeword.own_sessions().items()}
    return SpeakingPersona(Personas(folder), words, settings.personas.voices)


def persona_tools(speaking: "SpeakingPersona") -> Sequence[Callable[..., Any]]:
    """Return the tools by which a model changes who answers."""
    from edgevoice.personas.tools import PersonaTools  # noqa: PLC0415

    return PersonaTools(speaking).functions()


@asynccontextmanager
async def context_of(settings: Settings, key: Key | None, environment: Mapping[str, str]) -> AsyncIterator[BoxContext]:
    """Yield a box's context: the service that answers, and the folders of its user or systemd unit, swept."""
    state, cache = state_folder(environment), cache_folder(environment)
    for folder in (state, cache):
        sweep(folder)
    async with (
        remembering_of(settings.memory, state, keep_days=settings.transcript.keep_days) as remembering,
        transcripts_of(settings, state) as transcripts,
        speaking_of(settings, state) as speaking,
        alarms_of(settings.tools, state) as alarms,
        answering_service(settings.service, key, environment) as (dial, watching),
    ):
        tool_files = ToolFiles(FolderSource(Path(settings.tools.folder), owners={0, os.geteuid()}))
        is_billed = not answers_itself(settings.service, key)
        storage = Storage(
            record=read_record(state),
            near_misses=NearMissLog(state, most_clips=settings.wakeword.keep_near_misses),
            minutes=Minutes(state, settings.budget.daily_minutes) if is_billed else None,
            cards=state / "cards.json",
            sayings=cache,
            remembering=remembering,
            speaking=speaking,
            alarms=alarms,
            kept_panel=kept_panel_of(settings, state),
            tool_files=tool_files,
            failures=FlightRecorder(
                cache / FAILURES_NAME,
                defer=asyncio.get_running_loop().call_soon,
                is_online=has_default_route,
                now=local_now,
            ),
        )
        control = _control_of(settings, environment)
        home = home_tool(settings, environment)
        mcp, http = mcp_source(settings.mcp, environment), http_source(settings.tools, environment, _log_missing)
        observers = (*watching, *transcripts, tool_files, *live_grading(settings, state, environment))
        yield BoxContext(dial, observers, storage, control=control, mcp=mcp, http=http, home=home)


def kept_panel_of(settings: Settings, folder: Path) -> KeptPanel:
    """Return what keeps in ``folder`` what is set by hand."""
    far, panel = settings.speaker, settings.panel
    levels = PanelLevels(far.volume_percent, far.earcon_percent, panel.brightness_percent)
    has_switch = panel.mute_is_switch and "mute_button_gpio" in panel.pins()
    return KeptPanel(folder, levels, keeps_mute=not has_switch)


def _log_missing(tool: str, error: SettingsInvalid) -> None:
    tell(_log, logging.ERROR, "http-tool-left-out", tool=tool, code=error.code, problem=error.line())


def _control_of(settings: Settings, environment: Mapping[str, str]) -> "ControlPlace | None":
    if not settings.control.enabled:
        return None
    from edgevoice.control.place import own_place  # noqa: PLC0415 - not loaded where it is disabled

    return own_place(environment)
