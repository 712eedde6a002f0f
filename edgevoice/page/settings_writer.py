"""Writes changes of the settings for the page, with rights that the page does not have: one request, then the end.

systemd starts it for each connection of the page to its socket, which is standard input and output. It decides by
itself what may be changed, so a page that was taken over gains nothing by it.
"""

import json
import sys
from pathlib import Path
from typing import BinaryIO, Final

from edgevoice.page.settings_file import read_text, unwritten
from edgevoice.page.settings_text import ChangeRefused, changed
from edgevoice.settings.file import SYSTEM_FILE
from edgevoice.store.files import rewrite

LONGEST_REQUEST_BYTES: Final = 65_536


def main(path: Path = SYSTEM_FILE, source: BinaryIO | None = None, target: BinaryIO | None = None) -> int:
    """Carry out one request; return the exit status: a refusal is an answer like any other."""
    source, target = source or sys.stdin.buffer, target or sys.stdout.buffer
    faults = carry_out(path, source.readline(LONGEST_REQUEST_BYTES + 1))
    target.write(json.dumps({"faults": faults}).encode() + b"\n")
    target.flush()
    return 0


def carry_out(path: Path, line: bytes) -> tuple[str, ...]:
    """Write the changes in a request to the file; return why not, nothing if they are written."""
    if len(line) > LONGEST_REQUEST_BYTES:
        return (f"the request is longer than {LONGEST_REQUEST_BYTES} bytes",)
    try:
        changes = json.loads(line)
    except (ValueError, RecursionError):
        changes = None
    if not isinstance(changes, dict):
        return ("the request is no JSON object",)
    try:
        rewrite(path, changed(read_text(path), changes, path.name).encode())
    except ChangeRefused as refused:
        return refused.faults
    except OSError as error:
        return (unwritten(path, error),)
    return ()


if __name__ == "__main__":
    sys.exit(main())
