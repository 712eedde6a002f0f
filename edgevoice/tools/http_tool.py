"""Web services as tools, as the settings declare them: the arguments become a request, its answer the result."""

import functools
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote, urlsplit

import msgspec

from edgevoice.errors import ToolRefused
from edgevoice.journal import tell
from edgevoice.settings.http_rules import PLACE
from edgevoice.settings.http_tools import HttpToolSettings
from edgevoice.tools.functions import checked, run_in_thread
from edgevoice.tools.http_client import HttpAnswer, HttpRequest, RequestFailed, fetch
from edgevoice.tools.tool import ToolContext, ToolDefinition, decode_arguments

_log = logging.getLogger(__name__)

_DOTS: Final = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_TYPES: Final[Mapping[str, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool}
_LIMITS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "pattern": "pattern",
}
"""Keywords of JSON schemas, and what msgspec calls them."""


class HttpTool:
    """A web service that the model may call; ``Tool`` of `tool`.

    ``url`` and ``headers`` are those of the settings with their secrets. ``timeout_s`` is its time if the settings name
    none.
    """

    def __init__(
        self, name: str, settings: HttpToolSettings, url: str, headers: Mapping[str, str], *, timeout_s: float
    ) -> None:
        self._settings = settings
        self._url = url
        self._headers = {"Accept": "application/json", **headers}
        self._timeout_s = settings.timeout_s or timeout_s
        self._arguments = _struct_of(name, settings)
        schema = {"type": "object", "properties": settings.properties, "required": list(settings.required)}
        self._definition = ToolDefinition(
            name,
            settings.description,
            # Older drafts of JSON Schema do not allow an empty list here.
            schema if settings.required else {key: value for key, value in schema.items() if key != "required"},
            requires_approval=settings.requires_approval,
            timeout_s=settings.timeout_s,
        )

    @property
    def definition(self) -> ToolDefinition:
        """The name, the description and the parameters."""
        return self._definition

    def check(self, arguments: str) -> dict[str, Any]:
        """Return the arguments with their defaults; raises ``ToolRefused``."""
        given = checked(decode_arguments(arguments), self._arguments)
        defaults = {
            name: schema["default"] for name, schema in self._settings.properties.items() if "default" in schema
        }
        filled = {**defaults, **given}
        self._address(filled)  # so that a value that cannot be in it is refused before anything runs
        return filled

    def call(self, arguments: dict[str, Any], context: ToolContext) -> Awaitable[Any]:
        """Begin the request in a thread."""
        call = functools.partial(self._fetch, arguments, context)
        return run_in_thread(call, name=f"tool-{self.definition.name}")

    def _fetch(self, arguments: Mapping[str, Any], context: ToolContext) -> Any:
        request = HttpRequest(self._settings.method, self._address(arguments), *self._content(arguments))
        try:
            answer = fetch(request, self._timeout_s, lambda: context.is_cancelled)
            return _picked(_content_of(answer, must_be_json=self._settings.result != ""), self._settings.result)
        except RequestFailed as failure:
            tell(_log, logging.WARNING, "http-tool-failed", tool=self.definition.name, problem=str(failure))
            raise ToolRefused(str(failure)) from None

    def _address(self, arguments: Mapping[str, Any]) -> str:
        """Return the address for these arguments: each is escaped, and cannot leave its place.

        A pair of the query whose argument is missing is left out.
        """
        path, mark, query = self._url.partition("?")
        filled = PLACE.sub(lambda match: _escaped(arguments[match["name"]]), path)
        before, after = (urlsplit(each).path.split("/") for each in (path, filled))
        for template, segment in zip(before, after, strict=True):
            if template != segment and _DOTS.fullmatch(segment):
                raise ToolRefused("an argument is . or .., which an address cannot contain")
        pairs = [
            PLACE.sub(lambda match: _escaped(arguments[match["name"]]), pair)
            for pair in query.split("&")
            if all(match["name"] in arguments for match in PLACE.finditer(pair))
        ]
        return f"{filled}{mark if pairs else ''}{'&'.join(pairs)}"

    def _content(self, arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes | None]:
        """Return the headers and the body: as declared, else all arguments that are not in the address."""
        if self._settings.method in {"GET", "DELETE"}:
            return self._headers, None
        in_address = {match["name"] for match in PLACE.finditer(self._url)}
        body = (
            {name: value for name, value in arguments.items() if name not in in_address}
            if self._settings.body is None
            else _filled(self._settings.body, arguments)
        )
        return {"Content-Type": "application/json", **self._headers}, msgspec.json.encode(body)


