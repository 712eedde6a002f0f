"""The settings as a list: each with its name, variable, default, unit and range, and the wording of its refusals.

Everything comes from the structs in `schema`, so nothing here can go stale. Reads no files, and never repeats a
value that may be a secret.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache
from inspect import cleandoc
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import inspect, structs

from edgevoice.settings.hints import hint
from edgevoice.settings.schema import Settings
from edgevoice.settings.wording import LONGEST_SHOWN, must_be, shown

HIDDEN: Final = "(hidden)"

_SHORTEST_PART: Final = 4
"""Letters of a name that is a part of another, such as "volume" of "volume_percent"."""

_UNITS: Final = {"_s": "seconds", "_ms": "milliseconds", "_percent": "percent", "_gpio": "BCM number of the pin"}
_SECRET_NAME: Final = re.compile(
    r"(^|_)(api_?key|secret(_key)?|private_key|password|passphrase|passwd|authorization|credentials?)$"
    r"|^(key|token|(access|auth|bearer|api)_?token)$"
)


class ValueRefused(ValueError):
    """A value is wrong; ``str()`` follows the setting's name: "is -1; it must be between 0 and 5 seconds"."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting; ``kind`` is its type as msgspec sees it, without the metadata around it."""

    section: str
    name: str
    annotation: Any
    kind: inspect.Type
    default: Any
    description: str
    extra: Mapping[str, Any]

    @property
    def dotted(self) -> str:
        """Return the full name, as error lines have it: microphone.preroll_s."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Return the name of the environment variable that overrides the file."""
        return f"EDGEVOICE_{self.section}_{self.name}".upper()

    @property
    def is_private(self) -> bool:
        """Return whether this setting may contain a key by mistake, so that its value is never repeated."""
        return bool(self.extra.get("is_private"))

    @property
    def unit(self) -> str:
        """Return the unit that the name ends with, in words; empty if there is none."""
        return next((unit for ending, unit in _UNITS.items() if self.name.endswith(ending)), "")

    @property
    def is_optional(self) -> bool:
        """Return whether the setting may be unset, which TOML expresses by omitting it."""
        return self.default is None

    def read(self, value: object) -> Any:
        """Convert a TOML value to the setting's own type, or raise ``ValueRefused``; lists become tuples."""
        try:
            right = msgspec.convert(value, self.annotation)
        except (msgspec.ValidationError, OverflowError):
            meant = self.hint(_as_text(value))
            instead = f"; write {meant}" if meant else ""
            if isinstance(value, str) and value.startswith("~") and not value.startswith("~/") and self.takes("~/x"):
                instead = "; ~ means the home folder only in ~/"
            raise ValueRefused(f"{self._what_it_is(value)}; it must be {self.must_be(value)}{instead}") from None
        check = _CHECKS.get(self.dotted)
        if check is not None and (complaint := check(right)):
            raise ValueRefused(complaint)
        return right

    def takes(self, value: object) -> bool:
        """Return whether this is a valid value of the setting by its type and range."""
        try:
            msgspec.convert(value, self.annotation)
        except (msgspec.ValidationError, OverflowError):
            return False
        return True

    def hint(self, written: str) -> str:
        """Return as TOML the value that a text probably means, empty if there is none."""
        is_word = isinstance(self.kind, inspect.LiteralType | inspect.VarTupleType)
        return hint(written, self.takes, name=self.name, may_show=not self.is_private, is_word=is_word)

    def must_be(self, value: object = None) -> str:
        """Describe what the setting takes; for a value of the right type, only what is wrong with it."""
        if "must_be" in self.extra:
            return str(self.extra["must_be"])
        # "percent" after a range would only repeat the name; seconds and milliseconds are confused too easily.
        unit = f" {self.unit}" if self.unit in {"seconds", "milliseconds"} else ""
        return must_be(self.kind, value, unit)

    def _what_it_is(self, value: object) -> str:
        if self.is_private and isinstance(value, str):
            return "is wrong (its value is not shown)"
        if isinstance(self.kind, inspect.VarTupleType) and isinstance(value, list):
            wrong = next((item for item in value if not self.takes([item])), None)
            return f"contains {shown(wrong)}"
        return f"is {shown(value)}"


