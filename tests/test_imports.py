"""The direction of imports: adapters import the core, the core imports no adapter, only the roots import adapters."""

import ast
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edgevoice"

CORE_USES = {
    "array", "binascii", "collections", "dataclasses", "enum", "functools", "itertools", "json", "math", "re", "typing",
    "msgspec", "numpy", "unicodedata",
}  # fmt: skip
"""None of these uses a clock, a thread, a file, a socket or randomness."""

ADAPTERS = {
    "alarms",
    "audio",
    "echo",
    "grading",
    "host",
    "integrations",
    "local",
    "memory",
    "observers",
    "page",
    "panel",
    "personas",
    "realtime",
    "testbed/virtual",
    "tools",
    "wakeword",
}
EVERYBODY_KNOWS = {
    "children",
    "control",
    "core",
    "errors",
    "extras",
    "code_pages",
    "heap",
    "journal",
    "real_time",
    "settings",
    "stand_ins",
    "steady_clock",
    "store",
    "threads",
    "tick",
    "wall_clock",
}

MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"agent", "mcp", "personas", "tools"},
    "errors": set(),
    "children": set(),
    "extras": set(),
    "code_pages": set(),
    "heap": set(),
    "wall_clock": set(),
    "settings": {"errors", "store"},
    "store": {"children", "errors", "journal", "threads"},
    "stand_ins": set(),
    "steady_clock": set(),
    "real_time": set(),
    "threads": set(),
    "tick": set(),
    "journal": {"core", "errors", "wall_clock"},
    "core": set(),
    "engine": {"core"},
    "control": {"core", "errors", "settings", "store"},
    **dict.fromkeys(ADAPTERS, EVERYBODY_KNOWS),
    # The box and programs build on it; it knows neither.
    "agent": ADAPTERS - {"grading", "integrations", "observers", "testbed/virtual"}
    | EVERYBODY_KNOWS
    | {"engine", "mcp"},
    # A kind of tools: it offers what the room of tools declares.
    "mcp": EVERYBODY_KNOWS | {"tools"},
}
"""For each package: the other packages that its modules may import."""

ROOTS = {"__main__", "box", "cli", "commands", "doctor", "testbed"}
"""They assemble the program, and may import anything."""

WITHIN: dict[str, dict[str, set[str]]] = {
    "core": {
        "conversation": {"sound"},
        "protocol": set(),
        "sound": set(),
    },
    "settings": {
        "instructions": set(),
        "fields": set(),
        "service": {"fields", "instructions"},
        "wakeword": {"fields"},
        "sound": {"fields"},
        "alarms": {"fields"},
        "assistant": {"fields", "http_tools"},
        "http_tools": {"fields"},
        "http_rules": {"catalogue", "fields", "http_tools", "tables"},
        "integrations": {"fields"},
        "home_rules": set(),
        "mcp": {"fields"},
        "judge_rules": set(),
        "mcp_rules": {"catalogue", "mcp", "tables"},
        "tables": {"catalogue", "fields"},
        "page": set(),
        "panel": {"fields"},
        "schema": {
            "alarms",
            "assistant",
            "fields",
            "integrations",
            "mcp",
            "page",
            "panel",
            "service",
            "sound",
            "wakeword",
        },
        "text": set(),
        "hints": set(),
        "wording": set(),
        "catalogue": {"hints", "schema", "wording"},
        "syntax": {"catalogue"},
        "agreement": {
            "assistant",
            "home_rules",
            "http_rules",
            "judge_rules",
            "mcp_rules",
            "tables",
            "panel",
            "schema",
            "service",
            "sound",
            "wakeword",
        },
        "file": {"agreement", "catalogue", "panel", "schema", "syntax", "text"},
    },
    "mcp": {"child": {"definitions", "server", "wire"}, "definitions": {"wire"}, "wire": {"server"}, "server": set()},
    "local": {"mind": set(), "speech": {"mind"}},
    "wakeword": {"kernel": {"models"}, "models": set()},
}
"""For each package: which of its named parts each part may import; parts not named belong to the package itself."""

EXCEPTIONS = {
    ("core/protocol/complaints.py", "errors"): "it sorts a service's codes by the errors that they stand for",
    ("core/lights.py", "errors"): "it sorts faults by the codes of their errors; errors.py imports nothing of ours",
}

NEVER_IN_THE_DAEMON = {
    "typer",
    "rich",
    "mcp",
    "mcp_types",
    "anyio",
    "httpx2",
    "pydantic",
    "scipy",
    "sklearn",
    "matplotlib",
    "aiomqtt",
    "paho",
    "dbus_fast",
    "prometheus_client",
    "hypothesis",
    "pytest",
}


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def room_of(module: Path) -> str:
    return room(module.relative_to(PACKAGE).with_suffix("").parts)


def room(parts: Sequence[str]) -> str:
    """Return the package (room) of a dotted name's parts, without the name of the top package."""
    return "/".join(parts[:2]) if tuple(parts[:2]) == ("testbed", "virtual") else parts[0]


