"""The voice's networks as files, prepared once: quicker to load, with less memory, and the same numbers.

onnxruntime optimises a network each time it loads one; here the result is kept, in its own format. Before that the end
of the larger network is cut off: it copies its output, the largest thing in the process, twice, only to divide it.
``python -m edgevoice.local.speech.stored_network NAME TARGET`` writes a file: in a process of its own, because that
takes the memory that is to be saved.
"""

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from edgevoice.store.files import drop_older, make_once
from edgevoice.store.making import make_in_child

_KIND: Final = "edgevoice voice network 1"
"""The last number is incremented with every change in what follows."""

_NAMES: Final = ("spectrum", "unknown words")
# Fields of onnx.proto (ONNX 1.18): of a model, of its graph, of an operator, and of what a graph returns.
_GRAPH: Final = 7
_NODE, _OUTPUT = 1, 12
_INPUTS, _OUTPUTS, _KIND_OF_NODE = 1, 2, 4
_NAME: Final = 1
_OF_FLOATS: Final = b"\x12\x04\x0a\x02\x08\x01"
"""The rest of an output's description: a tensor of floats, of any shape."""

_VARINT, _BYTES = 0, 2
"""Kinds of fields of protocol buffers (protobuf.dev/programming-guides/encoding); a model's graph has no others."""


class StoredNetworks:
    """The files in a folder, by name: "spectrum" of phonemes, and phonemes of "unknown words".

    Makes those that are missing. Raises ``OSError``.
    """

    def __init__(self, folder: Path) -> None:
        self._places = {name: folder / f"voice-{name.replace(' ', '-')}-{_fingerprint(name)}.ort" for name in _NAMES}
        for name, place in self._places.items():
            make_once(place, partial(_make, name))
            drop_older(place)

    def open(self, name: str) -> Any:
        """Return onnxruntime's session for a network.

        A file that is damaged or gone is made again; raises ``OSError`` or ``ValueError`` if that does not help.
        """
        place = self._places[name]
        try:
            return _opened(place)
        except ValueError:
            place.unlink(missing_ok=True)
            make_once(place, partial(_make, name))
            return _opened(place)


def undivided(model: bytes) -> bytes:
    """Return a model without the last two operators of its first outputs, which transpose and divide them.

    The first output is then what they were given, (1, frames, values). Raises ``ValueError`` if it ends otherwise.
    """
    fields = [*_fields(model)]
    graph = [*_fields(next((field.content for field in fields if field.number == _GRAPH), b""))]
    nodes = [field for field in graph if field.number == _NODE]
    outputs = [field for field in graph if field.number == _OUTPUT]
    divide = _producer(nodes, outputs[0].names(_NAME)[0], b"Split") if outputs else None
    transpose = _producer(nodes, divide.names(_INPUTS)[0], b"Transpose") if divide is not None else None
    if divide is None or transpose is None:
        raise ValueError("the network does not end as expected")
    parts = divide.names(_OUTPUTS)
    others = [field for field in outputs if field.names(_NAME)[0] not in parts]
    whole = _encoded(_OUTPUT, _encoded(_NAME, transpose.names(_INPUTS)[0]) + _OF_FLOATS)
    rest = [field for field in graph if field not in {divide, transpose, *outputs}]
    changed = b"".join(field.encoded for field in rest) + whole + b"".join(field.encoded for field in others)
    return b"".join(_encoded(_GRAPH, changed) if field.number == _GRAPH else field.encoded for field in fields)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message: its number, its bytes, and the bytes inside, none in that of a number."""

    number: int
    encoded: bytes
    content: bytes

    def names(self, number: int) -> list[bytes]:
        """Return all values with that number of the message inside."""
        return [field.content for field in _fields(self.content) if field.number == number]


def _producer(nodes: Sequence[_Field], name: bytes, kind: bytes) -> _Field | None:
    """Return the operator that computes a value, None if there is none, or it is of another kind."""
    made_by = next((node for node in nodes if name in node.names(_OUTPUTS)), None)
    return made_by if made_by is not None and made_by.names(_KIND_OF_NODE) == [kind] else None


def _fields(message: bytes) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        begin = at
        key, at = _varint(message, at)
        if key & 7 not in {_VARINT, _BYTES}:
            raise ValueError("it is not a graph in the format ONNX")
        value, at = _varint(message, at)
        end = at + value if key & 7 == _BYTES else at
        if end > len(message):
            raise ValueError("it is cut short")
        yield _Field(key >> 3, message[begin:end], message[at:end])
        at = end


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("it is cut short")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _encoded(number: int, content: bytes) -> bytes:
    return _written(number << 3 | _BYTES) + _written(len(content)) + content


def _written(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def _opened(path: Path) -> Any:
    """Return a session of one thread, without an arena."""
    import onnxruntime  # noqa: PLC0415 - 18 MB, and whoever loads the voice switches its telemetry off before
    from onnxruntime.capi import onnxruntime_pybind11_state as errors  # noqa: PLC0415

    try:
        return onnxruntime.InferenceSession(str(path), _options(), providers=["CPUExecutionProvider"])
    except (
        errors.Fail,
        errors.NoSuchFile,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
    ) as error:
        raise ValueError(f"the voice's network cannot be read: {type(error).__name__}") from error


def _options() -> Any:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # An arena keeps what the longest sentence took, for ever.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _make(name: str, draft: Path) -> None:
    make_in_child("the voice's network", "edgevoice.local.speech.stored_network", name, str(draft))


def _fingerprint(name: str) -> str:
    """Return what names the file: another network, or another release of onnxruntime, makes another.

    The network itself, 8 MB, is not read for it at each start: it comes with the package's release.
    """
    releases = [importlib.metadata.version(package) for package in ("onnxruntime", "hibari-tts")]
    named = f"{_KIND}{releases} {_original(name).stat().st_size}"
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _original(name: str) -> Path:
    from hibari.tts import ASSETS  # noqa: PLC0415 - optional
    from hibari.voices import DEFAULT, voice_path  # noqa: PLC0415 - optional

    return Path(voice_path(DEFAULT)) if name == "spectrum" else Path(ASSETS, "oov.onnx")


def _prepare(name: str, target: Path) -> None:
    import onnxruntime  # noqa: PLC0415 - only in the process that makes the file

    model = _original(name).read_bytes()
    options = _options()
    # Not what suits only this processor: the card may be put into another Pi. That is done at each load.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ORT")
    whole = undivided(model) if name == "spectrum" else model
    onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    # As voice.py does; and nobody else of this machine has to read the file.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.umask(0o077)
    _prepare(sys.argv[1], Path(sys.argv[2]))
