"""The direction of imports: adapters know the core, the core knows nobody, and only the roots know adapters."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edgevoice"

CORE_USES = {
    "array", "binascii", "collections", "dataclasses", "enum", "functools", "itertools", "json", "math", "re", "typing",
    "msgspec", "numpy",
}  # fmt: skip
"""Nothing here has a clock, a thread, a file, a socket or chance."""

ADAPTERS = {"audio", "echo", "local", "panel", "realtime", "system", "tools", "virtual", "wakeword"}
EVERYBODY_KNOWS = {
    "extras",
    "core",
    "errors",
    "settings",
    "settings_catalogue",
    "settings_file",
    "journal",
    "store",
    "wall_clock",
}

MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "settings": {"errors"},
    "settings_text": set(),
    "extras": set(),
    "settings_hints": set(),
    "settings_catalogue": {"errors", "settings", "settings_hints"},
    "settings_syntax": {"settings_catalogue"},
    "settings_agreement": {"settings"},
    "settings_file": {
        "errors",
        "settings",
        "settings_agreement",
        "settings_catalogue",
        "settings_syntax",
        "settings_text",
    },
    "wall_clock": set(),
    "store": {"errors"},
    "journal": {"core", "errors", "settings", "wall_clock"},
    "live_settings": {"errors", "journal", "settings"},
    "core": set(),
    "engine": {"core"},
    "hearing": EVERYBODY_KNOWS,
    **dict.fromkeys(ADAPTERS, EVERYBODY_KNOWS),
}
"""By room: which other rooms a module in it may import."""

ROOTS = {
    "__main__",
    "assembly",
    "bench",
    "cli",
    "commands",
    "daemon",
    "demo",
    "soak",
    "doctor",
    "stage",
    "sayings",
    "preflight",
}
"""They put the house together, and may import anything."""

EXCEPTIONS = {
    ("core/complaints.py", "errors"): "it sorts a service's codes by the errors that they stand for",
    ("core/panel.py", "errors"): "it sorts faults by the codes of their errors; errors.py imports nothing of ours",
}

NEVER_IN_THE_DAEMON = {"typer", "rich", "scipy", "sklearn", "matplotlib", "hypothesis", "pytest"}


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def room_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_by(module: Path) -> set[str]:
    """Return the dotted names of everything that a module imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Import():
                names |= {alias.name for alias in node.names}
            case ast.ImportFrom(module=source, level=0) if source == "edgevoice":
                names |= {f"edgevoice.{alias.name}" for alias in node.names}
            case ast.ImportFrom(module=source, level=0) if source is not None:
                names.add(source)
            case ast.ImportFrom():
                raise AssertionError(f"{name_of(module)} imports relative to itself: write the whole name")
            case _:
                pass
    return names


def rooms_entered_by(module: Path) -> set[str]:
    """Return the other rooms of ours that a module imports from."""
    ours = {name.split(".")[1] for name in imported_by(module) if name.startswith("edgevoice.")}
    return ours - {room_of(module)}


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_imports_only_from_rooms_that_it_may_enter(module: Path) -> None:
    room = room_of(module)
    if room in ROOTS:
        return
    assert room in MAY_IMPORT, f"nobody has decided what {name_of(module)} may import"

    strays = {
        other for other in rooms_entered_by(module) - MAY_IMPORT[room] if (name_of(module), other) not in EXCEPTIONS
    }

    assert not strays


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) == "core"], ids=name_of)
def test_the_core_uses_nothing_that_has_a_clock_a_thread_or_a_socket(module: Path) -> None:
    used = {name.split(".")[0] for name in imported_by(module)} - {"edgevoice"}

    assert used <= CORE_USES


def test_no_exception_outlives_its_reason() -> None:
    needed = {(name_of(module), other) for module in MODULES for other in rooms_entered_by(module)}

    assert set(EXCEPTIONS) <= needed


def test_no_room_is_decided_on_that_is_not_there() -> None:
    assert set(MAY_IMPORT) | ROOTS == {room_of(module) for module in MODULES}


@pytest.mark.parametrize("module", ["edgevoice.daemon", "edgevoice.engine", "edgevoice.cli"])
def test_the_daemon_stays_small(module: str) -> None:
    listing = f"import sys, {module}; print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    assert "edgevoice" in done.stdout.split()
    assert not NEVER_IN_THE_DAEMON & set(done.stdout.split())
