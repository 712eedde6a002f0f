"""The working memory: one small record that the model always sees, and updates by merging. Pure."""

from typing import Any

import msgspec

from edgevoice.errors import ToolRefused, WishRefused

MOST_BYTES = 2048
"""The size of the record as JSON text: some 500 tokens, which every session pays for."""

SECTIONS = ("people", "home", "preferences", "notes")

Record = dict[str, Any]
"""A JSON object with the sections ``people``, ``home`` and ``preferences`` (objects) and ``notes`` (texts)."""


class Household(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The record, typed: who lives here, what the home is like, what people prefer, and notes in the user's words."""

    people: dict[str, Any] = {}
    home: dict[str, Any] = {}
    preferences: dict[str, Any] = {}
    notes: list[str] = []


def merged(record: Record, patch: Record) -> Record:
    """Return the record with a JSON Merge Patch (RFC 7396) applied: objects merge, ``null`` deletes, the rest replaces.

    Raises ``ToolRefused`` if the result is not such a record, or is too large.
    """
    return checked(_merged(record, patch))


def _merged(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    new = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            new.pop(name, None)
        else:
            new[name] = _merged(new.get(name), value)
    return new


def checked(record: Any) -> Record:
    """Return a record if it is valid; else raise ``ToolRefused``, whose text goes to the model."""
    try:
        household = msgspec.convert(record, Household)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ToolRefused(f"the memory has {', '.join(SECTIONS)}: {error}") from None
    if (size := len(msgspec.json.encode(household))) > MOST_BYTES:
        raise WishRefused(f"the memory is full: {size} bytes of {MOST_BYTES}. Forget something first")
    plain: Record = msgspec.to_builtins(household)
    return plain


def with_note(record: Record, note: str) -> Record:
    """Return the record with a note appended; a note that exists already stays where it is."""
    note = " ".join(note.split())
    if not note:
        raise WishRefused("there is nothing to remember")
    notes = record.get("notes", [])
    return record if note in notes else checked({**record, "notes": [*notes, note]})


def without(record: Record, words: str) -> tuple[Record, list[str]]:
    """Return the record without everything that holds all of ``words``, ignoring case, and what was removed."""
    wanted = words.casefold().split()
    taken: list[str] = []

    def is_meant(text: str) -> bool:
        return bool(wanted) and all(word in text.casefold() for word in wanted)

    def left(value: Any, path: str) -> Any:
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        text = f"{path}: {shown}" if path else shown
        if is_meant(path) or (not isinstance(value, dict | list) and is_meant(text)):
            taken.append(text)
            return None
        match value:
            case dict():
                return _present({name: left(each, f"{path} {name}".strip()) for name, each in value.items()})
            case list():
                return [each for each in (left(each, path) for each in value) if each is not None]
            case _:
                return value

    return checked(_present({name: left(value, "") or None for name, value in record.items()})), taken


def _present(fields: Record) -> Record:
    return {name: value for name, value in fields.items() if value is not None}


def told(record: Record) -> str:
    """Return the record as text for the session's instructions; empty if the record is."""
    if not any(record.values()):
        return ""
    return (
        "# What you remember of this household\n"
        f"{msgspec.json.encode(record).decode()}\n"
        "Use it where it helps, and do not recite it. Change it with update_memory, remember and forget."
    )
