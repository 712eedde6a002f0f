"""The signature of a typed function as the model sees it: a description, a JSON schema, and a type that checks. No I/O.

The types of parameters are those that msgspec reads: str, int, float, bool, Literal, Enum, list, dict, dataclasses,
``msgspec.Struct``, unions with None; bare, or ``Annotated`` with a text and a ``msgspec.Meta``. The fields of a
dataclass or a struct are described by ``Meta(description=...)``.
"""

import enum
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from edgevoice.tools.tool import ToolContext, ToolDefinition

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_SECTION = re.compile(r"^\s*(?:[:@]|-{3,}\s*$)|:\s*$", re.MULTILINE)
"""A field, the line under a heading, or a heading: every style begins its parameters with one of them."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes: ``arguments`` checks it, and ``nullable`` names the parameters that may be ``null``.

    ``context`` is the name of the parameter of the type `ToolContext`, which the model does not see; empty without one.
    """

    definition: ToolDefinition
    arguments: type[msgspec.Struct]
    nullable: frozenset[str]
    context: str


def signature_of(function: Callable[..., Any]) -> Signature:
    """Return the signature of a function; raises ``TypeError``, whose text names function and parameter.

    The function needs a docstring, whose first sentence becomes the description, and a type for each parameter.
    Parameters are described by their annotation, or in the docstring in any of the usual styles (Google, NumPy,
    reStructuredText, Epydoc).
    """
    name = getattr(function, "__name__", "")
    if not _NAME.fullmatch(name):
        raise TypeError(f"{name!r} cannot be the name of a tool: 1 to 64 ASCII letters, digits and _")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name} is a generator: a tool returns its result, and does so once")
    documentation = inspect.getdoc(function) or ""
    if not documentation:
        raise TypeError(f"{name} has no docstring: the model would not know when to call it")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"{name}: the type {error.name} is not known where the function is defined") from error
    described = _parameters_in(documentation)
    context, nullable, fields = "", set(), []
    for parameter in _checked(name, inspect.signature(function), hints):
        if hints[parameter.name] is ToolContext:
            context = parameter.name
            continue
        kind = _described(hints[parameter.name], described.get(parameter.name, ""))
        if _admits_none(kind):
            nullable.add(parameter.name)
        fields.append((parameter.name, kind, *_default_of(parameter)))
    arguments, schema = _compiled(name, fields)
    definition = ToolDefinition(name, _first_sentence(documentation), schema)
    return Signature(definition, arguments, frozenset(nullable), context)


def _checked(name: str, signature: inspect.Signature, hints: Mapping[str, Any]) -> Iterator[inspect.Parameter]:
    for parameter in signature.parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"{name}: {parameter.name} cannot be passed by name")
        if parameter.name not in hints:
            raise TypeError(f"{name}: {parameter.name} has no type")
        yield parameter


def _compiled(name: str, fields: list[Any]) -> tuple[type[msgspec.Struct], dict[str, Any]]:
    """Return the struct that checks the arguments, and its schema; msgspec's errors name no function."""
    try:
        arguments = msgspec.defstruct(name, fields, kw_only=True)
        return arguments, _schema_of(arguments)
    except TypeError as error:
        raise TypeError(f"{name}: {' '.join(str(error).split())}") from error


# --- descriptions ----------------------------------------------------------------------------------------------------


def _first_sentence(documentation: str) -> str:
    paragraph = " ".join(documentation.split("\n\n", 1)[0].split())
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", paragraph, maxsplit=1)[0]


def _parameters_in(documentation: str) -> dict[str, str]:
    """Return how a docstring describes the parameters, by name."""
    if _SECTION.search(documentation.partition("\n")[2]) is None:
        return {}
    # Few docstrings have parameters, and none of our own tools: the library is loaded for those that may.
    from docstring_parser import parse  # noqa: PLC0415 - loaded when it is needed

    return {each.arg_name: " ".join((each.description or "").split()) for each in parse(documentation).params}


def _described(kind: Any, description: str) -> Any:
    """Return the type with its text notes in the form that msgspec reads; ``description`` replaces a missing note."""
    if get_origin(kind) in {Union, types.UnionType}:
        kind = Union[tuple(_described(member, "") for member in get_args(kind))]  # noqa: UP007 - made at run time
    if get_origin(kind) is not Annotated:
        return Annotated[kind, msgspec.Meta(description=description)] if description else kind
    inner, *notes = get_args(kind)
    metas = [msgspec.Meta(description=note) if isinstance(note, str) else note for note in notes]
    if description and not any(isinstance(meta, msgspec.Meta) and meta.description for meta in metas):
        metas.append(msgspec.Meta(description=description))
    return Annotated[(inner, *metas)]


# --- types -----------------------------------------------------------------------------------------------------------


def _admits_none(kind: Any) -> bool:
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_origin(bare) in {Union, types.UnionType} and type(None) in get_args(bare)


def _default_of(parameter: inspect.Parameter) -> tuple[Any, ...]:
    """Return the default as a field of a struct has it; one that could be changed is kept out of the schema."""
    default = parameter.default
    if default is parameter.empty:
        return ()
    if default is None or isinstance(default, str | int | float | enum.Enum) or default == []:
        return (default,)
    return (msgspec.field(default_factory=lambda: default),)


def _schema_of(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of the arguments, with every reference resolved."""
    (schema,), components = msgspec.json.schema_components([arguments], ref_template="{name}")
    inlined: dict[str, Any] = _inline(schema, components, ())
    inlined.pop("title", None)
    if not inlined["required"]:
        # Older drafts of JSON Schema, which some hosts of models use, do not allow an empty list here.
        del inlined["required"]
    return inlined


def _inline(schema: Any, components: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inline(each, components, inside) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"]
        if name in inside:
            raise TypeError(f"{name} contains itself, so it has no schema without references")
        return {
            **_inline(components[name], components, (*inside, name)),
            **{key: value for key, value in schema.items() if key != "$ref"},
        }
    inlined = {key: _inline(value, components, inside) for key, value in schema.items()}
    if isinstance(inlined.get("properties"), dict) and inlined.get("type") == "object":
        inlined["properties"] = {name: _without_null(each) for name, each in inlined["properties"].items()}
    if inlined.get("type") == "array":
        inlined.setdefault("items", {})  # OpenAI refuses the session without them
    return inlined


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an optional parameter without null, which would only repeat that it is optional.

    Not every model behind the service copes with ``anyOf``, but every one can omit a parameter.
    """
    choices = schema.get("anyOf", [])
    kept = [choice for choice in choices if choice != {"type": "null"}]
    if len(kept) != 1 or len(choices) != 2 or schema.get("default", 0) is not None:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**kept[0], **rest}
