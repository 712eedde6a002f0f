#!/usr/bin/env python3
"""Print the test files of changed files, whose paths come on stdin, one a line; all relative to the current folder."""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePath

ALWAYS = ("tests/test_imports.py", "tests/test_readme.py")
"""What holds for every file, in a second or two."""

OF_SCRIPTS = {"_pi": "test_setup", "setup": "test_setup", "_setup": "test_scripts", "_tests_of": "test_check"}
"""Scripts whose tests have another name, by how both begin."""


def tests_of(changed: Iterable[str], root: Path) -> list[str]:
    """Return the test files for ``changed``, relative to ``root``; a module without tests of its own has its room's."""
    found: set[Path] = set()
    for name in changed:
        path = PurePath(name)
        match path.parts:
            case ("tests", *_, last) if last.startswith("test_") and path.suffix == ".py":
                found.add(root / path)
            case ("edgevoice", *rooms, last) if last.endswith(".py"):
                folder = root.joinpath("tests", *rooms)
                own = set(_named(folder, path.stem.strip("_")))
                found |= own or set(folder.glob("test_*.py"))
            case ("scripts" | ".ci" | "systemd" | "alsa", *_):
                begins = next((test for name, test in OF_SCRIPTS.items() if path.stem.startswith(name)), "")
                own = set((root / "tests").glob(f"{begins}*.py")) if begins else set()
                found |= own or set(_named(root / "tests", path.stem)) | {root / "tests" / "test_scripts.py"}
            case _:
                pass
    named = {each.relative_to(root).as_posix() for each in found if each.exists()}
    return sorted(named | {each for each in ALWAYS if (root / each).exists()})


def _named(folder: Path, stem: str) -> Iterable[Path]:
    yield from folder.glob(f"test_{stem}.py")
    yield from folder.glob(f"test_{stem}_*.py")


if __name__ == "__main__":
    print(*tests_of(sys.stdin.read().splitlines(), Path.cwd()), sep="\n")
