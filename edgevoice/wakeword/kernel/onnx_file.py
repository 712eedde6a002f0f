"""Reads the graph of an ONNX file: the few fields that the kernel's weights come from. Nothing of other kinds is kept.

The package `onnx` takes 30 MB of memory and 40 MB of disk for the same. The field numbers are those of onnx.proto (ONNX
1.18); the encoding is protocol buffers' (protobuf.dev/programming-guides/encoding).
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_TYPES: Final[Mapping[int, str]] = {1: "<f4", 6: "<i4", 7: "<i8"}
"""TensorProto.DataType: float, int32, int64. A constant of another type is left out."""

Array = npt.NDArray[Any]


class NotOnnx(ValueError):
    """The bytes are not an ONNX model in one file, or are damaged."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator; ``attributes`` are numbers, lists of numbers, arrays and graphs, by name."""

    kind: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """Operators in their order, and the constants, by name, including those that operators bring."""

    nodes: Sequence[Node]
    constants: Mapping[str, Array]
    inputs: Sequence[str]
    outputs: Sequence[str]


def read_graph(model: bytes) -> Graph:
    """Return the graph of a model. Raises ``NotOnnx``."""
    try:
        graphs = [value for number, value in _fields(memoryview(model)) if number == 7]
        if len(graphs) != 1:
            raise NotOnnx("there is no graph in it")
        return _graph(graphs[0])
    except (IndexError, struct.error, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise NotOnnx("it is damaged") from error


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field: an integer, a float, or the bytes of what is inside."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                value, at = _varint(message, at)
                yield key >> 3, value
            case 2:
                length, at = _varint(message, at)
                if at + length > len(message):
                    raise NotOnnx("it is cut short")
                yield key >> 3, message[at : at + length]
                at += length
            case 5:
                yield key >> 3, struct.unpack_from("<f", message, at)[0]
                at += 4
            case 1:
                yield key >> 3, struct.unpack_from("<d", message, at)[0]
                at += 8
            case _:
                raise NotOnnx("it is not a protocol buffer")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value if value < 1 << 63 else value - (1 << 64)), at
        if shift > 63:
            raise NotOnnx("it is not a protocol buffer")


def _graph(message: memoryview) -> Graph:
    nodes: list[Node] = []
    constants: dict[str, Array] = {}
    inputs: list[str] = []
    outputs: list[str] = []
    for number, value in _fields(message):
        match number:
            case 1:
                nodes.append(_node(value))
            case 5:
                name, array = _tensor(value)
                if array is not None:
                    constants[name] = array
            case 11:
                inputs.append(_name_of(value))
            case 12:
                outputs.append(_name_of(value))
            case _:
                pass
    for node in nodes:
        if node.kind == "Constant" and isinstance(held := node.attributes.get("value"), np.ndarray):
            constants[node.outputs[0]] = held
    return Graph([node for node in nodes if node.kind != "Constant"], constants, inputs, outputs)


def _name_of(value: memoryview) -> str:
    return next((_text(inner) for number, inner in _fields(value) if number == 1), "")


def _node(message: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    attributes: dict[str, Any] = {}
    kind = ""
    for number, value in _fields(message):
        match number:
            case 1:
                inputs.append(_text(value))
            case 2:
                outputs.append(_text(value))
            case 4:
                kind = _text(value)
            case 5:
                name, held = _attribute(value)
                attributes[name] = held
            case _:
                pass
    return Node(kind, inputs, outputs, attributes)


def _attribute(message: memoryview) -> tuple[str, Any]:
    name, held, integers = "", None, list[int]()
    for number, value in _fields(message):
        match number:
            case 1:
                name = _text(value)
            case 2 | 3:
                held = value
            case 5:
                held = _tensor(value)[1]
            case 6:
                held = _graph(value)
            case 8:
                integers += _integers(value)
            case _:
                pass
    return name, integers or held


def _tensor(message: memoryview) -> tuple[str, Array | None]:
    """Return a constant's name and content; None if it is of another type, or kept in another file."""
    name, kind, shape, raw = "", 0, list[int](), None
    numbers: list[Any] = []
    for number, value in _fields(message):
        match number:
            case 1:
                shape += _integers(value)
            case 2:
                kind = value
            case 4:
                numbers += np.frombuffer(value, "<f4").tolist() if isinstance(value, memoryview) else [value]
            case 5 | 7:
                numbers += _integers(value)
            case 8:
                name = _text(value)
            case 9:
                raw = value
            case _:
                pass
    if kind not in _TYPES:
        return name, None
    array: Array = np.frombuffer(raw, _TYPES[kind]) if raw is not None else np.array(numbers, _TYPES[kind])
    if array.size != np.prod(shape, dtype=np.int64):
        return name, None
    return name, array.reshape(shape)


def _integers(value: int | memoryview) -> list[int]:
    """Return the numbers of a repeated field, packed or one by one."""
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(number)
    return found


def _text(value: memoryview) -> str:
    return bytes(value).decode()
