"""Changes in the text of a settings file: comments, order and everything that is not changed stay as they are. Pure."""

import tomllib
from collections.abc import Mapping
from typing import Any, Final

from edgevoice.page.changeable import may_change
from edgevoice.settings.catalogue import ENTRIES
from edgevoice.settings.editing import EditRefused, put
from edgevoice.settings.file import faults_in

MOST_CHANGES: Final = 100

Changes = Mapping[str, Any]
"""New values by full name; ``None`` removes the setting from the file, so that it follows the default."""


class ChangeRefused(ValueError):
    """The changes are not made; ``faults`` are the lines that say why."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults[0])
        self.faults = faults


def changed(text: str, changes: Changes, name: str) -> str:
    """Return the text of the file ``name`` with these changes. Raises ``ChangeRefused`` with all that is wrong."""
    strays = [dotted for dotted in changes if not may_change(dotted)]
    if strays or len(changes) > MOST_CHANGES:
        problem = strays[0][:60] if strays else f"more than {MOST_CHANGES} settings"
        raise ChangeRefused((f"{problem} cannot be changed on the page; change it in {name}",))
    try:
        edited = _edited(text, changes)
    except (EditRefused, tomllib.TOMLDecodeError) as error:
        raise ChangeRefused((f"{name}: {error}",)) from None
    if faults := faults_in(edited, name):
        raise ChangeRefused(faults)
    return edited


def _edited(text: str, changes: Changes) -> str:
    wanted = tomllib.loads(text)
    for dotted, value in changes.items():
        section, _, name = dotted.partition(".")
        table = wanted.setdefault(section, {})
        if not isinstance(table, dict):
            raise EditRefused(f"{section} is not a section")
        if value is None:
            table.pop(name, None)
        else:
            table[name] = _fitting(dotted, value)
    set_to = {
        tuple(dotted.split(".")): _fitting(dotted, value) for dotted, value in changes.items() if value is not None
    }
    try:
        # It knows where the file that `config init` writes has the comment about each setting.
        edited = put(text, set_to)
    except EditRefused:
        edited = _with_tomlkit(text, {dotted: value for dotted, value in changes.items() if value is not None})
    removed = [dotted for dotted, value in changes.items() if value is None]
    if removed:
        edited = _with_tomlkit(edited, dict.fromkeys(removed))
    found = tomllib.loads(edited)
    if _without_empty(found) != _without_empty(wanted):
        raise EditRefused("only a person can edit how this is written")
    return edited


def _with_tomlkit(text: str, changes: Changes) -> str:
    # Loaded only for what the house's own editor leaves: 2 MB.
    import tomlkit  # noqa: PLC0415
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        document = tomlkit.parse(text)
        for dotted, value in changes.items():
            section, _, name = dotted.partition(".")
            if value is not None:
                document.setdefault(section, tomlkit.table())[name] = _fitting(dotted, value)
            elif section in document and name in document[section]:
                del document[section][name]
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise EditRefused(str(error)) from error


def _fitting(dotted: str, value: Any) -> Any:
    """Return a whole number where the setting's default is one: a browser's numbers have no type."""
    default = ENTRIES[dotted].default
    if isinstance(value, float) and value.is_integer() and not isinstance(default, float):
        return int(value)
    return value


def _without_empty(document: dict[str, Any]) -> dict[str, Any]:
    return {name: table for name, table in document.items() if table != {}}
