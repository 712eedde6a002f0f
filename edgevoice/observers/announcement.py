"""What the box says once in its life: that it answers on its own, without an account."""

import contextlib
import os
from pathlib import Path

from edgevoice.core.notices import AudioReceived, Notice
from edgevoice.core.ports import Observer

ANNOUNCEMENT = """\
I have no account yet, so I answer on my own, with the little that I know: the time, the volume, timers and a story."""


class Announced(Observer):
    """An observer that notes in a file that the announcement has been spoken."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker
        self._is_noted = False

    @property
    def is_done(self) -> bool:
        """Whether this box has already spoken it."""
        return os.path.exists(self._marker)  # noqa: PTH110 - Path.exists() raises where others may not look

    def observe(self, notice: Notice, _now: float) -> None:
        """Note the first answer that sounds: it begins with the announcement."""
        if isinstance(notice, AudioReceived) and not self._is_noted:
            self._is_noted = True
            # If the state folder cannot be written, the announcement is repeated, but no answer is lost.
            with contextlib.suppress(OSError):
                self._marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._marker.touch(mode=0o600)
