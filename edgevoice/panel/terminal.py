"""A panel for a terminal: one coloured line that is overwritten; elsewhere one plain line for each change."""

from typing import TextIO

from edgevoice.core.lights import meaning
from edgevoice.core.orders import Light

_DOT = "●"
_CLEAR_LINE = "\r\x1b[2K"
_RESET = "\x1b[0m"

_COLOURS: dict[Light, str] = {
    Light.OFF: "\x1b[90m",
    Light.STARTING: "\x1b[90m",
    Light.IDLE: "\x1b[32m",
    Light.CONNECTING: "\x1b[36m",
    Light.LISTENING: "\x1b[94m",
    Light.HEARING: "\x1b[94m",
    Light.THINKING: "\x1b[35m",
    Light.WORKING: "\x1b[35m",
    Light.SPEAKING: "\x1b[33m",
    Light.DUCKED: "\x1b[33m",
    Light.ANNOUNCING: "\x1b[33m",
    Light.MUTED: "\x1b[31m",
    Light.RINGING: "\x1b[93m",
    Light.VOLUME: "\x1b[37m",
    Light.FAULT: "\x1b[91m",
    Light.STOPPING: "\x1b[90m",
}


class TerminalPanel:
    """A ``Panel`` of ``core.ports`` that writes to ``stream``, which it does not own.

    ``is_coloured`` says whether a line may have colours, which matters only on a terminal.
    """

    def __init__(self, stream: TextIO, *, is_coloured: bool = True) -> None:
        self._stream = stream
        self._is_coloured = is_coloured
        self._is_terminal = stream.isatty()
        self._shown: tuple[Light, str, float] | None = None

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        """Write what the light means, for a fault with its code, for the volume how loud that is."""
        if (light, reason, level) == self._shown:
            return
        self._shown = (light, reason, level)
        code = f" [{reason}]" if reason else f" [{level:.0%}]" if light is Light.VOLUME else ""
        if self._is_terminal:
            dot = f"{_COLOURS[light]}{_DOT}{_RESET}" if self._is_coloured else _DOT
            self._stream.write(f"{_CLEAR_LINE}{dot} {meaning(light, reason)}{code}")
        else:
            self._stream.write(f"light {light}{code}: {meaning(light, reason)}\n")
        self._stream.flush()

    def redraw(self) -> None:
        """Rewrite the line after something else was written in its place."""
        if self._is_terminal and self._shown is not None:
            shown, self._shown = self._shown, None
            self.show(*shown)

    def close(self) -> None:
        """Show that the box is off and end the line; a second call does nothing."""
        if self._shown == (Light.OFF, "", 1.0):
            return
        self.show(Light.OFF)
        if self._is_terminal:
            self._stream.write("\n")
            self._stream.flush()