@cache
def imported_by(module: Path) -> frozenset[str]:
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
    return frozenset(names)


def rooms_entered_by(module: Path) -> set[str]:
    """Return our other packages that a module imports from."""
    ours = {room(name.split(".")[1:]) for name in imported_by(module) if name.startswith("edgevoice.")}
    return ours - {room_of(module)}


def part_of(module: Path) -> str:
    """Return the part of its package that a module belongs to."""
    return module.relative_to(PACKAGE).parts[1].removesuffix(".py")


def parts_entered_by(module: Path) -> set[str]:
    """Return the other parts of its own package that a module imports."""
    own = f"edgevoice.{room_of(module)}."
    return {name.removeprefix(own).split(".")[0] for name in imported_by(module) if name.startswith(own)} - {
        part_of(module)
    }


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_imports_only_from_allowed_packages(module: Path) -> None:
    room = room_of(module)
    if room in ROOTS:
        return
    assert room in MAY_IMPORT, f"nobody has decided what {name_of(module)} may import"

    strays = {
        other for other in rooms_entered_by(module) - MAY_IMPORT[room] if (name_of(module), other) not in EXCEPTIONS
    }

    assert not strays


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) in WITHIN], ids=name_of)
def test_a_part_of_a_package_imports_only_allowed_parts(module: Path) -> None:
    parts = WITHIN[room_of(module)]
    if len(module.relative_to(PACKAGE).parts) < 2 or part_of(module) not in parts:
        return

    assert not (parts_entered_by(module) & set(parts)) - parts[part_of(module)]


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) == "core"], ids=name_of)
def test_the_core_uses_nothing_that_has_a_clock_a_thread_or_a_socket(module: Path) -> None:
    used = {name.split(".")[0] for name in imported_by(module)} - {"edgevoice"}

    assert used <= CORE_USES


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_sdk_of_mcp_is_imported_only_in_processes_of_its_own(module: Path) -> None:
    sdk = {"mcp", "mcp_types", "anyio", "httpx2"} & {name.split(".")[0] for name in imported_by(module)}

    # The child of the box, and the server that an assistant starts: `edgevoice mcp`.
    assert not sdk or name_of(module).startswith("mcp/child/") or name_of(module) == "integrations/mcp_server.py"


def test_no_import_exception_outlives_its_reason() -> None:
    needed = {(name_of(module), other) for module in MODULES for other in rooms_entered_by(module)}

    assert set(EXCEPTIONS) <= needed


def test_every_package_and_no_other_has_import_rules() -> None:
    assert set(MAY_IMPORT) | ROOTS == {room_of(module) for module in MODULES}


@pytest.mark.parametrize("module", ["edgevoice.box.daemon", "edgevoice.engine", "edgevoice.cli"])
def test_the_daemon_stays_small(module: str) -> None:
    listing = f"import sys, {module}; print(*sorted(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    assert "edgevoice" in done.stdout.split()
    assert not NEVER_IN_THE_DAEMON & set(done.stdout.split())


def test_the_daemon_imports_nothing_used_only_to_test_measure_or_display() -> None:
    listing = "import sys, edgevoice.box.daemon; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    assert "edgevoice.box.assembly" in done.stdout.split()
    assert [name for name in done.stdout.split() if name.startswith("edgevoice.testbed")] == []


def test_what_an_idle_box_never_needs_is_loaded_when_it_is_needed() -> None:
    listing = "import sys, edgevoice.box.daemon; print(*sorted(sys.modules))"
    # Measuring coverage loads some of it.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", listing], env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    # PortAudio with JACK; what words for people, dates and packages take; together 5 MB, and a tenth of the start.
    late = {"pyaudio", "argparse", "difflib", "email", "html", "importlib.metadata", "zipfile", "zoneinfo"}
    assert late & set(done.stdout.split()) == set()


def test_a_command_that_needs_no_box_loads_none() -> None:
    listing = "import sys, edgevoice.commands.root; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    # On a Pi, `edgevoice status` would take seconds with them.
    loaded = set(done.stdout.split())
    assert "edgevoice.commands.ctl" in loaded
    assert {"numpy", "gpiozero", "edgevoice.alarms.keeper", "edgevoice.observers.flight_recorder"} & loaded == set()
    assert [name for name in loaded if name.startswith("edgevoice.box")] == []


def test_disabled_features_are_not_loaded() -> None:
    listing = "import sys, edgevoice.box.daemon; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)

    # With it SQLite is loaded, which a tool that measures coverage may have loaded by itself.
    loaded = set(done.stdout.split())
    assert {"edgevoice.store.database", "edgevoice.memory.memory", "edgevoice.mcp"} & loaded == set()
    assert {"edgevoice.tools.http_tool", "edgevoice.tools.home"} & loaded == set()
    assert [name for name in loaded if name.startswith("edgevoice.grading")] == []
    assert [name for name in loaded if name.startswith("edgevoice.personas.")] == []
    assert [name for name in loaded if name.startswith(("edgevoice.control", "edgevoice.integrations"))] == []
    assert "edgevoice.box.guests" not in loaded
