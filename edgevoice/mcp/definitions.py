"""Definitions: turns what a server says of its tools into what the model may be given. Pure.

The server is not trusted: names, texts and schemas of any kind and size are cut to measure, or left out with a remark.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from edgevoice.mcp.wire import OfferedTool

MOST_TOOLS: Final = 64
"""Tools of one server. Every session pays for each definition; ``allow`` chooses among more."""

LONGEST_DESCRIPTION: Final = 1000
LARGEST_SCHEMA_BYTES: Final = 6144
_MOST_NODES: Final = 1000
_DEEPEST: Final = 24
_LONGEST_NAME: Final = 64
"""Of a function in the Realtime protocol."""

_MOST_REMARKS: Final = 8
_LONGEST_SHOWN: Final = 40
LARGEST_LIST_BYTES: Final = 1 << 18
_LITERALS: Final = ("const", "default", "enum", "examples")
"""Their values are no schemas."""

_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_NAMED: Final = ("properties", "patternProperties", "dependentSchemas")
"""Keywords whose value has a schema under each name."""

_ONE: Final = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_SEVERAL: Final = ("anyOf", "allOf", "oneOf", "prefixItems")
_NOT_AT_TOP: Final = ("allOf", "anyOf", "oneOf", "not", "enum")
"""Keywords for which OpenAI refuses the parameters of a tool, and with them the session, at their top level only."""

_DROPPED: Final = ("$schema", "$defs", "$id", "definitions", "$comment")


@dataclass(frozen=True, slots=True)
class AnnouncedTool:
    """A tool as a server announces it; ``fault`` says what in its definition the protocol does not allow."""

    name: str
    description: str
    schema: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The tools of a server that are offered, the server's own name of each, and what was left out and why."""

    tools: tuple[OfferedTool, ...]
    own_names: Mapping[str, str]
    remarks: tuple[str, ...]


class _SchemaRefused(ValueError):
    """A schema cannot be given to the model; the text says why."""


def catalogue_of(server: str, announced: Sequence[AnnouncedTool], allow: Sequence[str] | None) -> Catalogue:
    """Return the tools to offer as ``server__tool``, in the server's order."""
    tools: dict[str, OfferedTool] = {}
    own_names: dict[str, str] = {}
    size = 0
    remarks: list[str] = []
    known = {each.name for each in announced}
    remarks += [f"allow names {shown(name)}, which it does not have" for name in allow or () if name not in known]
    chosen = [each for each in announced if allow is None or each.name in allow]
    for each in chosen:
        name = offered_name(server, each.name)
        if each.fault:
            remarks.append(f"{shown(each.name)} is left out: its definition is not valid ({each.fault})")
        elif len(tools) >= MOST_TOOLS or size > LARGEST_LIST_BYTES:
            remarks.append(f"it has {len(chosen)} tools, of which {len(tools)} are used; choose with allow")
            break
        elif not re.search(r"[A-Za-z0-9]", each.name) or len(name) > _LONGEST_NAME:
            remarks.append(f"{shown(each.name)} is left out: its name cannot be used")
        elif name in tools:
            remarks.append(f"{shown(each.name)} is left out: another tool has that name")
        else:
            try:
                parameters = parameters_of(each.schema)
            except _SchemaRefused as refusal:
                remarks.append(f"{shown(each.name)} is left out: its parameters {refusal}")
            else:
                tools[name] = OfferedTool(name, _line(each.description, LONGEST_DESCRIPTION), parameters)
                size += len(msgspec.json.encode(tools[name]))
                own_names[name] = each.name
    return Catalogue(tuple(tools.values()), own_names, _fewer(remarks))


def offered_name(server: str, own_name: str) -> str:
    """Return the name by which the model calls a server's tool."""
    return f"{server}__{re.sub(r'[^A-Za-z0-9_-]', '_', own_name)}"


