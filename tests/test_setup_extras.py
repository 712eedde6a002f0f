"""`scripts/setup --with eval`: the measuring packages are installed on the box, and stay there over updates."""

from pathlib import Path
from typing import Final

import pytest

from tests.test_setup import SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

EVERY_STEP: Final = """
has_lgpio() { :; }; has_models() { :; }; python_version() { echo 3; }
make_tools() { :; }; install_locked() { :; }; install_edgevoice() { :; }
pip() { echo "$*" >>"$scratch/pip"; }
step "program" program ""
"""


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write("/opt/edgevoice/.keep", "")
    found.path("/var/lib").mkdir(parents=True)
    return found


def asked_of_pip(system: System) -> str:
    place = system.path("/scratch/pip")
    told = place.read_text() if place.exists() else ""
    place.unlink(missing_ok=True)
    return told


def test_an_extra_is_installed_by_hash_once_and_again_with_every_update(system: System) -> None:
    assert "install the measuring tools" in well(system.step(EVERY_STEP, extra="eval"))
    assert "--require-hashes" in asked_of_pip(system)

    # No longer requested, and nothing has changed.
    assert "as it should be" in well(system.step(EVERY_STEP))
    system.write("/opt/edgevoice/.made-from", "another program\n")
    assert "install the measuring tools" in well(system.step(EVERY_STEP))
    assert "requirements-eval.lock" in asked_of_pip(system)
    assert system.path("/var/lib/edgevoice.setup").read_text() == "extra eval\n"


def test_an_extra_is_installed_only_on_request_also_later(system: System) -> None:
    assert "measuring" not in well(system.step(EVERY_STEP))

    assert "install the measuring tools" in well(system.step(EVERY_STEP, extra="eval"))


def test_one_extra_does_not_replace_another(system: System) -> None:
    well(system.step(EVERY_STEP, extra="eval"))
    asked_of_pip(system)

    assert "install the packages for tools from MCP servers" in well(system.step(EVERY_STEP, extra="mcp"))

    asked = asked_of_pip(system)
    assert "requirements-eval.lock" in asked
    assert "requirements-mcp.lock" in asked
    assert system.path("/var/lib/edgevoice.setup").read_text() == "extra eval\nextra mcp\n"


def test_an_extra_counts_towards_the_space_needed(system: System) -> None:
    assert well_stdout(system.step("wanted_mb")) == "900\n"
    assert well_stdout(system.step("wanted_mb", extra="eval")) == "1400\n"
    assert well_stdout(system.step("wanted_mb", extra="mcp")) == "1000\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--with", "evil"], "--with takes only eval and mcp"),
        (["--with", "eval", "--offline", "/"], "which --offline rules out"),
    ],
)
def test_an_extra_that_cannot_be_added_is_reported(system: System, arguments: list[str], complaint: str) -> None:
    ended = system.setup("--dry-run", "--yes", *arguments)

    assert ended.returncode == 2
    assert complaint in ended.stderr
