"""The voice's pronunciation tables as one file, in which each string is looked up where it lies.

As Python dictionaries they take 100 MB and most of a second at each start. ``python -m edgevoice.local.speech.tables
TARGET`` writes the file: in a process of its own, because reading the originals takes that memory.
"""

import hashlib
import json
import os
import struct
import sys
import weakref
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from edgevoice.store.files import drop_older, make_once, write_whole
from edgevoice.store.making import make_in_child

_MAGIC: Final = b"edgevoice voice tables 1\n"
"""The last number is incremented with every change in what follows."""

_LENGTHS: Final = struct.Struct("<HI")
_SLOT: Final = struct.Struct("<I")
_USUAL_BYTES: Final = 256
"""What is read of a record at first: most are shorter."""


class _Content:
    """An open file that is read in any place, by any thread; closed with the last table that uses it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, size: int, at: int) -> bytes:
        """Return so many bytes from ``at`` on, fewer at the end."""
        return os.pread(self._descriptor, size, at)

    def size(self) -> int:
        """Return how long it is."""
        return os.fstat(self._descriptor).st_size


class StoredTable(Mapping[str, Any]):
    """One table: the values of strings, as JSON holds them. A string is found by its CRC, at that slot or after it.

    Each look-up reads the file, in two millionths of a second. Mapped, all 14 MB would soon be resident: with each
    page that is looked at, the kernel maps those around it.
    """

    def __init__(self, content: _Content, start: int, slots: int, count: int) -> None:
        self._content = content
        self._start = start
        self._slots = slots
        self._count = count

    def __getitem__(self, key: str) -> Any:
        wanted = key.encode()
        slot = zlib.crc32(wanted) & (self._slots - 1)
        while at := self._record_at(slot):
            record, length, size = self._record(at)
            if record[:length] == wanted:
                return json.loads(record[length : length + size])
            slot = (slot + 1) & (self._slots - 1)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        for slot in range(self._slots):
            if at := self._record_at(slot):
                record, length, _ = self._record(at)
                yield record[:length].decode()

    def __len__(self) -> int:
        return self._count

    def _record_at(self, slot: int) -> int:
        """Return where the record in a slot begins, 0 if the slot is empty."""
        place = self._start + slot * _SLOT.size
        (at,) = _SLOT.unpack(self._content.read(_SLOT.size, place))
        return int(at)

    def _record(self, at: int) -> tuple[bytes, int, int]:
        """Return a string and its value as they are stored, and the length of each."""
        found = self._content.read(_USUAL_BYTES, at)
        length, size = _LENGTHS.unpack_from(found)
        record = found[_LENGTHS.size :]
        if len(record) < length + size:
            record = self._content.read(length + size, at + _LENGTHS.size)
        return record, length, size


class StoredTables:
    """All tables of a file, by name. A file of another kind is a ``ValueError``, a missing one an ``OSError``."""

    def __init__(self, content: _Content) -> None:
        head = content.read(len(_MAGIC) + _SLOT.size, 0)
        if head[: len(_MAGIC)] != _MAGIC:
            raise ValueError("it holds something else")
        (size,) = _SLOT.unpack_from(head, len(_MAGIC))
        index = json.loads(content.read(size, len(head)))
        if index["bytes"] != content.size():
            raise ValueError("it is cut short")
        self._tables = {name: StoredTable(content, *place) for name, place in index["tables"].items()}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open a file."""
        return cls(_Content(path))

    def __getitem__(self, name: str) -> StoredTable:
        return self._tables[name]


def dump(tables: Mapping[str, Mapping[str, Any]], file: BinaryIO) -> None:
    """Write tables of JSON values."""
    slots = {name: 1 << max(1, 2 * len(table) - 1).bit_length() for name, table in tables.items()}
    # The index has a fixed size, because what it says depends on where it ends.
    index_size = 200 + sum(len(name) + 60 for name in tables)
    at = len(_MAGIC) + _SLOT.size + index_size
    places: dict[str, tuple[int, int, int]] = {}
    parts: list[bytes] = []
    for name, table in tables.items():
        start, at = at, at + slots[name] * _SLOT.size
        found = [0] * slots[name]
        records = bytearray()
        for key, value in table.items():
            slot = zlib.crc32(key.encode()) & (slots[name] - 1)
            while found[slot]:
                slot = (slot + 1) & (slots[name] - 1)
            found[slot] = at + len(records)
            held = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
            records += _LENGTHS.pack(len(key.encode()), len(held)) + key.encode() + held
        places[name] = (start, slots[name], len(table))
        parts += [struct.pack(f"<{len(found)}I", *found), bytes(records)]
        at += len(records)
    index = json.dumps({"bytes": at, "tables": places}).encode().ljust(index_size)
    file.write(_MAGIC + _SLOT.pack(index_size) + index)
    file.writelines(parts)


def tables_in(folder: Path) -> StoredTables:
    """Return the tables, made first if ``folder`` does not hold them. Raises ``OSError`` and ``ValueError``."""
    place = folder / f"voice-tables-{_fingerprint()}.map"
    try:
        make_once(place, _make)
        drop_older(place)
        return StoredTables.read(place)
    except (ValueError, KeyError):
        place.unlink(missing_ok=True)
        raise


def _make(draft: Path) -> None:
    make_in_child("the voice's tables", "edgevoice.local.speech.tables", str(draft))


def _fingerprint() -> str:
    digest = hashlib.sha256(_MAGIC)
    for path in _originals().values():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _originals() -> dict[str, Path]:
    from hibari.tts import ASSETS  # noqa: PLC0415 - optional

    files = {"gold": "lexicon_us_gold", "silver": "lexicon_us_silver", "tagger": "tagger"}
    return {name: Path(ASSETS, f"{file}.json.gz") for name, file in files.items()}


def _read_originals() -> dict[str, Mapping[str, Any]]:
    import gzip  # noqa: PLC0415 - only for the process that makes the file

    read = {name: json.loads(gzip.decompress(path.read_bytes())) for name, path in _originals().items()}
    tagger = read.pop("tagger")
    words = {"vocab": dict.fromkeys(tagger["vocab"], 1)} if "vocab" in tagger else {}
    return {
        **read,
        "tags": {"tags": tagger["tags"]},
        "tagdict": tagger["tagdict"],
        "weights": tagger["weights"],
        **words,
    }


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), lambda file: dump(_read_originals(), file))
