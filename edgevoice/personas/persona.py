"""A persona: in what role, with which model and which voice the box answers. One typed record. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from edgevoice.errors import PersonaInvalid
from edgevoice.settings.catalogue import ENTRIES, ValueRefused, shown_name
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.syntax import NotToml, parse
from edgevoice.settings.text import NotText, decoded
from edgevoice.settings.wording import shown

DEFAULT: Final = "default"
"""The name of the persona that changes nothing: what ``[service]`` says."""

LONGEST_INSTRUCTIONS: Final = 4000
"""Characters: some 1,000 tokens, which every session pays for."""

LARGEST_TEXT: Final = 1 << 16
"""Bytes of a persona as TOML text, comments included; anything larger is another kind of file."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")

_ENTRIES: Final = {
    **{name: ENTRIES[f"service.{name}"] for name in ("instructions", "model", "voice", "speed")},
    "tools": ENTRIES["tools.enabled"],
}
"""What each field takes, and how a wrong value is refused: the same as for the setting of that name."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Persona(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Who answers; what is left out is as in ``[service]``.

    ``instructions``: its role and manner, added to the instructions of ``[service]``. ``model``, ``voice``, ``speed``:
    as in ``[service]``. ``tools``: the names of the tools that it may call, of those that the box has.
    """

    name: str
    instructions: str = ""
    model: str | None = None
    voice: str | None = None
    speed: float | None = None
    tools: tuple[str, ...] | None = None

    def allows(self, tool: str) -> bool:
        """Return whether it may call a tool."""
        return self.tools is None or tool in self.tools

    def applied(self, service: ServiceSettings) -> ServiceSettings:
        """Return the service's settings with this persona's."""
        own = {"model": self.model, "voice": self.voice, "speed": self.speed}
        changes: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        if self.instructions:
            changes["instructions"] = f"{service.instructions}\n\n# Your role\n{self.instructions}".lstrip()
        return structs.replace(service, **changes)


def checked(name: str, fields: Mapping[str, Any]) -> Persona:
    """Return the persona of this name with these fields; ``PersonaInvalid`` says in one line what is wrong."""
    checked_name(name)
    _require_valid(name, fields)
    return msgspec.convert({**fields, "name": name}, Persona)


def require_valid(persona: Persona) -> Persona:
    """Return a persona of a program's, which may have any name; raise ``PersonaInvalid`` for an invalid field."""
    if not isinstance(persona.name, str):  # what a program without a type checker may write
        raise PersonaInvalid(f"the name of a persona is {shown(persona.name)}; it must be a text")
    _require_valid(
        shown_name(persona.name),
        {name: value for name, value in structs.asdict(persona).items() if value is not None and name != "name"},
    )
    return persona


def _require_valid(name: str, fields: Mapping[str, Any]) -> None:
    for field, value in fields.items():
        if field not in _ENTRIES:
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

            near = get_close_matches(field, _ENTRIES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(_ENTRIES)}"
            raise PersonaInvalid(f"persona {name}: {shown_name(field)} is not a field; {hint}")
        try:
            _ENTRIES[field].read(value)
        except ValueRefused as refusal:
            raise PersonaInvalid(f"persona {name}: {field} {refusal}") from None
        if isinstance(value, str) and _CONTROL.search(value):
            raise PersonaInvalid(f"persona {name}: {field} contains a control character; delete it")
    if (size := len(fields.get("instructions", ""))) > LONGEST_INSTRUCTIONS:
        raise PersonaInvalid(f"persona {name}: instructions has {size} characters; at most {LONGEST_INSTRUCTIONS}")


def read(name: str, content: bytes) -> Persona:
    """Return the persona that a TOML document describes; ``PersonaInvalid`` says in one line what is wrong with it."""
    checked_name(name)
    if len(content) > LARGEST_TEXT:
        raise PersonaInvalid(f"persona {name}: the text is larger than {LARGEST_TEXT >> 10} KiB")
    try:
        persona = checked(name, parse(decoded(content)))
    except (NotText, NotToml) as refusal:
        raise PersonaInvalid(f"persona {name}: {refusal}") from None
    if persona == Persona(name=name):
        # It would answer as `default` does: an empty file, or one with comments alone, was not meant.
        raise PersonaInvalid(f"persona {name}: the text is empty; write at least one of {', '.join(_ENTRIES)}")
    return persona


def checked_name(name: str) -> str:
    """Return a name that a persona may have, else raise ``PersonaInvalid``."""
    if not _NAME.fullmatch(name):
        raise PersonaInvalid(
            f"{shown_name(name)} cannot be the name of a persona",
            remedy="Take 1 to 32 small letters, digits and hyphens, a letter first: night-owl.",
        )
    if name == DEFAULT:
        raise PersonaInvalid(
            f"{DEFAULT} is what [service] says, and cannot be changed here",
            remedy="Change [service] in the settings, or take another name.",
        )
    return name


def text_of(persona: Persona) -> str:
    """Return a persona as a TOML document, which ``checked`` accepts once it is parsed."""
    lines = ["# What is left out is as in [service].", "# instructions: the role and the manner, added to those there."]
    lines.append(f"instructions = {_text(persona.instructions)}")
    examples = {"model": '"openai/gpt-4.1-mini"', "voice": '"Dennis"', "speed": "0.9", "tools": '["get_current_time"]'}
    for name, example in examples.items():
        value = getattr(persona, name)
        lines.append(f"# {name} = {example}" if value is None else f"{name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    return _text(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _text(text: str) -> str:
    if "\n" not in text:
        return msgspec.json.encode(text).decode()
    escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'"""\n{escaped[:-1]}\\""""' if escaped.endswith('"') else f'"""\n{escaped}"""'
