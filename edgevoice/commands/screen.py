"""Screen: what a person at a terminal sees of a conversation: the light, the phase, and the words of both sides."""

import shutil
import sys
from typing import TextIO

from edgevoice.core.facts import LinkLost, WakeWordHeard
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CutPlayback, DeleteItem, Earcon, Light, PlayEarcon, RunTool, ShowLight, TruncateItem

_COLOURS = {
    Light.OFF: "90",
    Light.IDLE: "90",
    Light.CONNECTING: "36",
    Light.LISTENING: "32",
    Light.THINKING: "33",
    Light.SPEAKING: "34",
    Light.MUTED: "35",
    Light.RINGING: "93",
    Light.FAULT: "31",
}
_NAMES = {Role.USER: "you", Role.ASSISTANT: "box"}


class Screen:
    """An observer that writes lines; on a terminal the last line shows the light and the words that are still growing.

    Transcripts are untrusted: control characters are taken out before they reach the terminal. ``began`` is the
    monotonic second that counts as 0.
    """

    def __init__(self, stream: TextIO = sys.stdout, *, began: float = 0.0) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._began = began
        self._light = Light.OFF
        self._growing: tuple[Role, str] | None = None
        self._finished: set[str] = set()

    def __call__(self, notice: Notice, now: float) -> None:
        """Show what happened, as far as a person wants to see it."""
        match notice:
            case TranscriptChanged():
                self._show_words(notice, now)
            case ShowLight(light=light, reason=reason):
                self._light = light
                if light is Light.FAULT:
                    self.say(f"fault: {reason}", now, colour="31")
            case WakeWordHeard(word=word, score=score):
                self.say(f"wake word: {word.replace('_', ' ')} (score {score:.2f})", now)
            case PhaseEntered(phase=phase):
                self.say(f"[{phase}]", now, colour=_COLOURS[self._light])
            case RunTool(call=call):
                self.say(f"tool: {printable(call.name)}({printable(call.arguments)})", now)
            case CutPlayback():
                self._show_cut(now)
            case TruncateItem(heard_ms=heard_ms):
                self.say(f"the model is told that {heard_ms} ms of it were heard", now)
            case DeleteItem():
                self.say("the model is told that nothing of it was heard", now)
            case PlayEarcon(earcon=Earcon.MUTED):
                self.say("the microphone is muted", now)
            case LinkLost(code=code):
                self.say(f"link lost: {code}", now, colour="31")
            case _:
                return
        self._show_status()

    def say(self, line: str, now: float, *, colour: str = "") -> None:
        """Write a line with the time since the beginning."""
        if colour and self._is_terminal:
            line = f"\x1b[{colour}m{line}\x1b[0m"
        self._clear_status()
        print(f"{now - self._began:7.2f} s  {line}", file=self._stream, flush=True)

    def close(self) -> None:
        """Leave a clean line behind."""
        self._clear_status()

    def _show_cut(self, now: float) -> None:
        if self._growing is not None and self._growing[0] is Role.ASSISTANT:
            # Its words come ahead of its voice: more is shown than was heard.
            self.say(f"{_NAMES[Role.ASSISTANT]}: {self._growing[1]} …", now)
            self._growing = None
        self.say("playback cut", now, colour="31")

    def _show_words(self, words: TranscriptChanged, now: float) -> None:
        if words.item_id in self._finished:
            return
        text = printable(words.text)
        if not words.is_final:
            self._growing = (words.role, text)
            return
        self._growing = None
        self._finished.add(words.item_id)
        if text:
            self.say(f"{_NAMES[words.role]}: {text}", now)

    def _show_status(self) -> None:
        if not self._is_terminal:
            return
        words = f"  {_NAMES[self._growing[0]]}: {self._growing[1]}" if self._growing else ""
        room = shutil.get_terminal_size().columns - 14
        if len(words) > room:
            words = f"…{words[1 - room :]}" if room > 1 else ""
        self._stream.write(f"\r\x1b[K\x1b[{_COLOURS[self._light]}m● {self._light:<10}\x1b[0m{words}")
        self._stream.flush()

    def _clear_status(self) -> None:
        if self._is_terminal:
            self._stream.write("\r\x1b[K")


def printable(text: str) -> str:
    """Return text without what could steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
