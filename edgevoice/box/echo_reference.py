"""Echo reference: captures the mix that the settings name, and logs whether it serves. Not loaded without one."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import assert_never

from edgevoice.audio.mix_capture import Input, MixCapture, Timing
from edgevoice.audio.mix_input import open_mix
from edgevoice.core.ports import Observer, Report
from edgevoice.echo.mix import MixReference, MixState
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_LOOK_S = 0.5
_CLOSED_S = 1.0
"""After this long without a callback, the microphone is being opened, or is lost: nothing is captured meanwhile."""


class EchoReference(Observer):
    """Captures ``device`` for ``mix`` while the microphone, called ``microphone_name``, runs.

    ``note`` gets the device, and why it is not used, empty if it is. ``open_input`` replaces the capture in tests.
    """

    def __init__(
        self,
        mix: MixReference,
        microphone: Timing,
        device: str,
        microphone_name: str,
        note: Callable[[str, str], None],
        *,
        open_input: Callable[[], Input] | None = None,
    ) -> None:
        self._mix = mix
        self._microphone = microphone
        self._device = device
        self._microphone_name = microphone_name
        self._note = note
        self._capture = MixCapture(open_input or self._open, mix, self._is_wanted)
        self._noted: str | None = None

    async def run(self, report: Report) -> None:  # noqa: ARG002 - a box that hears less well has no fault
        """Capture, and check whether it serves, until cancelled."""
        capturing = asyncio.ensure_future(self._capture.run())
        try:
            while not capturing.done():
                self.look()
                await asyncio.wait({capturing}, timeout=_LOOK_S)
            capturing.result()
        finally:
            capturing.cancel()
            await asyncio.gather(capturing, return_exceptions=True)

    def look(self) -> None:
        """Log and note what has changed; what is about to begin, or waits for the microphone, has not changed."""
        problem = self._problem()
        if problem is None or problem == self._noted:
            return
        self._noted = problem
        self._note(self._device, problem)
        if problem:
            tell(_log, logging.WARNING, "echo-reference", reference="own", device=self._device, why=problem)
        else:
            tell(_log, logging.INFO, "echo-reference", reference="mix", device=self._device)

    def _problem(self) -> str | None:
        """Return why the mix is not the reference, empty if it is, ``None`` if that is still open."""
        match state := self._mix.state:
            case MixState.USED:
                return ""
            case MixState.SETTLING:
                return None
            case MixState.CLOSED:
                return self._capture.problem or None
            case MixState.STILL:
                return "it has stopped"
            case MixState.LATE:
                return "it comes more than 0.2 s late"
            case MixState.SILENT:
                return "it is silent while the box speaks"
            case _:
                assert_never(state)

    def _is_wanted(self) -> bool:
        return time.monotonic() - self._microphone.called_at < _CLOSED_S

    def _open(self) -> Input:
        captured = self._mix.captured
        clock, position = self._mix.clock, captured.position
        return open_mix(self._device, self._microphone_name, captured, clock, position=position)