def shown_name(name: str) -> str:
    """Return a name from a file as an error line may show it: short, and on one line."""
    plain = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
    return plain if len(plain) <= 2 * LONGEST_SHOWN else f"{plain[:LONGEST_SHOWN]}…"


def similar(name: str, known: Iterable[str], *, cutoff: float = 0.7) -> list[str]:
    """Return the most similar of the known names, in a list; an empty one if none is similar. Case does not matter."""
    import difflib  # noqa: PLC0415 - only for a mistake

    wanted, folded = name.strip().casefold(), {each.casefold(): each for each in known}
    parts = [each for each in folded if min(len(wanted), len(each)) >= _SHORTEST_PART and _has_part(wanted, each)]
    near = sorted(parts, key=len)[:1] or difflib.get_close_matches(wanted, folded, n=1, cutoff=cutoff)
    return [folded[each] for each in near]


def _has_part(name: str, other: str) -> bool:
    return name in other or other in name


def _as_text(value: object) -> str:
    """Return a value of another type as it would be written as a text; empty if no text can be meant by it."""
    match value:
        case str():
            return value
        case [str(only)]:
            return only
        case time():
            return f"{value:%H:%M}"
        case int() | float() if not isinstance(value, bool):
            return str(value)
        case _:
            return ""


def is_secret_name(name: str) -> bool:
    """Return whether a name sounds like that of a key or a password."""
    return _SECRET_NAME.search(name.lower().replace("-", "_")) is not None


def without_secrets(value: Any) -> Any:
    """Return a copy in which texts are hidden, at any depth, if their name sounds like a secret."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if is_secret_name(name) or name.lower().endswith(("key", "token")) else without_secrets(each)
            for name, each in value.items()
        }
    return [without_secrets(each) for each in value] if isinstance(value, list | tuple) else value


def address_without_secrets(url: str) -> str:
    """Return an address without the values of its query, in which some services expect a key."""
    place, mark, query = url.partition("?")
    names = [part.partition("=")[0] for part in query.split("&") if part]
    return f"{place}{mark}{'&'.join(f'{name}=…' for name in names)}"


def _complaint_about_address(url: str) -> str:
    must_be = str(ENTRIES["service.url"].extra["must_be"])
    if url in {"", "local"}:
        return ""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    else:
        if parts.username is not None:
            return "contains a user name or a password; keys do not belong in the settings: use service.key_file"
    # urlsplit silently drops tabs and line ends, and a WebSocket address has no fragment (RFC 6455, section 3).
    if not is_right or re.search(r"[^\x21-\x7e]|#", url):
        return f"is wrong (its value is not shown); it must be {must_be}"
    return ""


def _complaint_about_provider_data(data: dict[str, Any]) -> str:
    path, value = next(not_of_json(data), ("", None))
    return f"has {shown(value)} at {path}; it must contain only what JSON can express" if path else ""


def not_of_json(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value that TOML has and JSON has not (a date, nan, inf), with the path to it."""
    for path, each in _leaves(value):
        if not isinstance(each, str | int | float) or (isinstance(each, float) and not math.isfinite(each)):
            yield path, each


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{shown_name(name)}" if path else shown_name(name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{path}[{index}]")
    else:
        yield path, value


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "service.url": _complaint_about_address,
    "service.provider_data": _complaint_about_provider_data,
}


@cache
def sections() -> Mapping[str, type[msgspec.Struct]]:
    """Return the sections by name, in the order of the file."""
    return {each.name: each.type for each in structs.fields(Settings)}


def _descriptions(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return the lines "name: text" of a docstring by name; nothing under `python -OO`."""
    parts = re.split(r"^(\w+): ", cleandoc(struct.__doc__ or ""), flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _entries() -> Iterator[Entry]:
    for section, struct in sections().items():
        described = _descriptions(struct)
        for each in structs.fields(struct):
            annotated = inspect.type_info(each.type)
            match annotated:
                case inspect.Metadata(type=kind, extra=extra):
                    pass
                case kind:
                    extra = None
            default = each.default if each.default is not msgspec.NODEFAULT else each.default_factory()
            yield Entry(section, each.name, each.type, kind, default, described.get(each.name, ""), extra or {})


ENTRIES: Final[Mapping[str, Entry]] = {entry.dotted: entry for entry in _entries()}
"""Every setting by its full name, in the order of the file."""
