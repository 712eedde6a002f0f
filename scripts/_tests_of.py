#!/usr/bin/env python3
"""Print the test files of changed files, whose paths come on stdin, one a line; all relative to the current folder."""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePath

ALWAYS = ("tests/test_frame.py", "tests/test_imports.py", "tests/test_readme.py")
"""What holds for every file, in a second or two."""

OF_FILES = {
    "edgevoice/__init__.py": "tests/test_package.py",
    "edgevoice/__main__.py": "tests/test_package.py",
    "edgevoice/cli.py": "tests/commands/test_commandline.py",
    "hardware.md": "tests/test_hardware.py",
}
"""Files whose tests have another name."""

OF_SCRIPTS = {"_pi": "test_setup", "setup": "test_setup", "_setup": "test_scripts", "_tests_of": "test_check"}
"""Scripts whose tests have another name, by how both begin."""


def tests_of(changed: Iterable[str], root: Path) -> list[str]:
    """Return the test files for ``changed``, relative to ``root``.

    A module without tests of its own has its room's, and so has a file that a room's tests share.
    """
    found: set[Path] = set()
    for name in changed:
        path = PurePath(name)
        match path.parts:
            case _ if name in OF_FILES:
                found.add(root / OF_FILES[name])
            case ("tests", *_, last) if last.startswith("test_") and path.suffix == ".py":
                found.add(root / path)
            case ("edgevoice" | "tests", *rooms, _):
                folder = root.joinpath("tests", *rooms)
                own = set(_named(folder, path.stem.strip("_")))
                # The whole room at the top would be the tests of the scripts.
                found |= own or set(folder.glob("test_*.py") if rooms else ())
            case ("examples", *_):
                found.add(root / "tests" / "test_examples.py")
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
