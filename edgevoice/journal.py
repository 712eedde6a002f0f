"""Journal: constant event names with fields, to the system journal or a terminal. Never a key or what was said.

An event that comes too often, for example from a service that keeps complaining, is counted instead of written.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Self, TextIO

from edgevoice.wall_clock import local_struct

Field = str | int | float | bool

_PREFIX = "EDGEVOICE_"
_STDERR = 2

_MOST_LINES = 20
_WITHIN_S = 10.0
"""How many lines of one event are written within that time; in normal use no part of the box logs that much."""


class _Entry(str):
    """The constant name of an event; as text, with its fields, so that the log of any program shows them.

    A field named ``problem`` is a sentence for a person and comes last.
    """

    __slots__ = ("_fields",)

    _fields: Mapping[str, Field]

    def __new__(cls, event: str, fields: Mapping[str, Field]) -> Self:
        entry = super().__new__(cls, event[:])  # without the fields that an entry has already
        entry._fields = fields
        return entry

    def __str__(self) -> str:
        words = [self[:], *(f"{key}={value}" for key, value in self._fields.items() if key != "problem")]
        if "problem" in self._fields:
            words.append(f"- {self._fields['problem']}")
        return " ".join(words)


def tell(log: logging.Logger, level: int, event: str, **fields: Field) -> None:
    """Write one entry: ``event`` is a constant name, ``fields`` say the rest."""
    if log.isEnabledFor(level):
        log.log(level, _Entry(event, fields), extra={"fields": fields})


class _Plain(logging.Formatter):
    """Format one line: event, then fields; after it the traceback, if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        trace = f" \n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return record.getMessage() + trace


class _Terminal(_Plain):
    """Like the plain format, with the time in front and, for warnings and errors, the level."""

    # As a method: a plain function would be called with the formatter.
    converter = staticmethod(local_struct)

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        return f"{self.formatTime(record, '%H:%M:%S')} {level}{super().format(record)}"


@dataclass(slots=True)
class _Count:
    """How often an event has come since a time, in monotonic seconds, and its last line that was not written."""

    since: float
    lines: int = 0
    unwritten: logging.LogRecord | None = None


class _Counting(logging.Handler):
    """Passes lines on to another handler; if an event comes too often, only how many there were.

    The count follows with the next line of any event once the time is over, or at the end.
    """

    def __init__(self, to: logging.Handler) -> None:
        super().__init__()
        self._to = to
        self._counts: dict[str, _Count] = {}

    def keep_below(self, redraw: Callable[[], None] | None) -> None:
        """Rewrite a line after each entry, if the other handler writes to standard error."""
        if isinstance(self._to, _Stderr):
            self._to.below = redraw

    def emit(self, record: logging.LogRecord) -> None:
        now = monotonic()
        self._write_counts([event for event, count in self._counts.items() if now >= count.since + _WITHIN_S])
        count = self._counts.setdefault(record.msg, _Count(now))
        count.lines += 1
        if count.lines > _MOST_LINES:
            count.unwritten = record
        else:
            self._to.handle(record)

    def close(self) -> None:
        self.acquire()  # other threads may still log something
        try:
            self._write_counts([*self._counts])
        finally:
            self.release()
        self._to.close()
        super().close()

    def _write_counts(self, events: Iterable[str]) -> None:
        for event in events:
            count = self._counts.pop(event)
            if (record := count.unwritten) is not None:
                fields: Mapping[str, Field] = getattr(record, "fields", {})
                fields = {**fields, "repeated": count.lines - _MOST_LINES}
                record.msg, record.__dict__["fields"] = _Entry(event, fields), fields
                self._to.handle(record)


_CLEAR_LINE = "\r\x1b[2K"


class _Stderr(logging.StreamHandler[TextIO]):
    """A stream that the handler owns, unless it belongs to the process.

    On a terminal, ``below`` rewrites the line that every entry replaces.
    """

    below: Callable[[], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.below is None or not self.stream.isatty():
            super().emit(record)
            return
        self.stream.write(_CLEAR_LINE)
        super().emit(record)
        self.below()

    def close(self) -> None:
        super().close()
        if self.stream is not sys.stderr:
            self.stream.close()


def start(level: str) -> None:
    """Send the log of this process to the journal when systemd has connected us to it, else to standard error."""
    handler = _journal() if _leads_to_journal() else None
    if handler is None:
        handler = _Stderr(_own_stderr())
        handler.setFormatter(_Terminal())
    root = logging.getLogger("edgevoice")
    for earlier in root.handlers:
        earlier.close()
    root.handlers[:] = [_Counting(handler)]
    root.setLevel(level.upper())
    root.propagate = False


def keep_below(redraw: Callable[[], None] | None) -> None:
    """Rewrite a line at the foot of the terminal after each entry; ``None`` ends that."""
    for handler in logging.getLogger("edgevoice").handlers:
        if isinstance(handler, _Counting):
            handler.keep_below(redraw)


def _own_stderr() -> TextIO:
    """Return standard error under a file descriptor of its own.

    While the sound system opens, descriptor 2 leads nowhere, to hide the complaints of C libraries: our own lines
    must not vanish with them.
    """
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return sys.stderr  # replaced by a program with something that is not a file


def _leads_to_journal() -> bool:
    """Return whether standard error leads to the journal, by the method of systemd.exec(5).

    The variable alone proves nothing: every shell of a desktop session inherits it.
    """
    try:
        status = os.fstat(_STDERR)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _journal() -> logging.Handler | None:
    try:
        from systemd.journal import JournalHandler  # noqa: PLC0415
    except ImportError:
        return None

    class Journal(JournalHandler):  # type: ignore[misc]  # the package has no types
        """Turns fields into fields of the journal, so that `journalctl EDGEVOICE_CODE=…` finds them."""

        def emit(self, record: logging.LogRecord) -> None:
            for key, value in getattr(record, "fields", {}).items():
                setattr(record, f"{_PREFIX}{key.upper()}", value)
            super().emit(record)

    handler: logging.Handler = Journal(SYSLOG_IDENTIFIER="edgevoice")
    handler.setFormatter(_Plain())
    return handler
