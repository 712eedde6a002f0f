"""The terminal that a command prints to: any encoding, a closed pipe, and Ctrl-C. Imports no library."""

import codecs
import contextlib
import errno
import io
import os
import select
import signal
import sys
from typing import Final, NoReturn, TextIO

from edgevoice.errors import EdgevoiceError

EXIT_INTERRUPTED: Final = 130
EXIT_OUTPUT_CLOSED: Final = 141
"""What a shell reports for a program that ended by SIGINT or SIGPIPE: 128 plus the number of the signal."""

EXIT_CANNOT_WRITE: Final = 74
"""EX_IOERR of sysexits.h."""

_PLAIN: Final = "edgevoice-plain"
_SIGNS: Final = {
    "✓": "+",
    "✗": "x",
    "→": ">",
    "…": "...",
    "●": "*",
    "▼": "v",
    "█": "#",
    "·": ".",
    "│": "|",
    "±": "+-",
    "“": '"',
    "”": '"',
    "„": '"',
    # Characters that look like ASCII: both dashes, the minus, the multiplication sign, single quotes.
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u00d7": "x",
    "\u2018": "'",
    "\u2019": "'",
}
"""Replacements for characters that the terminal cannot show; mostly of the same width, so that tables stay aligned."""


def prepare() -> None:
    """Allow printing on any terminal, with plain characters where it lacks ours, and let Ctrl-C end at once.

    Until `listen_to_interrupts` is called, nothing is open that would have to be closed.
    """
    codecs.register_error(_PLAIN, _plain_signs)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Started with standard output closed: printed text goes nowhere, and printing code need not know.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for the process's life
        stream = getattr(sys, name)
        # A test may have replaced it.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)
    # A signal that is ignored, as under nohup, stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def listen_to_interrupts() -> None:
    """Turn Ctrl-C into ``KeyboardInterrupt`` from here on, because something may be open."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def output_failure(failure: OSError | None = None) -> OSError | None:
    """Return why standard output cannot be written any more, ``None`` if it can; unwritten output is dropped.

    ``failure`` may have come from printing: it counts if standard output can have been the reason.
    """
    try:
        sys.stdout.flush()
    except OSError as refused:
        failure = refused
    if failure is None or not _is_of_output(failure):
        return None
    _drop(sys.stdout)
    return failure


def _drop(stream: TextIO) -> None:
    """Drop what could not be written: at exit the interpreter would try again, and end with a status of its own."""
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), stream.fileno())


def _is_of_output(failure: OSError) -> bool:
    """Return whether an error may come from printing; an error about another file names that file."""
    if failure.filename is not None or isinstance(failure, EdgevoiceError):
        return False
    if failure.errno != errno.EPIPE:
        return failure.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return False
    # It may have been another pipe: a child's, or a socket.
    return any(events & select.POLLERR for _, events in poll.poll(0))


def status_after(failure: OSError) -> int:
    """Return the exit status after standard output failed; only a closed pipe is passed over silently."""
    if failure.errno == errno.EPIPE:
        return EXIT_OUTPUT_CLOSED
    try:
        print(f"nothing more can be written: {failure.strerror}", file=sys.stderr)
    except OSError:
        _drop(sys.stderr)  # the same terminal, hung up
    return EXIT_CANNOT_WRITE


def _plain_signs(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks, as a `codecs` error handler: ✓ becomes +, é becomes e, the rest ?."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # Rarely needed, so the daemon does not load it.
    import unicodedata

    plain = ""
    for letter in error.object[error.start : error.end]:
        bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        plain += _SIGNS.get(letter) or bare or "?"
    return plain, error.end


def leave_interrupted() -> NoReturn:
    """End at once with one line, after everything that was open has been closed.

    Does not wait for threads that still compute, and gives libraries no chance to complain about that.
    """
    # RuntimeError: the signal came during a print, whose buffer cannot be entered twice.
    with contextlib.suppress(OSError, RuntimeError):
        sys.stdout.flush()
    os.write(2, b"\ninterrupted\n")
    os._exit(EXIT_INTERRUPTED)


def _leave(_number: int, _frame: object) -> NoReturn:
    leave_interrupted()
