"""Screen: shows a conversation at a terminal: the light, the phase, and the words of both sides."""

import shutil
import sys
import unicodedata
from typing import TextIO

from edgevoice.core.facts import LinkLost, LinkOpened, WakeWordHeard
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import (
    CutPlayback,
    DeleteItem,
    DeleteTurn,
    Earcon,
    ExtendItem,
    Light,
    PlayEarcon,
    ResumePlayback,
    RunTool,
    ShowLight,
    TruncateItem,
)
from edgevoice.core.ports import Observer
from edgevoice.core.printable import printable
from edgevoice.core.recent import Recent

_COLOURS = {
    Light.OFF: "90",
    Light.STARTING: "90",
    Light.IDLE: "90",
    Light.CONNECTING: "36",
    Light.LISTENING: "32",
    Light.HEARING: "92",
    Light.THINKING: "33",
    Light.WORKING: "33",
    Light.SPEAKING: "34",
    Light.DUCKED: "34",
    Light.ANNOUNCING: "34",
    Light.MUTED: "35",
    Light.RINGING: "93",
    Light.VOLUME: "37",
    Light.FAULT: "31",
    Light.STOPPING: "90",
}
_NAMES = {Role.USER: "you", Role.ASSISTANT: "box"}

_MOST_WRITTEN = 8
"""How many items are remembered, so that no words are written twice."""

_LONGEST_ARGUMENTS = 500
"""Characters of a call's arguments that are shown."""


class Screen(Observer):
    """An observer that writes lines; on a terminal the last line shows the light and the words that are still arriving.

    Transcripts are untrusted: control sequences are removed from them. A service may send the user's words several
    times, each time more of them: they become a line once something else follows. ``began`` is the monotonic second
    that counts as 0.
    """

    def __init__(self, stream: TextIO = sys.stdout, *, began: float = 0.0) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._began = began
        self._light = Light.OFF
        self._growing: tuple[Role, str] | None = None
        self._heard: tuple[TranscriptChanged, float] | None = None
        self._written = Recent[str, str](_MOST_WRITTEN)

    def observe(self, notice: Notice, now: float) -> None:
        """Show what happened, if it is of interest to a person."""
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
                self.say(f"tool: {printable(call.name)}({_shortened(call.arguments)})", now)
            case CutPlayback():
                self._show_cut(now)
            case TruncateItem(heard_ms=heard_ms):
                self.say(f"the model learns that {heard_ms} ms of it were heard", now)
            case DeleteItem():
                self.say("the model learns that none of it was heard", now)
            case ResumePlayback():
                self.say("nobody spoke: the answer continues", now)
            case ExtendItem(heard_ms=heard_ms):
                much = "all of it was" if heard_ms is None else f"{heard_ms} ms of it were"
                self.say(f"the model learns that {much} heard after all", now)
            case DeleteTurn():
                self.say("the model learns that nobody spoke", now)
            case PlayEarcon(earcon=Earcon.MUTED):
                self.say("the microphone is muted", now)
            case LinkOpened():
                self._written.clear()  # a service may number its items anew in each session
                return
            case LinkLost(code=code):
                self.say(f"link lost: {code}", now, colour="31")
            case _:
                return
        self._show_status()

    def say(self, line: str, now: float, *, colour: str = "") -> None:
        """Write a line with the time since the beginning."""
        self._write_heard()
        if colour and self._is_terminal:
            line = f"\x1b[{colour}m{line}\x1b[0m"
        self._clear_status()
        print(f"{now - self._began:7.2f} s  {line}", file=self._stream, flush=True)

    def close(self) -> None:
        """Write what is pending, and leave a clean line behind."""
        self._write_heard()
        self._clear_status()

    def _show_cut(self, now: float) -> None:
        if self._growing is not None and self._growing[0] is Role.ASSISTANT:
            # Words arrive before the voice: the screen shows more than was heard.
            self.say(f"{_NAMES[Role.ASSISTANT]}: {printable(self._growing[1])} …", now)
            self._growing = None
        self.say("playback cut", now, colour="31")

    def _show_words(self, words: TranscriptChanged, now: float) -> None:
        if self._heard is not None and self._heard[0].item_id != words.item_id:
            self._write_heard()
        if not words.is_final:
            if words.item_id not in self._written:
                self._growing = (words.role, words.text)
            return
        self._growing = None
        if words.role is Role.USER:
            self._heard = (words, now)
        else:
            self._write(words, now)

    def _write_heard(self) -> None:
        if self._heard is not None:
            words, now = self._heard
            self._heard = None
            self._write(words, now)

    def _write(self, words: TranscriptChanged, now: float) -> None:
        text = printable(words.text)
        if text and text != self._written.get(words.item_id):
            self.say(f"{_NAMES[words.role]}: {text}", now)
        self._written[words.item_id] = text

    def _show_status(self) -> None:
        if not self._is_terminal:
            return
        role, text = self._growing or (Role.USER, self._heard[0].text if self._heard else "")
        columns = shutil.get_terminal_size().columns - 14
        words = _end_of(f"  {_NAMES[role]}: ", text, columns) if text else ""
        self._stream.write(f"\r\x1b[K\x1b[{_COLOURS[self._light]}m● {self._light:<10}\x1b[0m{words}")
        self._stream.flush()

    def _clear_status(self) -> None:
        if self._is_terminal:
            self._stream.write("\r\x1b[K")


def _shortened(text: str) -> str:
    shown = printable(text[: _LONGEST_ARGUMENTS + 1])
    return shown if len(shown) <= _LONGEST_ARGUMENTS else f"{shown[:_LONGEST_ARGUMENTS]}…"


def _end_of(name: str, text: str, columns: int) -> str:
    """Return a name and what was said, or as much of its end as fits the columns; costs no more than one line."""
    # Cut generously first: a text grows with every delta, and no more than a line of it is ever shown.
    near_end = text[-4 * max(columns, 1) :]
    shown = printable(near_end)
    if len(near_end) == len(text) and _columns(name + shown) <= columns:
        return name + shown
    kept, left = 0, columns - 1
    for letter in reversed(shown):
        left -= _columns(letter)
        if left < 0:
            break
        kept += 1
    return f"…{shown[len(shown) - kept :]}" if kept else ""


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: East Asian characters are wide, and some have no width."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
