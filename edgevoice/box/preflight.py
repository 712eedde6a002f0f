"""Preflight: what must be valid before the box can run. `run` and `config check` both use it, so they agree.

Opens no sound card, no socket and no pin: the box may be running meanwhile.
"""

from collections.abc import Mapping
from pathlib import Path

from edgevoice.alarms.keeper import Keeper, NoVoice
from edgevoice.alarms.ring_book import MemoryBook
from edgevoice.alarms.tools import AlarmTools
from edgevoice.box.assembly import tools_of
from edgevoice.box.context import remembers, speaks
from edgevoice.box.http_tools import http_source
from edgevoice.box.mcp_servers import mcp_source
from edgevoice.core.facts import Event
from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import Key, find_key
from edgevoice.panel.opening import check_pins
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import state_folder
from edgevoice.tools.folder import FolderSource
from edgevoice.tools.tool import ToolSource
from edgevoice.wakeword.engine import check_models
from edgevoice.wakeword.words import wake_words


def find_what_is_named(settings: Settings, environment: Mapping[str, str]) -> Key | None:
    """Check that all files and tools named in the settings exist; return the key, ``None`` without one.

    Raises ``SettingsInvalid`` for a key that cannot be right and for a tool that does not exist,
    ``WakeWordUnavailable`` for a wake word that is missing, cannot be read, or belongs to another engine.
    """
    key = find_key(settings.service, environment)
    wake_words(settings.wakeword)
    remembering = remembers(settings.memory, state_folder(environment)) if settings.memory.enabled else None
    speaking = speaks(settings, state_folder(environment)) if settings.personas.enabled else None
    further: list[ToolSource] = [FolderSource(Path(settings.tools.folder))]
    declared = (http_source(settings.tools, environment, _ignore_missing), mcp_source(settings.mcp, environment))
    further += [source for source in declared if source is not None]
    tools_of(settings, _NoVolume(), _ignore, remembering, further, _no_alarms(), speaking=speaking)
    return key


def _no_alarms() -> AlarmTools:
    return AlarmTools(Keeper(MemoryBook(), NoVoice()))


def load_what_is_named(settings: Settings, environment: Mapping[str, str]) -> None:
    """Load, as a trial, what the parts of the box load after their start: the models and the pin library.

    Raises ``WakeWordUnavailable`` and ``PanelUnavailable``, as the parts would.
    """
    check_models([word.model for word in wake_words(settings.wakeword)], engine=settings.wakeword.engine)
    check_pins(settings.panel, settings.amplifier, environment, is_audible=settings.speaker.earcon_percent > 0)


class _NoVolume:
    """Replaces the speaker, which is not open yet."""

    volume_percent = 0


def _ignore_missing(_tool: str, _error: SettingsInvalid) -> None:
    """Accept a tool without its secret: the box runs without it, and the doctor says what is missing."""


def _ignore(_event: Event) -> None:
    """Replace the engine: no tool is called."""
