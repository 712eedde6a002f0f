"""Rows as objects. A row that cannot be read costs only itself: SQLite checks a file's structure, not its content."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from edgevoice.errors import EdgevoiceError
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_UNREADABLE = (EdgevoiceError, ValueError, TypeError, OverflowError)
"""What decoding, converting and checking raise."""


def readable(rows: Iterable[Any], read: Callable[[Any], _T], *, file: str) -> list[_T]:
    """Return what ``read`` makes of each row, without those that it cannot read: the log says how many of ``file``."""
    found, unreadable = [], 0
    for row in rows:
        try:
            found.append(read(row))
        except _UNREADABLE:
            unreadable += 1
    if unreadable:
        # Not what is in them: it may be what was said.
        tell(_log, logging.WARNING, "rows-unreadable", file=file, rows=unreadable)
    return found
