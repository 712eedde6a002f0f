"""Limits on the size of files, functions and classes; a public class name has one meaning."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "edgevoice"

LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 50
MOST_ATTRIBUTES: Final = 12

LARGE_CLASSES: Final = {
    "box/assembly.py Parts": "a record: one field for each part of the box",
    "integrations/control/commands.py BoxHandles": "a record: one field for each thing that programs use of a box",
    "settings/schema.py Settings": "declared data: one field for each section",
    "settings/service.py ServiceSettings": "declared data: one field for each setting of [service]",
    "settings/wakeword.py WakewordSettings": "declared data: one field for each setting of [wakeword]",
    "settings/panel.py PanelSettings": "declared data: one field for each setting of [panel]",
    "panel/boards.py BoardPins": "declared data: one field for each setting that a board decides",
    "core/conversation/policy.py Policy": "declared data: one field for each thing that decisions depend on",
    "observers/status_file.py Status": "a record: one field for each thing that the status file holds",
    "commands/status.py View": "a record: one field for each thing that is shown",
    "testbed/demo/figures.py Figures": "a record: one field for each figure of the demo's report",
    "testbed/soak/record.py Record": "a record: one field for each kind of thing that a soak notes",
}
"""Classes with more attributes, each with the reason."""

NAMESAKES: Final = {
    "SpeechStarted": "in agent/events.py the library's name for it, in core/protocol/wire.py the protocol's",
    "SpeechStopped": "as SpeechStarted",
}
"""Names that more than one public class has, each with the reason."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def texts() -> dict[str, str]:
    """Return the text of every module, by its path below the package."""
    return {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """Parse every module once, and not before a test needs it: each process imports this file."""
    return {name: ast.parse(text) for name, text in texts().items()}


def lines_of(node: Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def attributes_of(owner: ast.ClassDef) -> set[str]:
    """Return the fields that a class declares, and the attributes assigned to ``self`` anywhere in it."""
    declared = {
        each.target.id for each in owner.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    assigned = {
        node.attr
        for node in ast.walk(owner)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return declared | assigned


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield every class with the name of its module."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield name, node


def test_files_and_functions_stay_short() -> None:
    long_files = {name for name, text in texts().items() if len(text.splitlines()) > LONGEST_FILE}
    long_functions = {
        f"{name} {node.name}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, Function) and lines_of(node) > LONGEST_FUNCTION
    }

    assert not long_files
    assert not long_functions


def test_a_class_has_few_attributes() -> None:
    large = {f"{module} {owner.name}" for module, owner in classes() if len(attributes_of(owner)) > MOST_ATTRIBUTES}

    assert large == set(LARGE_CLASSES)


def test_no_public_class_name_has_two_meanings() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module, owner in classes():
        if not owner.name.startswith("_"):
            places[owner.name].append(module)

    twice = {name: modules for name, modules in places.items() if len(modules) > 1}

    assert twice.keys() == set(NAMESAKES), twice


def test_attributes_are_counted_where_they_are_declared_or_assigned() -> None:
    (owner,) = ast.parse("class Box:\n  size: int\n  def fill(self, other):\n    self.full = other.x = other.y\n").body

    assert isinstance(owner, ast.ClassDef)
    assert attributes_of(owner) == {"size", "full"}
