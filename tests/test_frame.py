"""Rules for all files of the project: the locks, and text that no file may contain."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
RUNS_ON: Final = [(python, machine) for python in ("3.11", "3.12", "3.13") for machine in ("x86_64", "aarch64")]
LEFT_OUT: Final = {"pi"}
LOCKS: Final = ("requirements.lock", "requirements-build.lock", "requirements-eval.lock", "requirements-models.lock")
"""Extras left out of the lock: lgpio is useful only on a Pi."""

# In pieces, so that this file does not contain what it forbids.
HOSTS: Final = ("pypi" + ".org", "python" + "hosted.org", "pi" + "wheels.org", "npm" + "js.org", "deb." + "debian.org")
WORKPLACE: Final = re.compile("/wor" + r"k/(main|shared|\.)|/opt/" + r"(pypi|wheels)|/tmp/" + "brief")


@dataclass(frozen=True, slots=True)
class Locked:
    """One entry of a lock: the exact requirement, and how many hashes it may have on arrival."""

    requirement: Requirement
    hashes: int

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (pin,) = self.requirement.specifier
        assert pin.operator == "=="
        return pin.version

    def is_for(self, python: str, machine: str) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate(_environment(python, machine))


def _environment(python: str, machine: str) -> dict[str, str]:
    return {
        "extra": "",
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.2",
        "python_version": python,
        "sys_platform": "linux",
    }


def _entries(lock: str) -> list[Locked]:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [Locked(Requirement(line.split(" --hash=")[0]), line.count(" --hash=sha256:")) for line in lines]


def _project() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _declared() -> Iterator[Requirement]:
    project = _project()["project"]
    dependencies, extras = project["dependencies"], project["optional-dependencies"]
    assert isinstance(dependencies, list)
    assert isinstance(extras, dict)
    for line in [*dependencies, *(line for name, lines in extras.items() if name not in LEFT_OUT for line in lines)]:
        requirement = Requirement(line)
        if requirement.name != "edgevoice":
            yield requirement


@pytest.mark.parametrize(("python", "machine"), RUNS_ON)
def test_the_lock_satisfies_every_dependency_that_the_project_declares(python: str, machine: str) -> None:
    locked = {entry.name: entry for entry in _entries("requirements.lock") if entry.is_for(python, machine)}

    for wanted in _declared():
        found = locked.get(canonicalize_name(wanted.name))
        assert found is not None, f"{wanted.name} is not locked: run scripts/lock"
        assert wanted.specifier.contains(found.version), f"{wanted} is locked to {found.version}: run scripts/lock"


@pytest.mark.parametrize(("python", "machine"), RUNS_ON)
def test_the_tools_that_build_are_locked_as_the_project_declares_them(python: str, machine: str) -> None:
    locked = {entry.name: entry for entry in _entries("requirements-build.lock") if entry.is_for(python, machine)}
    declared = _project()["build-system"]["requires"]

    assert isinstance(declared, list)
    for wanted in map(Requirement, declared):
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)].version)
    assert {"pip", "setuptools"} <= locked.keys()


@pytest.mark.parametrize(("python", "machine"), RUNS_ON)
def test_both_locks_agree_on_what_both_name(python: str, machine: str) -> None:
    packages = {entry.name: entry.version for entry in _entries("requirements.lock") if entry.is_for(python, machine)}
    tools = {
        entry.name: entry.version for entry in _entries("requirements-build.lock") if entry.is_for(python, machine)
    }
    shared = packages.keys() & tools.keys()

    assert {name: packages[name] for name in shared} == {name: tools[name] for name in shared}


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(("python", "machine"), RUNS_ON)
def test_no_package_is_locked_twice_for_one_machine(lock: str, python: str, machine: str) -> None:
    names = [entry.name for entry in _entries(lock) if entry.is_for(python, machine)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_by_hash_and_not_by_address(lock: str) -> None:
    entries = _entries(lock)

    assert entries
    for entry in entries:
        assert entry.version
        assert entry.hashes
        assert entry.requirement.url is None
    options = re.findall(r"^\s*-.*", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {option.split("=")[0].strip() for option in options} == {"--hash"}


def _files() -> list[Path]:
    """List the files that git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _says(path: Path, words: re.Pattern[str]) -> str:
    # Audio and images are searched too: Latin-1 decodes any byte.
    found = words.search(path.read_text(encoding="latin-1"))
    return f"{path.relative_to(ROOT)}: {found.group()}" if found else ""


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="what the project's files are is known to git only")
class TestNoFile:
    def test_names_the_host_of_a_package_registry(self) -> None:
        hosts = re.compile("|".join(map(re.escape, HOSTS)), re.IGNORECASE)

        assert not list(filter(None, (_says(path, hosts) for path in _files())))

    def test_names_a_folder_of_the_machine_that_it_was_written_on(self) -> None:
        assert not list(filter(None, (_says(path, WORKPLACE) for path in _files())))

    def test_is_larger_than_a_clone_should_carry(self) -> None:
        assert not [path.name for path in _files() if path.stat().st_size > 2_000_000]


