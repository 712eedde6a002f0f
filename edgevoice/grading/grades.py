"""Grades: the scores of real conversations, in a file. Scores and times only; nothing of what was said."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from edgevoice.grading.scorers import Score
from edgevoice.store.files import DAMAGED, write_whole

NAME: Final = "grades.jsonl"

_LARGEST_BYTES: Final = 1 << 18
_KEPT: Final = 1000
"""Conversations of which the scores stay when the file has grown too large: one has some 150 bytes."""


class GradeEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The scores of one conversation, without the reasons: a judge's may repeat what was said.

    ``at`` is local time; ``session`` is an id of the box's own, which nothing else contains.
    """

    at: str
    session: str
    scores: tuple[Score, ...]


_decoder = msgspec.json.Decoder(GradeEntry)


def add_grade(folder: Path, entry: GradeEntry) -> None:
    """Append an entry to the file in ``folder``, which only its owner may read; raises ``OSError``."""
    file = folder / NAME
    bare = msgspec.structs.replace(
        entry, scores=tuple(msgspec.structs.replace(score, reason="") for score in entry.scores)
    )
    line = msgspec.json.encode(bare) + b"\n"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size > _LARGEST_BYTES:
            write_whole(file, b"".join(msgspec.json.encode(each) + b"\n" for each in read_grades(folder)[-_KEPT:]))
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # A line that a full disk or a power cut has left half written must not spoil the next one.
        os.write(descriptor, b"\n" + line)
    finally:
        os.close(descriptor)


def read_grades(folder: Path) -> list[GradeEntry]:
    """Return the entries, oldest first, without damaged lines; raises ``OSError`` if there is no file."""
    with (folder / NAME).open("rb") as file:
        content = file.read(4 * _LARGEST_BYTES)
    return [entry for line in content.splitlines() for entry in _decoded(line)]


def _decoded(line: bytes) -> Iterable[GradeEntry]:
    with contextlib.suppress(*DAMAGED):
        if line:
            yield _decoder.decode(line)