class HttpSource:
    """The declared web services; ``ToolSource`` of `tool`. What it offers never changes."""

    name = "http"

    def __init__(self, tools: Sequence[HttpTool]) -> None:
        self._tools = tuple(tools)

    def tools(self) -> Sequence[HttpTool]:
        """Return the tools, in the order of the settings."""
        return self._tools

    def may_offer(self, name: str) -> bool:
        """Return whether a tool of this name is declared."""
        return any(tool.definition.name == name for tool in self._tools)

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call nothing: nothing changes."""


# --- arguments -------------------------------------------------------------------------------------------------------


def _struct_of(name: str, settings: HttpToolSettings) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for each, schema in settings.properties.items():
        kind = _type_of(schema)
        # Defaults are added later: only what the model gave is checked.
        fields.append((each, kind) if each in settings.required else (each, kind, None))
    return msgspec.defstruct(name, fields, kw_only=True)


def _type_of(schema: Mapping[str, Any]) -> Any:
    if schema.get("enum"):
        kind: Any = Literal[tuple(schema["enum"])]
    elif schema["type"] == "array":
        kind = list[_type_of(schema["items"])]  # type: ignore[misc]  # made at run time
    else:
        kind = _TYPES[schema["type"]]
    limits = {_LIMITS[key]: value for key, value in schema.items() if key in _LIMITS and not schema.get("enum")}
    return Annotated[kind, msgspec.Meta(**limits)] if limits else kind


def _escaped(value: Any) -> str:
    """Return a value as one part of an address: nothing in it can end the part or begin another."""
    if isinstance(value, list):
        return ",".join(_escaped(each) for each in value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ToolRefused("an argument contains half a character") from None


def _filled(template: Any, arguments: Mapping[str, Any]) -> Any:
    """Return a template of JSON with its arguments: a text that is only a place keeps the argument's type."""
    if isinstance(template, dict):
        return {key: _filled(value, arguments) for key, value in template.items() if not _is_missing(value, arguments)}
    if isinstance(template, list):
        return [_filled(value, arguments) for value in template if not _is_missing(value, arguments)]
    if not isinstance(template, str):
        return template
    if (whole := PLACE.fullmatch(template)) is not None:
        return arguments[whole["name"]]
    return PLACE.sub(lambda match: _as_text(arguments.get(match["name"], "")), template)


def _is_missing(value: Any, arguments: Mapping[str, Any]) -> bool:
    whole = PLACE.fullmatch(value) if isinstance(value, str) else None
    return whole is not None and whole["name"] not in arguments


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


# --- the answer ------------------------------------------------------------------------------------------------------


def _content_of(answer: HttpAnswer, *, must_be_json: bool) -> Any:
    """Return what an answer says: JSON, a text, or ``None`` if it is empty. Raises ``RequestFailed``."""
    if not answer.body.strip():
        return None
    is_json = answer.media_type == "application/json" or answer.media_type.endswith("+json")
    if must_be_json or is_json:
        try:
            return msgspec.json.decode(answer.body)
        except (ValueError, RecursionError):
            raise RequestFailed("the service's answer is not valid JSON") from None
    if not answer.media_type.startswith("text/"):
        raise RequestFailed("the service's answer is neither JSON nor text")
    try:
        return answer.body.decode(answer.charset, errors="replace")
    except LookupError:
        raise RequestFailed("the service's answer is in an unknown character set") from None


def _picked(value: Any, pointer: str) -> Any:
    """Return the part of a value to which a JSON pointer leads (RFC 6901). Raises ``RequestFailed``."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and re.fullmatch(r"0|[1-9]\d{0,8}", name) and int(name) < len(value):
            value = value[int(name)]
        else:
            raise RequestFailed(f"the service's answer has nothing at {pointer}")
    return value
