"""Rules for tables whose names the owner chooses: words, servers, tools. Repeats no value: it may be a secret."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import ValidationError, convert, inspect

from edgevoice.settings.catalogue import is_secret_name, shown_name
from edgevoice.settings.fields import SECRET

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, section 5.6.2."""

_STORE_IT: Final = "keys do not belong in the settings: store it as a secret, and write ${NAME} for it"


def of_wrong_type(place: str, table: Mapping[str, Any], takes: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error line for each value of another type than ``takes`` says by name."""
    for key, value in table.items():
        try:
            convert(value, takes[key])
        except ValidationError:
            yield f"{place}.{key} is wrong; it must be {_must_be(takes[key])}"


def _must_be(annotation: Any) -> str:
    kind = inspect.type_info(annotation)
    parts = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return next(str(part.extra["must_be"]) for part in parts if isinstance(part, inspect.Metadata) and part.extra)


def complaints_about_values(place: str, values: Mapping[str, str], names: re.Pattern[str]) -> Iterator[str]:
    """Yield an error line for each name that is not one, and for each value that is no line or seems to be a secret."""
    for name, value in values.items():
        shown = f"{place}.{shown_name(name)}"
        if not names.fullmatch(name):
            yield f"{shown} is not a name that can be used there"
        elif re.search(r"[\x00-\x1f\x7f]", value):
            yield f"{shown} is wrong (its value is not shown); it must be one line of text"
        elif "${" in SECRET.sub("", value):
            yield f"{shown} has a ${{ that names no secret; write ${{NAME}}: letters, digits, - and _"
        elif value and not SECRET.search(value) and _sounds_secret(name):
            yield f"{shown} is not allowed; {_STORE_IT}"


def _sounds_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return is_secret_name(name) or plain.endswith(("key", "token", "secret", "password", "cookie"))


def is_address(url: str) -> bool:
    """Return whether this is the address of a web service, without a name or a password in it."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_right and parts.username is None and not re.search(r"[^\x21-\x7e]|#", url)
