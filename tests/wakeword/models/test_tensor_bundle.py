"""A TensorFlow checkpoint, read without TensorFlow: one that is written here, and what is none."""

import struct
from collections.abc import Mapping

import numpy as np
import pytest

from edgevoice.wakeword.models.shapes import Floats
from edgevoice.wakeword.models.tensor_bundle import tensors_in

INT64 = 9


def varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def field(number: int, content: int | bytes) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def entry(shape: tuple[int, ...], offset: int, size: int, kind: int = 1) -> bytes:
    """Return how an index describes a tensor, with a checksum that is not read."""
    dimensions = b"".join(field(2, field(1, length)) for length in shape)
    where = field(4, offset) if offset else b""
    return field(1, kind) + field(2, dimensions) + where + field(5, size) + varint(6 << 3 | 5) + b"\1\2\3\4"


def block(entries: Mapping[bytes, bytes]) -> bytes:
    """Return a block of a table, each name without what it shares with the one before."""
    made, before = b"", b""
    for name, value in entries.items():
        shared = next((at for at, pair in enumerate(zip(name, before, strict=False)) if pair[0] != pair[1]), 0)
        made += varint(shared) + varint(len(name) - shared) + varint(len(value)) + name[shared:] + value
        before = name
    return made + struct.pack("<II", 0, 1)


def index_of(entries: Mapping[bytes, bytes], compression: int = 0) -> bytes:
    content = block(entries)
    names = block({b"z": varint(0) + varint(len(content))})
    after = len(content) + 5
    handles = varint(0) * 2 + varint(after) + varint(len(names))
    return content + bytes([compression]) + b"crc!" + names + b"\0crc!" + handles.ljust(48, b"\0")


A: Floats = np.arange(6, dtype=np.float32).reshape(2, 3)
B: Floats = np.array([1.5], np.float32)
DATA = A.tobytes() + B.tobytes()
ENTRIES = {
    b"": field(1, 1),
    b"layer-1/kernel": entry((2, 3), 0, 24),
    b"layer-1/kernel-2": entry((1,), 24, 4),
    b"steps": entry((), 0, 8, kind=INT64),
}


def test_tensors_are_found_by_name_whatever_names_share() -> None:
    tensors = tensors_in(index_of(ENTRIES), DATA)

    assert set(tensors) == {"layer-1/kernel", "layer-1/kernel-2"}, "only single precision is read"
    np.testing.assert_array_equal(tensors["layer-1/kernel"], A)
    np.testing.assert_array_equal(tensors["layer-1/kernel-2"], B)


@pytest.mark.parametrize(
    ("index", "data"),
    [
        (b"", DATA),
        (b"\xff" * 60, DATA),
        (index_of(ENTRIES)[40:], DATA),
        (index_of(ENTRIES), DATA[:-1]),
        (index_of(ENTRIES, compression=1), DATA),
        (index_of({b"a": entry((5, 5), 0, 24)}), DATA),
        (index_of({b"\xff": entry((2, 3), 0, 24)}), DATA),
        (index_of({b"a": varint(1 << 3 | 3)}), DATA),
    ],
    ids=["empty", "noise", "cut short", "data cut short", "compressed", "other size", "name", "unknown field"],
)
def test_what_is_no_checkpoint_is_refused(index: bytes, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is no|its index|cut short|reshape"):
        tensors_in(index, data)
