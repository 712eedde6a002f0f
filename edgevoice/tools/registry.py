"""The registry of tools: a typed function becomes a tool, its signature the JSON schema, its docstring the description.

Arguments come from a model and are untrusted: they are checked against the signature before anything runs.
"""

import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from edgevoice.errors import SettingsInvalid, ToolRefused

ARGUMENTS_LIMIT = 65_536
"""The longest JSON text of arguments that is looked at, in characters."""

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_PARAMETER_LINE = re.compile(r"^\s*(?::param\s+)?(\w+)(?:\s*\([^)]*\))?:\s+(\S.*)$")
_ERROR_PATH = re.compile(r"^(?P<text>.*) - at `\$\.?(?P<path>.*)`$", re.DOTALL)

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; ``parameters`` is its JSON schema, a plain object without references."""

    name: str
    description: str
    parameters: dict[str, Any]
    function: Callable[..., Any]
    arguments: type[msgspec.Struct]
    nullable: frozenset[str]

    @property
    def is_async(self) -> bool:
        """Whether the function runs in the loop; others run in a thread."""
        return inspect.iscoroutinefunction(self.function)

    def check(self, arguments: str) -> dict[str, Any]:
        """Return the arguments to call the function with, made from JSON text.

        Empty text and ``null`` are no arguments; unknown ones are ignored, and so is a null where none may stand; a
        number in quotation marks is a number. What is left out is left to the function. Raises ``ToolRefused``, whose
        text names the parameter and what is wrong with it.
        """
        if len(arguments) > ARGUMENTS_LIMIT:
            raise ToolRefused(f"the arguments are longer than {ARGUMENTS_LIMIT} characters")
        try:
            given = msgspec.json.decode(arguments) if arguments.strip() else None
        except (ValueError, RecursionError) as error:
            raise ToolRefused("the arguments are not valid JSON") from error
        if given is None:
            given = {}
        if not isinstance(given, dict):
            raise ToolRefused("the arguments must be a JSON object")
        known = {
            name: value
            for name, value in given.items()
            if name in self.arguments.__struct_fields__ and (value is not None or name in self.nullable)
        }
        try:
            checked = msgspec.convert(known, self.arguments, strict=False)
        except msgspec.ValidationError as error:
            raise ToolRefused(_reading(str(error))) from error
        return {name: getattr(checked, name) for name in known}


class Registry:
    """Tools by name, in the order in which they were added."""

    def __init__(self, functions: Iterable[Callable[..., Any]] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for function in functions:
            self.add(function)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all tools."""
        return tuple(self._tools)

    def tool(self, function: Function) -> Function:
        """Add a function; the decorator form of ``add``."""
        self.add(function)
        return function

    def add(self, function: Callable[..., Any]) -> Tool:
        """Add a function as a tool and return the tool.

        It needs a docstring, whose first sentence becomes the description, and a type for each parameter: str, int,
        float, bool, Literal, list and unions with None, bare or ``Annotated`` with a text and a ``msgspec.Meta``. A
        parameter may also be described in the docstring, in a line ``name: what it is``. Raises ``TypeError`` for a
        function that cannot be a tool and ``ValueError`` for a name that is taken.
        """
        tool = tool_from(function)
        if tool.name in self._tools:
            raise ValueError(f"there is already a tool named {tool.name}")
        self._tools[tool.name] = tool
        return tool

    def find(self, name: str) -> Tool:
        """Return a tool; raises ``ToolRefused`` that names those there are."""
        if name not in self._tools:
            raise ToolRefused(f"there is no such tool; there are: {', '.join(self.names) or 'none'}")
        return self._tools[name]

    def select(self, names: Iterable[str]) -> "Registry":
        """Return a registry of only these tools; raises ``SettingsInvalid`` for a name that is not among them."""
        chosen = Registry()
        for name in dict.fromkeys(names):
            if name not in self._tools:
                raise SettingsInvalid(f"tools.enabled names {name!r}; there are: {', '.join(self.names)}")
            chosen._tools[name] = self._tools[name]
        return chosen

    def definitions(self) -> list[dict[str, Any]]:
        """Return the tools as the Realtime protocol's ``session.tools``."""
        return [
            {"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters}
            for tool in self
        ]


def tool_from(function: Callable[..., Any]) -> Tool:
    """Return the tool that a typed function makes; see ``Registry.add``."""
    named = getattr(function, "__name__", "")
    if not _NAME.fullmatch(named):
        raise TypeError(f"{named!r} cannot be the name of a tool: 1 to 64 ASCII letters, digits and _")
    documentation = inspect.getdoc(function) or ""
    if not documentation:
        raise TypeError(f"{named} has no docstring: the model would not know when to call it")
    lines = [match for line in documentation.splitlines()[1:] if (match := _PARAMETER_LINE.match(line))]
    told = {match[1]: match[2] for match in lines}
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    nullable = set()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"{named}: {parameter.name} cannot be given by name")
        if parameter.name not in hints:
            raise TypeError(f"{named}: {parameter.name} has no type")
        kind = _described(hints[parameter.name], told.get(parameter.name, ""))
        if _admits_none(kind):
            nullable.add(parameter.name)
        fields.append((parameter.name, kind, *_default_of(parameter)))
    arguments = msgspec.defstruct(named, fields, kw_only=True)
    return Tool(
        name=named,
        description=_first_sentence(documentation),
        parameters=_schema_of(arguments),
        function=function,
        arguments=arguments,
        nullable=frozenset(nullable),
    )


