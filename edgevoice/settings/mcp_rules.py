"""What must hold for ``mcp.servers`` and cannot be said by a type. Never repeats a value: it may be a secret."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import ValidationError, convert, inspect, structs

from edgevoice.settings.catalogue import is_secret_name, shown_name
from edgevoice.settings.fields import SECRET
from edgevoice.settings.mcp import McpServerSettings

_NAME: Final = re.compile(r"[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")
_LONGEST_NAME: Final = 24
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, section 5.6.2."""

_STORE_IT: Final = "keys do not belong in the settings: store it as a secret, and write ${NAME} for it"


def complaints(servers: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error line for every invalid part of ``mcp.servers``."""
    takes = {each.name: each.type for each in structs.fields(McpServerSettings)}
    for name, server in servers.items():
        place = f"mcp.servers.{name}"
        if not is_server_name(name):
            yield (
                f"mcp.servers has the name {shown_name(name)}; it must be letters, digits, - and single _, "
                f"{_LONGEST_NAME} characters at most"
            )
        elif not isinstance(server, dict):
            yield f"{place} must be a table, written [{place}]"
        elif wrong := next((key for key in server if key not in takes), None):
            yield f"{place} contains {shown_name(wrong)}; it takes {', '.join(takes)}"
        else:
            wrong_types = [*of_wrong_type(place, server, takes)]
            yield from wrong_types or _complaints_about(place, convert(server, McpServerSettings))


def is_server_name(name: str) -> bool:
    """Return whether a server may have that name: it begins the names of its tools, before two underscores."""
    return _NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME


def of_wrong_type(place: str, server: Mapping[str, Any], takes: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error line for each value of another type than ``takes`` says by name."""
    for key, value in server.items():
        try:
            convert(value, takes[key])
        except ValidationError:
            yield f"{place}.{key} is wrong; it must be {_must_be(takes[key])}"


def _must_be(annotation: Any) -> str:
    kind = inspect.type_info(annotation)
    parts = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return next(str(part.extra["must_be"]) for part in parts if isinstance(part, inspect.Metadata) and part.extra)


def _complaints_about(place: str, server: McpServerSettings) -> Iterator[str]:
    if (server.command is None) == (server.url is None):
        yield f"{place} must have either a command or a url"
    elif server.command is not None and server.headers:
        yield f"{place}.headers is for a server with a url; one with a command takes env"
    elif server.url is not None and (server.args or server.env):
        yield f"{place} has a url, so it takes no args and no env; it takes headers"
    if server.url is not None and not is_address(server.url):
        yield f"{place}.url is wrong (its value is not shown); it must be an address that begins with http:// or https://"
    if any("\0" in text for text in (server.command or "", *server.args)):
        yield f"{place} has a command or args with a NUL in it"
    yield from complaints_about_values(f"{place}.env", server.env, _ENV_NAME)
    yield from complaints_about_values(f"{place}.headers", server.headers, HEADER_NAME)


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