def parameters_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object with every reference replaced by what it refers to.

    A schema that contains itself allows anything in that place. What services refuse, although JSON Schema allows it,
    is replaced by something that allows more: the server itself checks what the model makes of it. Raises
    ``ValueError`` for one that is not of an object, for one that JSON Schema does not allow (the service would refuse
    the whole session for it), and for one that is too large.
    """
    resolved = _Resolver(schema).resolved(schema, (), 0)
    if resolved.get("type", "object") != "object":
        raise _SchemaRefused("are not those of an object")
    if place := _malformed(resolved):
        raise _SchemaRefused(f"are malformed at {shown(place)}")
    parameters = {"type": "object", "properties": {}, **_without_choices(resolved)}
    try:
        size = len(msgspec.json.encode(parameters))
    except (TypeError, ValueError, OverflowError) as error:
        raise _SchemaRefused("are not JSON") from error
    if size > LARGEST_SCHEMA_BYTES:
        raise _SchemaRefused(f"have {size} bytes; at most {LARGEST_SCHEMA_BYTES}")
    return parameters


class _Resolver:
    """Replaces the references in a schema; counts nodes, because a few lines of references can stand for millions."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._nodes = 0

    def resolved(self, node: Any, within: tuple[str, ...], depth: int) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or depth > _DEEPEST:
            raise _SchemaRefused("are too large or too deep")
        if isinstance(node, list):
            return [self.resolved(each, within, depth + 1) for each in node]
        if not isinstance(node, Mapping):
            return node
        resolved = {
            key: self._value(key, value, within, depth + 1)
            for key, value in node.items()
            if key not in _DROPPED and key != "$ref"
        }
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in within:
            target = self._target(reference)
            if isinstance(target, Mapping):
                resolved = {**self.resolved(target, (*within, reference), depth + 1), **resolved}
        kinds = resolved.get("type")
        if "array" in (kinds if isinstance(kinds, list) else [kinds]):
            resolved.setdefault("items", {})  # OpenAI refuses the session without them
        return resolved

    def _value(self, key: str, value: Any, within: tuple[str, ...], depth: int) -> Any:
        if key in _LITERALS:
            return value
        if key in _NAMED and isinstance(value, Mapping):
            # These keys are names, whatever they look like.
            return {name: self.resolved(each, within, depth + 1) for name, each in value.items()}
        return self.resolved(value, within, depth)

    def _target(self, reference: str) -> Any:
        """Return what a reference inside the schema points at (RFC 6901), ``None`` for every other."""
        if not reference.startswith("#/"):
            return None
        node: Any = self._root
        for part in reference[2:].split("/"):
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
        return node


def _without_choices(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of an object with the properties of all its choices, none of which is left."""
    if not any(keyword in schema for keyword in _NOT_AT_TOP):
        return schema
    properties: dict[str, list[Any]] = {}
    required = set(schema.get("required", ()))
    for keyword in ("allOf", "anyOf", "oneOf"):
        choices = [_without_choices(each) if isinstance(each, Mapping) else {} for each in schema.get(keyword, ())]
        for choice in choices:
            for name, each in choice.get("properties", {}).items():
                if each not in properties.setdefault(name, []):
                    properties[name].append(each)
        if choices:
            needed = [set(choice.get("required", ())) for choice in choices]
            required |= set.union(*needed) if keyword == "allOf" else set.intersection(*needed)
    merged = {name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in properties.items()}
    return {
        **{keyword: value for keyword, value in schema.items() if keyword not in (*_NOT_AT_TOP, "required")},
        "properties": {**merged, **schema.get("properties", {})},
        **({"required": sorted(required)} if required else {}),
    }


def _malformed(schema: object) -> str:
    """Return where a schema without references is none, as "properties.x.type"; "" for a well-formed one."""
    if isinstance(schema, bool):
        return ""
    if not isinstance(schema, Mapping):
        return "."
    for key, value in schema.items():
        if not _fits(key, value):
            return str(key)
        inner: Mapping[Any, Any] = value if key in _NAMED else {}
        if key in _ONE or key in _SEVERAL:
            inner = dict(enumerate(value)) if isinstance(value, list) else {"": value}
        for name, each in inner.items():
            if place := _malformed(each):
                return ".".join(filter(None, (key, str(name), place.strip("."))))
    return ""


def _fits(keyword: str, value: object) -> bool:
    """Return whether a keyword of JSON Schema may have a value of this kind."""
    match keyword:
        case "type":
            kinds = value if isinstance(value, list) else [value]
            return bool(kinds) and all(isinstance(kind, str) and kind in _TYPES for kind in kinds)
        case "required":
            return isinstance(value, list) and all(isinstance(name, str) for name in value)
        case "enum":
            return isinstance(value, list)
        case _ if keyword in _SEVERAL:
            return isinstance(value, list) and bool(value)
        case _:
            return keyword not in _NAMED or isinstance(value, Mapping)


def _line(text: str, limit: int) -> str:
    """Return a text on one line, cut to a length; a lone surrogate could not be sent."""
    line = " ".join(text[: 2 * limit].split())[:limit]
    return line.encode(errors="replace").decode()


def shown(name: str) -> str:
    """Return a name that a server has chosen, fit for a line of the log."""
    plain = re.sub(r"[^A-Za-z0-9_./-]", "?", name[: _LONGEST_SHOWN + 1])
    return f"{plain[:_LONGEST_SHOWN]}…" if len(plain) > _LONGEST_SHOWN else plain or "a tool without a name"


def _fewer(remarks: Iterable[str]) -> tuple[str, ...]:
    every = tuple(remarks)
    more = len(every) - _MOST_REMARKS
    return (*every[:_MOST_REMARKS], f"and {more} more") if more > 0 else every
