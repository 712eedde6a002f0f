"""The voice's pronunciation tables as one mapped file: only what is looked up becomes resident.

As Python dictionaries they take 100 MB and most of a second at each start. ``python -m edgevoice.local.speech.tables
TARGET`` writes the file: in a process of its own, because reading the originals takes that memory.
"""

import hashlib
import json
import mmap
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from edgevoice.store.files import make_once, write_whole

_MAGIC: Final = b"edgevoice voice tables 1\n"
"""The last number is incremented with every change in what follows."""

_LENGTHS: Final = struct.Struct("<HI")
_SLOT: Final = struct.Struct("<I")
_MAKING_LIMIT_S: Final = 120.0


class MappedTable(Mapping[str, Any]):
    """One table: the values of strings, as JSON holds them. A string is found by its CRC, at that slot or after it."""

    def __init__(self, content: mmap.mmap, start: int, slots: int, count: int) -> None:
        self._content = content
        self._start = start
        self._slots = slots
        self._count = count

    def __getitem__(self, key: str) -> Any:
        wanted, content = key.encode(), self._content
        slot = zlib.crc32(wanted) & (self._slots - 1)
        while True:
            (at,) = _SLOT.unpack_from(content, self._start + slot * _SLOT.size)
            if not at:
                raise KeyError(key)
            length, size = _LENGTHS.unpack_from(content, at)
            at += _LENGTHS.size
            if content[at : at + length] == wanted:
                return json.loads(content[at + length : at + length + size])
            slot = (slot + 1) & (self._slots - 1)

    def __iter__(self) -> Iterator[str]:
        for slot in range(self._slots):
            (at,) = _SLOT.unpack_from(self._content, self._start + slot * _SLOT.size)
            if at:
                length, _ = _LENGTHS.unpack_from(self._content, at)
                at += _LENGTHS.size
                yield self._content[at : at + length].decode()

    def __len__(self) -> int:
        return self._count


class MappedTables:
    """All tables of a file, by name. A file of another kind is a ``ValueError``, a missing one an ``OSError``."""

    def __init__(self, content: mmap.mmap) -> None:
        if content[: len(_MAGIC)] != _MAGIC:
            raise ValueError("it holds something else")
        (size,) = _SLOT.unpack_from(content, len(_MAGIC))
        begin = len(_MAGIC) + _SLOT.size
        index = json.loads(content[begin : begin + size])
        if index["bytes"] != len(content):
            raise ValueError("it is cut short")
        self._tables = {name: MappedTable(content, *place) for name, place in index["tables"].items()}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Map a file."""
        with path.open("rb") as file:
            return cls(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def __getitem__(self, name: str) -> MappedTable:
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


def tables_in(folder: Path) -> MappedTables:
    """Return the tables, made first if ``folder`` does not hold them. Raises ``OSError`` and ``ValueError``."""
    place = folder / f"voice-tables-{_fingerprint()}.map"
    try:
        make_once(place, _make)
        return MappedTables.read(place)
    except (ValueError, KeyError):
        place.unlink(missing_ok=True)
        raise


def _make(draft: Path) -> None:
    command = [sys.executable, "-P", "-m", "edgevoice.local.speech.tables", str(draft)]
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=_MAKING_LIMIT_S)
    except subprocess.SubprocessError as error:
        raise OSError(f"the voice's tables were not made: {type(error).__name__}") from error


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
