"""The terminal that a command prints to: whatever its encoding, whoever closes it, and Ctrl-C. Imports no library."""

import codecs
import contextlib
import errno
import io
import os
import select
import signal
import sys
from typing import Final, NoReturn

from edgevoice.errors import EdgevoiceError

EXIT_INTERRUPTED: Final = 130
EXIT_OUTPUT_CLOSED: Final = 141
"""What a shell reports for a program that ended by SIGINT or by SIGPIPE: 128 and the number of the signal."""

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
    # Signs that look like ASCII: both dashes, the minus, the multiplication sign, single quotes.
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u00d7": "x",
    "\u2018": "'",
    "\u2019": "'",
}
"""What stands in for a sign that the terminal cannot show; mostly as wide, so that tables stay straight."""


def prepare() -> None:
    """Let everything be printed on any terminal, with plain signs where it lacks ours, and let Ctrl-C end at once.

    Until `listen_to_interrupts` is called nothing is open that would have to be closed.
    """
    codecs.register_error(_PLAIN, _plain_signs)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Started with it closed: what is printed goes nowhere, and nothing that prints has to know.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for the process's life
        stream = getattr(sys, name)
        # A test may have put something else there.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_PLAIN)
    # One that is ignored, as behind nohup, stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def listen_to_interrupts() -> None:
    """Turn Ctrl-C into ``KeyboardInterrupt`` from here on: something may be open."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def output_failure(failure: OSError | None = None) -> OSError | None:
    """Return why standard output takes nothing any more, ``None`` if it does; what it could not take is dropped.

    ``failure`` is one that may have come of printing: it counts if standard output can have been the reason.
    """
    try:
        sys.stdout.flush()
    except OSError as refused:
        failure = refused
    if failure is None or not _is_of_output(failure):
        return None
    # Else the interpreter tries again at its end, and complains.
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return failure


def _is_of_output(failure: OSError) -> bool:
    """Tell whether an error can be that of a print; one of a file of its own has a name in it."""
    if failure.filename is not None or isinstance(failure, EdgevoiceError):
        return False
    if failure.errno != errno.EPIPE:
        return failure.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return False
    # The pipe may have been another one: of a child, or a socket.
    return any(events & select.POLLERR for _, events in poll.poll(0))


def status_after(failure: OSError) -> int:
    """Return the exit status after standard output failed; only a reader who left is passed over in silence."""
    if failure.errno == errno.EPIPE:
        return EXIT_OUTPUT_CLOSED
    print(f"nothing more can be written: {failure.strerror}", file=sys.stderr)
    return EXIT_CANNOT_WRITE


def _plain_signs(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding lacks, as an error handler of `codecs`: ✓ becomes +, é becomes e, the rest ?."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # Rarely needed: the daemon does not load it.
    import unicodedata

    plain = ""
    for letter in error.object[error.start : error.end]:
        bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        plain += _SIGNS.get(letter) or bare or "?"
    return plain, error.end


def leave_interrupted() -> NoReturn:
    """End at once with one line, after everything that was open has been closed.

    Threads that still compute are not waited for, and libraries are given no chance to complain about it.
    """
    # RuntimeError: the signal came in the middle of a print, whose buffer cannot be entered twice.
    with contextlib.suppress(OSError, RuntimeError):
        sys.stdout.flush()
    os.write(2, b"\ninterrupted\n")
    os._exit(EXIT_INTERRUPTED)


def _leave(_number: int, _frame: object) -> NoReturn:
    leave_interrupted()
