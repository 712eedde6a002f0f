"""What the checks share: the board, the room, and the settings of the box. Standard library only."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.virtual_pi.board import SPEAKING, Board, Refused, until
from tests.virtual_pi.sound import Tape, say

SETTINGS = Path("/etc/edgevoice/edgevoice.toml")
_ANSWER_LIMIT_S = 40.0


@dataclass
class Guest:
    """State that the checks share."""

    board: Board
    tape: Tape
    recordings: Path
    wheels: Path
    share: Path
    files_before: set[str] = field(default_factory=set)

    def say(self, what: str) -> tuple[float, float]:
        """Play a recording into the room; return when it began and ended."""
        return say(self.recordings / f"{what}.wav")

    def wait_for_speech(self) -> None:
        """Wait until the box speaks, and its light says so."""
        until(
            lambda: self.board.lights.is_lit(SPEAKING, 0.2) and self.tape.is_loud(),
            _ANSWER_LIMIT_S,
            "it does not speak",
        )

    def wait_until_ready(self) -> None:
        """Wait until the box waits for its wake word."""
        until(self.board.lights.say_ready, 90, "it does not come to rest")


def setting(text: str, section: str, name: str) -> str:
    """Return a setting as the file has it, in force or, as a comment, its default."""
    inside = _section(text, section)[1]
    begin, end = _line(inside, section, name)
    return inside[begin:end].partition(" = ")[2].strip('"')


def with_settings(text: str, section: str, values: dict[str, str]) -> str:
    """Return the text of the settings with these values, each written as TOML has it, in force."""
    before, inside, after = _section(text, section)
    for name, value in values.items():
        begin, end = _line(inside, section, name)
        inside = f"{inside[:begin]}{name} = {value}{inside[end:]}"
    return before + inside + after


def _line(inside: str, section: str, name: str) -> tuple[int, int]:
    """Return where the line of a setting is: the one in force, or the comment with its default."""
    for begins in (name, f"# {name}"):
        if found := re.search(rf"^{begins} = .*$", inside, re.MULTILINE):
            return found.span()
    raise Refused(f"the settings have no line of {section}.{name}")


def _section(text: str, section: str) -> tuple[str, str, str]:
    """Return what is before a section, the section, and what is after it."""
    found = re.search(rf"^\[{re.escape(section)}\]$.*?(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise Refused(f"the settings have no section [{section}]")
    return text[: found.start()], found[0], text[found.end() :]
