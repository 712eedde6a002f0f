"""Lenient reading of JSON fields: a field of an unexpected type is coerced or left out. No I/O.

Services differ in small things: a code as a number, an index as ``0.0``, a list in place of an object. None of them
may cost the whole event.
"""

import binascii
import json
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar, get_args

import msgspec

MOST_ID_LETTERS = 512
"""Characters of an id or of a tool's name: services use up to about 40, and what is kept of a session is bounded."""

MOST_ARGUMENTS = 65_536
"""Characters of a call's arguments that are kept; the registry of tools refuses more, and reports that to the model."""

_MOST_INDEX = 2**31 - 1
_EXACT = 2.0**53
"""Whole numbers below this are exact as floating point."""

_MOST_NUMBER = 64
"""Characters of a number that are read."""

Id = Annotated[str, msgspec.Meta(max_length=MOST_ID_LETTERS)]
"""Text that is remembered, and therefore must not be long."""

Arguments = Annotated[str, msgspec.Meta(max_length=MOST_ARGUMENTS)]
"""JSON text of a call; a value of another type is encoded as JSON."""

Index = Annotated[int, msgspec.Meta(ge=0, le=_MOST_INDEX)]

ABSENT = msgspec.Raw(b"null")
"""A raw field that is missing or null."""

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What the parser raises, also for text that is not UTF-8, and for brackets nested a thousand deep."""

_T = TypeVar("_T", bound=msgspec.Struct)


class WireError(ValueError):
    """A frame that is not an event of the protocol; the text holds no part of the frame.

    ``kind`` is the type of the event that was lost, empty if the frame is not an event.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class LimitExceeded(WireError):
    """A frame, or something in it, that is larger than any service needs: the session must not go on."""


class Shape(Generic[_T]):
    """Reads one kind of struct field by field; ``read`` takes JSON text and raises for text that is not an object."""

    def __init__(self, kind: type[_T]) -> None:
        self._kind = kind
        fields = msgspec.structs.fields(kind)
        raw = [(field.name, msgspec.Raw, msgspec.field(default=ABSENT, name=field.encode_name)) for field in fields]
        self._raw = msgspec.json.Decoder(msgspec.defstruct(f"Raw{kind.__name__}", raw))
        self._readers = {field.name: _reader(field.type) for field in fields}

    def read(self, text: bytes | str | msgspec.Raw) -> _T:
        """Return the struct; an unreadable field gets its default. Unreadable audio raises ``WireError``."""
        raw = self._raw.decode(text)
        read = {
            name: reader(value) for name, reader in self._readers.items() if (value := getattr(raw, name)) != ABSENT
        }
        return self._kind(**{name: value for name, value in read.items() if value is not None})


def _reader(annotation: Any) -> Callable[[msgspec.Raw], Any]:
    """Return the reader for fields of that type; ``X | None`` is read as ``X``."""
    if type(None) in get_args(annotation):
        (annotation,) = (each for each in get_args(annotation) if each is not type(None))
    if annotation in _READERS:
        return _READERS[annotation]
    shape: Shape[msgspec.Struct] = Shape(annotation)
    from_text: Callable[[str], msgspec.Struct] | None = getattr(annotation, "from_text", None)

    def read(raw: msgspec.Raw) -> msgspec.Struct | None:
        try:
            return shape.read(raw)
        except UNREADABLE:
            said = text(raw)
            return from_text(said) if from_text and said else None

    return read


def text(raw: msgspec.Raw) -> str | None:
    """Return a string, or a whole number as text; ``None`` for anything else."""
    written = bytes(raw)
    if written[:1] == b'"':
        return _string(written)
    if not _is_number(written):
        return None
    if b"." not in written and b"e" not in written.lower():
        return written.decode()
    read = float(written)
    return str(int(read)) if read.is_integer() and abs(read) < _EXACT else None


def identifier(raw: msgspec.Raw) -> str | None:
    """Return an id; one that is too long raises ``LimitExceeded``."""
    read = text(raw)
    if read is not None and len(read) > MOST_ID_LETTERS:
        raise LimitExceeded(f"an id of {len(read)} characters")
    return read


