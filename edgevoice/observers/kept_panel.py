"""What was set by hand, kept across restarts: mute, the volumes and the brightness of the lights. Decides nothing."""

import asyncio
import logging
import re
import threading
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from edgevoice.core.notices import Notice
from edgevoice.core.orders import MuteMicrophone, UnmuteMicrophone
from edgevoice.core.panel_facts import BrightnessSet, EarconVolumeSet, MuteSwitched, VolumeChanged
from edgevoice.core.ports import Observer, Report
from edgevoice.journal import tell
from edgevoice.store.files import DAMAGED, write_whole
from edgevoice.threads import run as run_in_thread

_log = logging.getLogger(__name__)

FILE_NAME: Final = "panel.json"

UNMUTE_REMEDY: Final = "Press the mute button to open it; without one, remove the file and restart the box."

_LARGEST_BYTES: Final = 4096

_Percent = Annotated[int, Meta(ge=0, le=100)]


class PanelLevels(NamedTuple):
    """How loud answers and earcons are, and how bright the lights, in percent."""

    volume: int
    earcons: int
    brightness: int


class _Kept(msgspec.Struct, frozen=True):
    """Each level counts only as long as the settings say what they said when it was set."""

    is_muted: bool
    volume_percent: _Percent | None = None
    configured_percent: _Percent | None = None
    earcon_percent: _Percent | None = None
    configured_earcon_percent: _Percent | None = None
    brightness_percent: _Percent | None = None
    configured_brightness_percent: _Percent | None = None


_decoder = msgspec.json.Decoder(_Kept)
_SAYS_MUTED = re.compile(rb'"is_muted"\s*:\s*true')
_SAYS_UNMUTED = re.compile(rb'"is_muted"\s*:\s*false')


class KeptPanel(Observer):
    """Keeps mute and the levels in a file of the state folder; ``configured`` are the levels of the settings.

    A file that cannot be read counts as absent, except for its mute: the box starts muted unless the file still says
    that it was not. One that cannot be written costs the next restart its mute and levels; the log says both. Unless
    ``keeps_mute``, only the levels count: a slide switch keeps its own place.
    """

    def __init__(self, folder: Path, configured: PanelLevels, *, keeps_mute: bool = True) -> None:
        self._file = folder / FILE_NAME
        self._configured = configured
        self._keeps_mute = keeps_mute
        self._why_muted = ""
        self._written = self._kept = self._read()
        self._writing = threading.Lock()
        self._changed = asyncio.Event()

    @property
    def is_muted(self) -> bool:
        """Whether the microphone was muted when the box was switched off."""
        return self._keeps_mute and self._kept.is_muted

    @property
    def levels(self) -> PanelLevels:
        """The levels to begin with: what was set last, unless the settings have been changed since."""
        kept = self._kept
        set_by_hand = (kept.volume_percent, kept.earcon_percent, kept.brightness_percent)
        then = (kept.configured_percent, kept.configured_earcon_percent, kept.configured_brightness_percent)
        return PanelLevels(
            *(
                percent if percent is not None and before == configured else configured
                for percent, before, configured in zip(set_by_hand, then, self._configured, strict=True)
            )
        )

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - when it was set does not matter
        """Take a new level, or that the microphone was muted or unmuted."""
        kept, configured = self._kept, self._configured
        match notice:
            case VolumeChanged(percent=percent):
                self._kept = replace(kept, volume_percent=percent, configured_percent=configured.volume)
            case EarconVolumeSet(percent=percent):
                self._kept = replace(kept, earcon_percent=percent, configured_earcon_percent=configured.earcons)
            case BrightnessSet(percent=percent):
                self._kept = replace(
                    kept, brightness_percent=percent, configured_brightness_percent=configured.brightness
                )
            case MuteMicrophone():
                self._kept = replace(kept, is_muted=True)
            case UnmuteMicrophone():
                self._kept = replace(kept, is_muted=False)
            case _:
                return
        self._changed.set()

    async def run(self, report: Report) -> None:
        """Mute the microphone again if it was muted, then write each change, forever."""
        if self.is_muted:
            report(MuteSwitched(is_muted=True, why=self._why_muted))
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if self._kept != self._written:
                    await run_in_thread(self._write, name="panel file")
        finally:
            # What was set just before the box was stopped; blocks for as long as the disk takes.
            self._write()

    def _read(self) -> _Kept:
        content = b""
        try:
            with self._file.open("rb") as file:
                content = file.read(_LARGEST_BYTES)
            return _decoder.decode(content)
        except FileNotFoundError:
            return _Kept(is_muted=False)
        except (OSError, *DAMAGED) as error:
            # Whatever else is damaged: a microphone that its owner may have muted must not be opened by that.
            is_known = bool(_SAYS_MUTED.search(content) or _SAYS_UNMUTED.search(content))
            problem = str(error)
            if self._keeps_mute and not is_known:
                self._why_muted = f"{self._file} is damaged or cannot be read, and it may have been muted"
                problem = f"{problem}; the microphone is muted, as it may have been before. {UNMUTE_REMEDY}"
            tell(_log, logging.WARNING, "panel-file-unreadable", file=str(self._file), problem=problem)
            return _Kept(is_muted=bool(_SAYS_MUTED.search(content)) or not is_known)

    def _write(self) -> None:
        """Write what is set now, unless the file says so already; in any thread."""
        with self._writing:
            if (kept := self._kept) == self._written:
                return
            try:
                write_whole(self._file, msgspec.json.encode(kept), is_durable=True)
            except OSError as error:
                tell(_log, logging.WARNING, "panel-file-not-written", file=str(self._file), problem=str(error))
            else:
                self._written = kept
