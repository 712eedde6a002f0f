"""scripts/setup as root: nothing from the folder and environment of its caller is run, and no link is followed."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.test_setup import LIMIT_S, ROOT, SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
MODULES: Final = ("venv", "pip", "ensurepip", "json", "tomllib", "platform", "sitecustomize", "usercustomize", "boards")
PACKAGES: Final = ("edgevoice", "hatchling")


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write("/boot/firmware/config.txt", "dtparam=audio=on\n")
    found.path("/var/lib").mkdir(parents=True)
    return found


@pytest.fixture
def planted(system: System) -> Path:
    """A folder with foreign modules and commands, each of which leaves a file if it is run."""
    folder = system.path("/planted")
    program = f"open({str(system.path('/ran'))!r}, 'a').write(__name__)\n"
    for name in (*(f"{each}.py" for each in MODULES), *(f"{each}/__init__.py" for each in PACKAGES)):
        system.write(f"/planted/{name}", program)
    for name in ("dirname", "readlink", "python3", "grep"):
        system.write(f"/planted/{name}", f"#!/bin/sh\necho {name} >>{system.path('/ran')}\n").chmod(0o755)
    system.variables |= {"PYTHONPATH": str(folder), "PYTHONUSERBASE": str(folder)}
    return folder


def test_no_module_from_the_callers_folder_or_environment_is_run(system: System, planted: Path) -> None:
    ended = subprocess.run(
        [str(SETUP), "--dry-run", "--yes", "--hat", "i2s"],
        cwd=planted,
        env=system.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    well(ended)
    assert not system.path("/ran").exists(), system.path("/ran").read_text()


@pytest.mark.skipif(not list(Path("/usr/share/python-wheels").glob("pip-*")), reason="python3-venv is not installed")
def test_the_installer_too_is_built_without_such_modules(system: System, planted: Path) -> None:
    system.path("/wheels").mkdir()

    ended = system.step(f"cd {planted}; make_tools $scratch/tools", wheels=str(system.path("/wheels")))

    # The right pip runs, and gets as far as the empty folder of wheels.
    assert "No matching distribution found" in ended.stderr
    assert not system.path("/ran").exists(), system.path("/ran").read_text()


def test_commands_are_the_systems_whatever_the_callers_path(system: System, planted: Path) -> None:
    environment = {**os.environ, "PATH": f"{planted}:/usr/bin:/bin", "BASH_ENV": str(planted / "dirname")}

    ended = subprocess.run(
        [str(SETUP), "--help"], env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )

    assert "Usage: sudo scripts/setup" in well_stdout(ended)
    assert not system.path("/ran").exists(), system.path("/ran").read_text()


def test_every_python_that_runs_a_module_ignores_the_current_folder() -> None:
    scripts = [each for each in (ROOT / "scripts").iterdir() if each.name.startswith(("_", "setup", "soak"))]
    found = [line for each in scripts for line in each.read_text(encoding="utf-8").splitlines() if " -m " in line]
    python = [line for line in found if re.search(r"python3?\S* .*-m ", line)]

    assert len(python) >= 6
    assert [line for line in python if not re.search(r"python3?\S* -[IP] -m ", line)] == []


def test_the_environment_chooses_packages_and_proxy_and_nothing_else(system: System) -> None:
    kept = {"PIP_INDEX_URL": "file:///a", "PIP_PROXY": "http://a:1", "https_proxy": "http://b:1", "PIP_CERT": "/c"}
    gone = {"PYTHONPATH": "/a", "PYTHONUSERBASE": "/a", "PIP_TARGET": "/a", "PIP_CONFIG_FILE": "/a", "PERL5LIB": "/a"}
    gone |= {"LD_LIBRARY_PATH": "/a", "GIT_DIR": "/a", "APT_CONFIG": "/a", "VIRTUAL_ENV": "/a", "CDPATH": "/a"}
    system.variables |= kept | gone

    left = dict(line.partition("=")[::2] for line in well_stdout(system.step("env")).splitlines())

    assert {name: left.get(name) for name in kept} == kept
    assert set(gone) & set(left) == set()


# --- folders that others own -----------------------------------------------------------------------------------------

WAKE_WORD: Final = """
as_service() { "$@"; }
step "wake word" wake_word ""
"""
"""There is no user edgevoice here: the user who runs the test takes its role."""
PYTHON: Final = '#!/bin/sh\n[ "$3" != edgevoice.wakeword ] || : >"$CACHE_DIRECTORY/wakeword-1.npz"\n'


def test_root_writes_no_file_through_a_link_in_the_services_cache(system: System) -> None:
    precious = system.write("/etc/precious", "root's own\n")
    system.write("/opt/edgevoice/bin/python", PYTHON).chmod(0o755)
    system.write("/opt/edgevoice/.made-from", "this program\n")
    system.path("/var/cache/edgevoice").mkdir(parents=True)
    system.path("/var/cache/edgevoice/.made-for").symlink_to(precious)

    assert "build the wake word's network" in well(system.step(WAKE_WORD))

    assert precious.read_text() == "root's own\n"
    # Its notes are where only root can write, and the former note is gone.
    assert {each.name for each in system.path("/var/cache/edgevoice").iterdir()} == {"wakeword-1.npz"}
    assert "as it should be" in well(system.step(WAKE_WORD))
    system.write("/opt/edgevoice/.made-from", "another program\n")
    assert "build the wake word's network" in well(system.step(WAKE_WORD))


@needs_root
def test_changing_the_owner_never_follows_a_link(system: System) -> None:
    precious, secret = system.write("/etc/precious", ""), system.write("/etc/secret", "")
    folder = system.write("/var/lib/edgevoice/a/plain", "").parents[1]
    (folder / "a" / "hard").hardlink_to(secret)
    (folder / "soft").symlink_to(precious)
    (folder / "away").symlink_to(system.path("/etc"))
    every = {each: (folder / each) for each in ("a", "a/plain", "a/hard", "soft", "away")}
    for each in (folder, *every.values(), precious):
        os.chown(each, 54_321, 54_321, follow_symlinks=False)
    os.chown(system.path("/etc"), 54_321, 54_321)

    well(system.step(f"give root {folder}"))

    owners = {name: each.lstat().st_uid for name, each in every.items()}
    assert owners == {"a": 0, "a/plain": 0, "a/hard": 54_321, "soft": 0, "away": 0}
    assert folder.stat().st_uid == 0
    assert (precious.stat().st_uid, system.path("/etc").stat().st_uid) == (54_321, 54_321)


def test_root_changes_the_services_folders_only_through_these_functions() -> None:
    text = "\n".join(each.read_text(encoding="utf-8") for each in sorted((ROOT / "scripts").glob("_pi*.sh")))
    lines = [line.strip() for line in text.splitlines() if re.search(r"\$(cache|state)\b", line)]
    write = re.compile(r"\b(cp|mv|ln|tee|touch|install|chown|chmod|mkdir|sed -i)\b|>(?!/dev/null)")
    writes = [line for line in lines if write.search(line)]

    assert [line for line in writes if not line.startswith(("#", "as_service", "useradd", "readonly"))] == []
