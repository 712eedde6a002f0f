"""Reads the weights of a TensorFlow checkpoint without TensorFlow.

A checkpoint is a "tensor bundle": a file of numbers, and an index that says where in it each tensor lies. The index is
a table as LevelDB writes it (github.com/google/leveldb, doc/table_format.md); its entries are protocol buffers
(tensorflow/core/protobuf/tensor_bundle.proto).
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from edgevoice.wakeword.models.shapes import Floats

_FOOTER_BYTES: Final = 48
_FLOAT: Final = 1

# Fields of an entry, of a shape and of one of its dimensions.
_KIND, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5
_DIMENSION, _LENGTH = 2, 1

_Entry = dict[int, list[int | bytes]]


def tensors_in(index: bytes, data: bytes) -> dict[str, Floats]:
    """Return the tensors of single precision by name, as views of ``data``. Raises ``ValueError`` for anything else."""
    try:
        # The entry without a name says how many files there are: one, in all checkpoints of a single machine.
        entries = [(key.decode(), _message(value)) for key, value in _table(index) if key]
        return {name: _tensor(entry, data) for name, entry in entries if _number(entry, _KIND) == _FLOAT}
    except (IndexError, KeyError, UnicodeDecodeError, struct.error) as error:
        raise ValueError("it is no TensorFlow checkpoint, or cut short") from error


def _tensor(entry: Mapping[int, list[int | bytes]], data: bytes) -> Floats:
    shape = [_number(_message(each), _LENGTH) for each in _message(_content(entry, _SHAPE)).get(_DIMENSION, [])]
    offset, size = _number(entry, _OFFSET), _number(entry, _SIZE)
    if offset + size > len(data):
        raise ValueError("it is cut short")
    return np.frombuffer(data[offset : offset + size], "<f4").reshape(shape)


def _number(entry: Mapping[int, list[int | bytes]], field: int) -> int:
    """Return a number of a message; protocol buffers leave out what is 0."""
    value = entry.get(field, [0])[0]
    return value if isinstance(value, int) else 0


def _content(entry: Mapping[int, list[int | bytes]], field: int) -> bytes:
    value = entry.get(field, [b""])[0]
    return value if isinstance(value, bytes) else b""


def _table(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a LevelDB table: its footer names the block that names all others."""
    at, handle = 0, [0, 0, 0, 0]
    footer = file[-_FOOTER_BYTES:]
    for number in range(4):
        handle[number], at = _varint(footer, at)
    for _, where in _block(file, handle[2], handle[3]):
        offset, after = _varint(where, 0)
        yield from _block(file, offset, _varint(where, after)[0])


def _block(file: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if file[offset + size]:
        raise ValueError("its index is compressed")
    block = file[offset : offset + size]
    (restarts,) = struct.unpack_from("<I", block, size - 4)
    at, end, key = 0, size - 4 - 4 * restarts, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _message(encoded: int | bytes) -> _Entry:
    """Return the fields of a message by number; fixed numbers are left as bytes."""
    found: _Entry = {}
    if isinstance(encoded, int):
        return found
    at = 0
    while at < len(encoded):
        key, at = _varint(encoded, at)
        kind = key & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(encoded, at)
        else:
            length, at = _varint(encoded, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = encoded[at : at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = encoded[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
