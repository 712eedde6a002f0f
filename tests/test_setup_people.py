"""Users of the box may use it and read its log without a password, and gain no other right of root."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.test_box_command import COMMAND, Box
from tests.test_setup import ROOT, SETUP, System, well

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

RULES: Final = ROOT / "systemd" / "edgevoice.sudoers"
PEOPLE: Final = """
id() {
  [[ ${*: -1} == anna || ${*: -1} == ben ]] || return 1
  [[ $1 != -nG ]] || cat "$at/groups-$2"
}
getent() { :; }
visudo() { :; }
gpasswd() { printf ' %s' "$3" >>"$at/groups-$2"; }
"""
STEP: Final = f'{PEOPLE.strip()}\nstep "people" let_people_in ""'


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write("/groups-anna", "anna sudo")
    found.write("/groups-ben", "ben sudo adm")
    found.path("/var/lib").mkdir(parents=True)
    found.path("/etc/sudoers.d").mkdir(parents=True)
    return found


@pytest.mark.parametrize(("person", "groups"), [("anna", " edgevoice systemd-journal"), ("ben", " edgevoice")])
def test_the_installing_user_joins_the_services_group(system: System, person: str, groups: str) -> None:
    system.variables["SUDO_USER"] = person
    before = system.path(f"/groups-{person}").read_text()

    told = well(system.step(STEP))

    assert f"add {person} to the group" in told
    assert system.path(f"/groups-{person}").read_text() == before + groups
    assert "from the next login on" in system.path("/scratch/member").read_text()
    assert system.path("/etc/sudoers.d/edgevoice").stat().st_mode & 0o777 == 0o440
    assert "as it should be" in well(system.step(STEP))


@pytest.mark.parametrize("person", ["", "root", "nobody-here"])
def test_root_and_unknown_users_join_no_group(system: System, person: str) -> None:
    system.variables["SUDO_USER"] = person

    assert "put" not in well(system.step(STEP))


def test_without_sudo_there_are_no_rules(system: System) -> None:
    system.path("/etc/sudoers.d").rmdir()

    well(system.step(STEP))

    assert not system.path("/etc/sudoers.d").exists()


def test_users_leave_the_journals_group_on_uninstall(system: System) -> None:
    system.variables["SUDO_USER"] = "anna"
    well(system.step(STEP))
    leave = PEOPLE.replace(
        "gpasswd() {", 'gpasswd() { [[ $1 != -d ]] || { sed -i "s/ $3//" "$at/groups-$2"; return; }; '
    )

    told = well(system.step(f'{leave.strip()}\nstep "program" remove_program ""'))

    assert "remove anna from systemd-journal" in told
    assert system.path("/groups-anna").read_text() == "anna sudo"


@pytest.mark.skipif(shutil.which("visudo", path="/usr/sbin:/usr/bin") is None, reason="sudo is not installed")
def test_sudo_understands_the_rules() -> None:
    told = subprocess.run(["/usr/sbin/visudo", "-cf", str(RULES)], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stderr


def test_the_sudo_rules_let_no_user_choose_a_file_that_root_opens() -> None:
    allowed = [line.strip(" \\,") for line in RULES.read_text(encoding="utf-8").splitlines() if "/" in line]
    commands = [each.strip() for line in allowed if line.startswith("/") for each in line.split(",")]
    open_ended = {each for each in commands if each.endswith("*")}

    # These run as the user of the service, and the files that they name are opened as the person, see below.
    assert open_ended == {f"/usr/local/bin/edgevoice {each} *" for each in ("doctor", "talk", "wakeword watch")}
    assert {each.split()[0] for each in commands} == {"/usr/local/bin/edgevoice", "/usr/bin/systemctl"}


# --- the command, as root for a member -------------------------------------------------------------------------------

PRETENDS: Final = """#!/bin/bash
echo "$*" >>{folder}/became
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / "bus"))
        made = Box(tmp_path, {})
        (tmp_path / "setpriv").write_text(PRETENDS.replace("{folder}", str(tmp_path)))
        (tmp_path / "became").touch()
        yield made


def as_person(box: Box, command: str) -> bool:
    """Return whether it ran as the calling user, and not as root."""
    lines = (box.folder / "became").read_text().splitlines()
    return any(line.startswith("--reuid=1000 --regid=1001 --init-groups -- ") and command in line for line in lines)


MEMBER: Final = {"SUDO_UID": "1000", "SUDO_GID": "1001"}


def test_an_archive_is_written_as_the_calling_user_and_overwrites_nothing(box: Box) -> None:
    box.type("doctor", "--bundle", "help.tar.gz", **MEMBER)

    assert (box.folder / "person" / "help.tar.gz").read_text() == "archive\n"
    assert as_person(box, "help.tar.gz")


def test_named_settings_are_read_as_the_calling_user(box: Box) -> None:
    mine = box.folder / "person" / "mine.toml"
    mine.write_text("mine\n")

    told = box.type("doctor", "--quick", "--config", str(mine), **MEMBER)

    assert "mine" in told.stdout
    assert as_person(box, f"test -r {mine}")


def test_root_does_not_show_settings_that_the_calling_user_cannot_read(box: Box) -> None:
    secret = box.folder / "secret"
    secret.write_text("root's own\n")
    refusing = PRETENDS.replace("{folder}", str(box.folder)).replace(
        "while", f'[[ "$1 $*" != --reuid=1000*{secret}* ]] || exit 1\nwhile', 1
    )
    (box.folder / "setpriv").write_text(refusing)

    told = box.type("doctor", "--quick", "--config", str(secret), **MEMBER)

    assert told.returncode == 1
    assert f"edgevoice: {secret} may not be read by you." in told.stderr
    assert "root's own" not in told.stdout + told.stderr


@pytest.mark.parametrize("arguments", [("doctor", "--help"), ("talk", "--config"), ("doctor", "--bundle", "--help")])
def test_help_and_usage_errors_are_answered_as_the_calling_user(box: Box, arguments: tuple[str, ...]) -> None:
    box.type(*arguments, **MEMBER)

    assert as_person(box, " ".join(arguments))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_becoming_the_calling_user_drops_roots_privileges(tmp_path: Path) -> None:
    function = COMMAND.read_text(encoding="utf-8").partition("as_person() {")[2].partition("\n}\n")[0]
    secret = tmp_path / "secret"
    secret.write_text("root's own\n")
    secret.chmod(0o600)
    script = f"as_person() {{{function}\n}}; as_person id -u; as_person cat {secret}"

    told = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "SUDO_UID": "65534", "SUDO_GID": "65534"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.stdout, told.returncode) == ("65534\n", 1)