def _described(kind: Any, description: str) -> Any:
    """Return a type whose text notes are what msgspec reads; ``description`` serves where there is no note."""
    if get_origin(kind) in {Union, types.UnionType}:
        kind = Union[tuple(_described(member, "") for member in get_args(kind))]  # noqa: UP007 - made at run time
    if get_origin(kind) is not Annotated:
        return Annotated[kind, msgspec.Meta(description=description)] if description else kind
    inner, *notes = get_args(kind)
    metas = [msgspec.Meta(description=note) if isinstance(note, str) else note for note in notes]
    if description and not any(isinstance(meta, msgspec.Meta) and meta.description for meta in metas):
        metas.append(msgspec.Meta(description=description))
    return Annotated[(inner, *metas)]


def _admits_none(kind: Any) -> bool:
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_origin(bare) in {Union, types.UnionType} and type(None) in get_args(bare)


def _default_of(parameter: inspect.Parameter) -> tuple[Any, ...]:
    if parameter.default is parameter.empty:
        return ()
    if isinstance(parameter.default, list) and parameter.default:
        return (msgspec.field(default_factory=lambda: list(parameter.default)),)
    return (parameter.default,)


def _first_sentence(documentation: str) -> str:
    paragraph = " ".join(documentation.split("\n\n", 1)[0].split())
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", paragraph, maxsplit=1)[0]


def _schema_of(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of the arguments, with every reference put in place."""
    (schema,), components = msgspec.json.schema_components([arguments], ref_template="{name}")
    inlined: dict[str, Any] = _inline(schema, components, ())
    inlined.pop("title", None)
    inlined["properties"] = {name: _without_null(each) for name, each in inlined["properties"].items()}
    if not inlined["required"]:
        # Older drafts of JSON Schema, which some models' hosts check by, know no empty list here.
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
            raise TypeError(f"{name} holds itself: that has no plain schema")
        return {
            **_inline(components[name], components, (*inside, name)),
            **{key: value for key, value in schema.items() if key != "$ref"},
        }
    return {key: _inline(value, components, inside) for key, value in schema.items()}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be left out, without the null that says the same again.

    Not every model behind the service copes with ``anyOf``, and every one can leave a parameter out.
    """
    choices = schema.get("anyOf", [])
    kept = [choice for choice in choices if choice != {"type": "null"}]
    if len(kept) != 1 or len(choices) != 2 or schema.get("default", 0) is not None:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    return {**kept[0], **rest}


def _reading(text: str) -> str:
    """Return msgspec's error text with the parameter's name in front and without the sign for the root."""
    match = _ERROR_PATH.match(text)
    return f"{match['path']}: {match['text']}" if match else text
