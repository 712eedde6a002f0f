"""How a refusal words a value and what it must be: of a setting, a program's request, a tool's argument. Pure."""

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from msgspec import ValidationError, convert, inspect

LONGEST_SHOWN: Final = 24
"""Characters of a text that an error line may repeat; a key in the wrong place is longer than that."""


class Language(NamedTuple):
    """What a language calls a group of named values, and nothing."""

    table: str
    nothing: str


TOML: Final = Language("a table", "None")
JSON: Final = Language("an object", "null")


def complaint(value: object, annotation: Any, *, strict: bool = True) -> str:
    """Return what is wrong with a value of JSON, to follow its name; "" if it is of the type."""
    try:
        convert(value, annotation, strict=strict)
    except (ValidationError, OverflowError):
        return f"is {shown(value, JSON)}; it must be {must_be(inspect.type_info(annotation), value, language=JSON)}"
    return ""


def must_be(kind: inspect.Type, value: object = None, unit: str = "", *, language: Language = TOML) -> str:
    """Describe what a type takes; for a value of the right type, only what is wrong with it."""
    match kind:
        case inspect.Metadata(extra={"must_be": words}):
            return str(words)
        case inspect.Metadata(type=inspect.StrType(pattern=str()), extra_json_schema={"description": words}):
            # A pattern is for machines.
            return f"a text: {words}"
        case inspect.Metadata(type=inner):
            return must_be(inner, value, unit, language=language)
        case inspect.IntType():
            return _number("" if _is_number(value, int) else "a whole number ", kind) + unit
        case inspect.FloatType():
            return _number("" if _is_number(value, int, float) else "a number ", kind) + unit
        case inspect.LiteralType(values=values):
            return _either([json.dumps(each) for each in values])
        case inspect.EnumType(cls=enum):
            return _either([json.dumps(each.value) for each in enum])
        case inspect.UnionType(types=types):
            words = [must_be(each, value, unit, language=language) for each in types if each != inspect.NoneType()]
            return ", or ".join(dict.fromkeys(words))
        case inspect.StrType():
            return _text(kind)
        case _:
            return _WORDS.get(type(kind), language.table)


_WORDS: Final = {
    inspect.BoolType: "true or false",
    inspect.BytesType: "bytes in base64",
    inspect.DecimalType: "a number",
    inspect.DateTimeType: "a date with a time",
    inspect.DateType: "a date",
    inspect.TimeType: "a time",
    inspect.TimeDeltaType: "a duration",
    inspect.UUIDType: "a UUID",
    **dict.fromkeys(
        (inspect.ListType, inspect.TupleType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType), "a list"
    ),
}
"""Types that need no more words; any other is a table."""


def _number(noun: str, kind: inspect.IntType | inspect.FloatType) -> str:
    low, high = (each if each is None else _plain(each) for each in (kind.ge, kind.le))
    match low, high:
        case str(), str():
            return f"{noun}between {low} and {high}"
        case str(), None:
            return f"{noun}of at least {low}" if noun else f"at least {low}"
        case None, str():
            return f"{noun}of at most {high}" if noun else f"at most {high}"
        case _:
            return noun.strip() or "another number"


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


def _text(kind: inspect.StrType) -> str:
    match kind.min_length, kind.max_length:
        case 1, None:
            return "a text that is not empty"
        case ((None | 0), int(most)):
            return f"a text of at most {most} characters"
        case int(least), int(most):
            return f"a text of {least} to {most} characters"
        case _:
            return "a text of another form" if kind.pattern else "a text"


def _is_number(value: object, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def shown(value: object, language: Language = TOML) -> str:
    """Return a value as an error line may show it: short, on one line, and never a long text."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return language.nothing
        case int() if abs(value) >= 10**15:
            return "a number with too many digits"
        case int() | float():
            return f"{value}"
        case str() if len(value) > LONGEST_SHOWN or value.startswith("sk-"):
            return f"a text of {len(value)} characters"
        case str():
            return json.dumps(value, ensure_ascii=not value.isprintable())
        case dict():
            return language.table
        case list() | tuple():
            return "a list"
        case _:
            return "a date or a time"


def names_of(names: Iterable[str]) -> str:
    """Return names as a refusal lists those that there are."""
    return ", ".join(names) or "nothing"
