"""What must hold for ``tools.http`` and cannot be said by a type. Never repeats a value that may be a secret."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import convert, structs

from edgevoice.settings.catalogue import is_secret_name, not_of_json, shown_name
from edgevoice.settings.fields import SECRET
from edgevoice.settings.http_tools import HttpToolSettings
from edgevoice.settings.tables import HEADER_NAME, complaints_about_values, is_address, of_wrong_type

PLACE: Final = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})\}")
"""Stands for an argument."""

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_SCALARS: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "boolean": (),
}
_OF_ALL: Final = ("type", "description", "default", "enum")
_KINDS: Final = (*_SCALARS, "array")


def complaints_about_http(tools: Mapping[str, Any]) -> Iterator[str]:
    """Yield an error line for every invalid part of ``tools.http``."""
    takes = {each.name: each for each in structs.fields(HttpToolSettings)}
    for name, tool in tools.items():
        place = f"tools.http.{shown_name(name)}"
        if not _NAME.fullmatch(name):
            yield f"{place} is not a name for a tool; it must be letters, digits and _, 64 characters at most"
        elif not isinstance(tool, dict):
            yield f"{place} must be a table, written [{place}]"
        elif wrong := next((key for key in tool if key not in takes), None):
            yield f"{place} contains {shown_name(wrong)}; it takes {', '.join(takes)}"
        elif missing := next((key for key, each in takes.items() if each.required and key not in tool), None):
            yield f"{place} has no {missing}"
        elif odd := next((path for path, _ in not_of_json(tool)), None):
            yield f"{place}.{odd} is wrong; it must be what JSON can express, not a date, nan or inf"
        else:
            yield from _complaints_about(place, tool, {key: each.type for key, each in takes.items()})


def _complaints_about(place: str, tool: Mapping[str, Any], types: Mapping[str, Any]) -> Iterator[str]:
    if wrong := [*of_wrong_type(place, tool, types)] or [*_about_parameters(f"{place}.parameters", tool)]:
        yield from wrong
        return
    settings = convert(tool, HttpToolSettings)
    yield from _about_url(place, settings)
    yield from complaints_about_values(f"{place}.headers", settings.headers, HEADER_NAME)
    if any(PLACE.search(SECRET.sub("", value)) for value in settings.headers.values()):
        yield f"{place}.headers contains an argument in braces; arguments go into the url or the body"
    if settings.body is not None:
        if settings.method in {"GET", "DELETE"}:
            yield f"{place}.body is not for the method {settings.method}; use POST, PUT or PATCH"
        unknown = {*_places(settings.body)} - {*settings.properties}
        yield from (f"{place}.body names {{{name}}}, which is not one of its parameters" for name in sorted(unknown))


def _about_url(place: str, settings: HttpToolSettings) -> Iterator[str]:
    plain = PLACE.sub("0", SECRET.sub("0", settings.url))
    if not is_address(plain) or "{" in plain or "}" in plain:
        yield (
            f"{place}.url is wrong (its value is not shown); it must be an address that begins with http:// or "
            "https://, with {name} for an argument and ${NAME} for a secret"
        )
        return
    # With a secret's value taken for a name: what counts is where the braces are.
    host = urlsplit(SECRET.sub("0", settings.url)).netloc
    if "{" in host or "$" in urlsplit(settings.url).netloc:
        yield f"{place}.url has an argument or a secret in its host; the host must be fixed"
    given = {name for name, schema in settings.properties.items() if "default" in schema} | {*settings.required}
    path, _, query = SECRET.sub("", settings.url).partition("?")
    for name in dict.fromkeys(_places(path + query)):
        if name not in settings.properties:
            yield f"{place}.url names {{{name}}}, which is not one of its parameters"
    for name in dict.fromkeys(_places(path)):
        if name in settings.properties and name not in given:
            yield f"{place}.url needs {name} in its path: name it in parameters.required, or give it a default"
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if value and not PLACE.search(value) and is_secret_name(key):
            yield f"{place}.url contains what seems to be a key; store it as a secret, and write ${{NAME}} for it"


def _about_parameters(place: str, tool: Mapping[str, Any]) -> Iterator[str]:
    schema = tool.get("parameters", {})
    if wrong := next((key for key in schema if key not in {"type", "properties", "required"}), None):
        yield f"{place} contains {shown_name(wrong)}; it takes type, properties, required"
    if schema.get("type", "object") != "object":
        yield f'{place}.type must be "object"'
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        yield f"{place} must have a table of properties, and a list as required"
        return
    yield from (
        f"{place}.required names {shown_name(str(name))}, which is not one of its properties"
        for name in required
        if name not in properties
    )
    for name, each in properties.items():
        if not PLACE.fullmatch(f"{{{name}}}"):
            yield f"{place}.properties has the name {shown_name(name)}; it must be letters, digits and _"
        else:
            yield from _about_property(f"{place}.properties.{name}", each)


def _about_property(place: str, schema: object) -> Iterator[str]:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or kind not in _KINDS:
        yield f"{place} must be a table whose type is {', '.join(json.dumps(each) for each in _KINDS)}"
        return
    takes = {*_OF_ALL, *(_SCALARS.get(str(kind), ("items", "minItems", "maxItems")))}
    if wrong := next((key for key in schema if key not in takes), None):
        yield f"{place} contains {shown_name(wrong)}; for the type {kind} it takes {', '.join(sorted(takes))}"
    elif not isinstance(schema.get("description", ""), str) or not isinstance(schema.get("enum", []), list):
        yield f"{place} must have a text as description, and a list as enum"
    elif not _are_bounds(schema):
        yield f"{place} has a limit that is not a number, or a pattern that is not a regular expression"
    elif kind == "array":
        yield from _about_property(f"{place}.items", schema.get("items"))


def _are_bounds(schema: Mapping[str, Any]) -> bool:
    numbers = [value for key, value in schema.items() if key.startswith(("min", "max"))]
    try:
        re.compile(schema.get("pattern", ""))
    except (re.error, TypeError):
        return False
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers)


def _places(value: Any) -> Iterator[str]:
    """Yield the names of the arguments that a template contains, at any depth."""
    if isinstance(value, str):
        yield from (match["name"] for match in PLACE.finditer(value))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _places(each)
    elif isinstance(value, list):
        for each in value:
            yield from _places(each)