def arguments(raw: msgspec.Raw) -> str | None:
    """Return a call's arguments as JSON text, whatever JSON type they had.

    Of text that is too long, one character beyond the limit is kept: the registry of tools then refuses it by length.
    """
    written = bytes(raw)
    read = _string(written) if written[:1] == b'"' else written.decode("utf-8", "replace")
    return read[: MOST_ARGUMENTS + 1]


def object_text(raw: msgspec.Raw) -> str | None:
    """Return the JSON text of an object as it is; ``None`` for anything else."""
    try:
        return bytes(raw).decode() if isinstance(msgspec.json.decode(raw), dict) else None
    except UNREADABLE:
        return None


def index(raw: msgspec.Raw) -> int | None:
    """Return a non-negative whole number, also if written as ``1.0`` or ``"1"``; ``None`` for anything else."""
    read = number(raw)
    return int(read) if read is not None and 0 <= read <= _MOST_INDEX and read.is_integer() else None


def number(raw: msgspec.Raw) -> float | None:
    """Return a number, also if written as text; ``None`` for anything else."""
    written = bytes(raw).strip(b'"')
    try:
        return float(written) if _is_number(written) else None
    except ValueError:
        return None


def audio(raw: msgspec.Raw) -> bytes | None:
    """Decode base64 text; it may contain line ends and spaces, lack its padding, or use the URL-safe alphabet.

    Any other text, or a value that is not text, raises ``WireError``.
    """
    written = bytes(raw)
    if written[:1] != b'"':
        raise WireError("audio that is not text")
    try:
        encoded = _string(written).encode("ascii").translate(_URL_KIND, b" \t\r\n").rstrip(b"=")
        return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4), strict_mode=True)
    except (UnicodeError, binascii.Error):
        raise WireError("audio that is not base64") from None


_URL_KIND = bytes.maketrans(b"-_", b"+/")

_READERS: dict[Any, Callable[[msgspec.Raw], Any]] = {
    str: text,
    Id: identifier,
    Arguments: arguments,
    Index: index,
    float: number,
    bytes: audio,
    msgspec.Raw: lambda raw: raw,
}


def counts(raw: msgspec.Raw, *, most: int = 32) -> dict[str, int]:
    """Return the whole numbers of an object by name, up to a limit; an empty mapping for anything else."""
    if len(bytes(raw)) > _MOST_COUNTS_BYTES:
        return {}  # nothing depends on it
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return {}
    read = {name: index(value) for name, value in fields.items() if len(name) <= MOST_ID_LETTERS}
    return dict([(name, count) for name, count in read.items() if count is not None][:most])


_MOST_COUNTS_BYTES = 16_384


def values(raw: msgspec.Raw, *, most: int) -> list[msgspec.Raw]:
    """Return the values of a list; empty for anything else. More than ``most`` raise ``LimitExceeded``."""
    # Counted first: a megabyte of zeros would be half a million objects, and a tenth of a second.
    if (commas := bytes(raw).count(b",")) > _MOST_COMMAS:
        raise LimitExceeded(f"a list with {commas} commas")
    try:
        read = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except UNREADABLE:
        return []
    if len(read) > most:
        raise LimitExceeded(f"a list of {len(read)} values")
    return read


_MOST_COMMAS = 50_000


def repaired(frame: bytes) -> bytes:
    """Repair JSON text that the strict parser refuses.

    Half a character becomes a replacement mark: a service that cuts by UTF-16 units sends one half in each of two
    deltas. ``NaN`` and similar values become null, and control characters are allowed in strings. Raises ``ValueError``
    or ``RecursionError`` if the result still is not JSON.
    """
    if len(frame) > _MOST_REPAIRED_BYTES:
        raise ValueError("too long to be read twice")
    read = json.loads(frame.decode("utf-8-sig", "replace"), strict=False, parse_constant=lambda _name: None)
    written = json.dumps(read, ensure_ascii=False)
    return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


_MOST_REPAIRED_BYTES = 32_768


def _is_number(written: bytes) -> bool:
    return len(written) <= _MOST_NUMBER and written[:1] in b"-0123456789" and written != b""


def _string(written: bytes) -> str:
    try:
        return msgspec.json.decode(written, type=str)
    except UnicodeError:
        return msgspec.json.decode(written.decode("utf-8", "replace"), type=str)