NO_MODULE: Final = {
    "test_box_command": "systemd/edgevoice-command",
    "test_examples": "examples/",
    "test_frame": "every file",
    "test_hardware": "hardware.md",
    "test_imports": "every import",
    "test_package": "the installed package",
    "test_scripts": "scripts/_setup.sh",
    "test_sizes": "every class, function and file",
    "test_units": "systemd/",
}
"""Subjects of top-level tests that belong to no module and no script."""


def _subjects(room: Path) -> set[str]:
    """Return what tests of a package may be named after: its modules, or the package itself for tests of all of it.

    At the top: the scripts, the helpers that tests share, and the modules outside the packages.
    """
    if room == Path():
        scripts = {each.stem.lstrip("_").replace("-", "_") for each in (ROOT / "scripts").iterdir() if each.is_file()}
        helpers = {each.stem for each in (ROOT / "tests").glob("*.py") if not each.stem.startswith("test_")}
        return scripts | helpers | {each.stem for each in (ROOT / "edgevoice").glob("*.py")}
    return {each.stem.strip("_") for each in (ROOT / "edgevoice" / room).glob("*.py")} | {room.name}


def test_a_test_file_is_in_the_folder_of_its_module_and_has_its_name() -> None:
    strays = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        room = file.parent.relative_to(ROOT / "tests")
        # The whole box, and its behaviour as seen by clients and services.
        if room == Path("e2e") or (room == Path() and file.stem in NO_MODULE):
            continue
        subject = file.stem.removeprefix("test_")
        if not any(subject == each or subject.startswith(f"{each}_") for each in _subjects(room)):
            strays.append(file.relative_to(ROOT).as_posix())

    assert not strays, "name each test_<module>.py or test_<module>_<aspect>.py, in the folder of the module's room"


@pytest.mark.parametrize("name", NO_MODULE)
def test_every_exception_to_the_test_file_names_is_needed(name: str) -> None:
    assert (ROOT / "tests" / f"{name}.py").exists()
    assert name.removeprefix("test_") not in _subjects(Path())


def test_the_tests_that_ci_names_exist() -> None:
    named = set(re.findall(r"\btests/[\w/*.]+", (ROOT / ".ci" / "run").read_text(encoding="utf-8")))

    assert named
    assert not [each for each in named if not list(ROOT.glob(each))]


def test_marks_stand_in_the_files_of_their_tests() -> None:
    """`scripts/test --sound` reads only files that contain the mark."""
    marked = [path for path in (ROOT / "tests").rglob("*.py") if re.search(r"mark\.(sound|alone)\b", path.read_text())]
    elsewhere = [path.name for path in marked if not path.name.startswith("test_") and path.name != "conftest.py"]

    assert not elsewhere
    assert not [path for path in (ROOT / "tests").rglob("*.py") if "add_mark" + "er(" in path.read_text()]
