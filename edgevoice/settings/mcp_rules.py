"""What must hold for ``mcp.servers`` and cannot be said by a type. Never repeats a value: it may be a secret."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import convert, structs

from edgevoice.settings.catalogue import shown_name
from edgevoice.settings.mcp import McpServerSettings
from edgevoice.settings.tables import HEADER_NAME, complaints_about_values, is_address, of_wrong_type

_NAME: Final = re.compile(r"[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")
_LONGEST_NAME: Final = 24
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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


def _complaints_about(place: str, server: McpServerSettings) -> Iterator[str]:
    if (server.command is None) == (server.url is None):
        yield f"{place} must have either a command or a url"
    elif server.command is not None and server.headers:
        yield f"{place}.headers is for a server with a url; one with a command takes env"
    elif server.url is not None and (server.args or server.env):
        yield f"{place} has a url, so it takes no args and no env; it takes headers"
    if server.url is not None and not is_address(server.url):
        yield f"{place}.url is wrong (its value is not shown); it must be an address that begins with http:// or https://"
    if server.command is not None and "/" in server.command and not server.command.startswith("/"):
        yield f"{place}.command is not an absolute path; it must be the name of a program, or begin with /"
    if any("\0" in text for text in (server.command or "", *server.args)):
        yield f"{place} has a command or args with a NUL in it"
    yield from complaints_about_values(f"{place}.env", server.env, _ENV_NAME)
    yield from complaints_about_values(f"{place}.headers", server.headers, HEADER_NAME)
