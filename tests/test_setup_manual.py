"""The manual page and the completions that scripts/setup installs agree with the commands' own help."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from edgevoice import __version__
from tests.test_setup import LIMIT_S, ROOT, SETUP, System, well

pytestmark = pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy")

SCRIPT: Final = ROOT / "scripts" / "_manual.py"


def made(what: str) -> str:
    command = [sys.executable, "-I", "-B", str(SCRIPT), what]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S).stdout


@pytest.fixture(scope="module")
def completion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("completion") / "edgevoice"
    place.write_text(made("completion"), encoding="utf-8")
    return place


TYPED: Final[list[tuple[list[str], set[str]]]] = [
    (["d"], {"devices", "doctor", "demo"}),
    (["wakeword", ""], {"test", "watch", "tune", "evaluate", "enrol", "--help"}),
    (["wakeword", "tu"], {"tune"}),
    (["doctor", "--ec"], {"--echo"}),
    (["config", "show", "--"], {"--config", "--json", "--help"}),
    (["doctor", "wakeword", "--q"], {"--quick"}),
    (["nothing", "xyz"], set()),
]


@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_completion_offers_what_can_follow(completion: Path, typed: list[str], offered: set[str]) -> None:
    words = " ".join(f"'{each}'" for each in ["edgevoice", *typed])
    script = f"source {completion}; COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _edgevoice; echo ${{COMPREPLY[*]}}"

    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=LIMIT_S)

    assert set(told.stdout.split()) == offered
    assert told.stderr == ""


ZSH = """
words=({words}) CURRENT={current} PREFIX='{prefix}'
compadd() {{ shift; print -l -- "${{(M)@:#$PREFIX*}}"; }}
_files() {{ :; }}
source {place}
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completion_offers_the_same(tmp_path: Path) -> None:
    place = tmp_path / "_edgevoice"
    place.write_text(made("zsh_completion"), encoding="utf-8")
    for typed, offered in TYPED:
        words = " ".join(f"'{each}'" for each in ["edgevoice", *typed])
        script = f"f() {{ {ZSH.format(words=words, current=len(typed) + 1, prefix=typed[-1], place=place)} }}; f"

        told = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, check=True, timeout=LIMIT_S)

        assert set(told.stdout.split()) == offered, typed
        assert told.stderr == ""


def test_the_manual_has_every_command_and_option_and_is_valid_troff() -> None:
    page = made("manual")

    assert f'"edgevoice {__version__}"' in page
    for name in ("edgevoice doctor", "edgevoice wakeword tune", "edgevoice config show", "edgevoice bench echo"):
        assert f'\n.SH "{name} ' in page, name
    assert "\\-\\-bundle" in page
    if shutil.which("groff"):
        command = ["groff", "-man", "-Tutf8", "-ww", "-z"]
        told = subprocess.run(command, input=page, capture_output=True, text=True, check=True, timeout=LIMIT_S)
        assert told.stderr == ""


def test_setup_installs_manual_and_completion_once_and_removes_them(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.write("/opt/edgevoice/bin/python", "#!/bin/sh\necho made\n").chmod(0o755)
    system.path("/var/lib").mkdir(parents=True)
    pages = {
        "/usr/local/share/man/man1/edgevoice.1",
        "/usr/local/share/bash-completion/completions/edgevoice",
        "/usr/local/share/zsh/site-functions/_edgevoice",
    }

    assert "write" in well(system.step('step "service" manuals ""'))
    assert pages <= system.files()
    assert "as it should be" in well(system.step('step "service" manuals ""'))

    well(system.step('step "program" remove_program ""; remove_folders'))
    assert not pages & system.files()
    assert not system.path("/usr").exists()
