"""The boot configuration in scripts/setup: which board is chosen, and that it is byte for byte as before afterwards."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from edgevoice.commands.config_template import template
from edgevoice.panel.boards import BOARDS
from edgevoice.settings.file import load
from tests.test_setup import LIMIT_S, SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

CONFIG: Final = "/boot/firmware/config.txt"
BEFORE: Final = f"{CONFIG}.before-edgevoice"
DUE: Final = "/run/edgevoice-setup.reboot"
BOARD: Final = 'step "sound board" sound_board ""'
STEPS: Final = f"""
open_settings() {{ :; }}
stat() {{ if [[ ${{*: -1}} == "$settings_file" ]]; then echo "edgevoice 640"; else command stat "$@"; fi; }}
{BOARD}
step "settings" settings ""
"""
WITHOUT_PYTHON: Final = "has_python() { false; }; board() { echo 'no Python here' >&2; exit 127; }; usb=${usb:-}"


@pytest.fixture
def pi(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write(CONFIG, "dtparam=audio=on\n")
    found.path("/var/lib").mkdir(parents=True)
    found.write("/opt/edgevoice/bin/edgevoice", "#!/bin/sh\n").chmod(0o755)
    found.write("/etc/edgevoice/edgevoice.toml", template())
    return found


@pytest.mark.skipif(shutil.which("edgevoice", path="/opt/edgevoice/bin") is not None, reason="edgevoice is installed")
@pytest.mark.parametrize(
    "before",
    [b"dtparam=audio=on\n", b"dtparam=audio=on", b"dtparam=audio=on\r\n[pi4]\r\narm_boost=1", b"", b"\n\n"],
    ids=["a line", "no end", "lines of another system", "empty", "blank lines"],
)
def test_after_removal_the_boot_configuration_is_byte_for_byte_as_before(pi: System, before: bytes) -> None:
    pi.path(CONFIG).write_bytes(before)
    well(pi.step(BOARD, hat="max98357a"))
    assert b"max98357a" in pi.path(CONFIG).read_bytes()

    well(pi.setup("--uninstall"))

    assert pi.path(CONFIG).read_bytes() == before
    assert not pi.path(BEFORE).exists()


@pytest.mark.skipif(shutil.which("edgevoice", path="/opt/edgevoice/bin") is not None, reason="edgevoice is installed")
def test_lines_the_owner_has_written_since_are_kept(pi: System) -> None:
    pi.path(CONFIG).write_bytes(b"dtparam=audio=on")
    well(pi.step(BOARD, hat="max98357a"))
    with pi.path(CONFIG).open("a") as file:
        file.write("arm_boost=1")

    well(pi.setup("--uninstall"))

    assert pi.path(CONFIG).read_text() == "dtparam=audio=on\narm_boost=1\n"


@pytest.mark.skipif(shutil.which("edgevoice", path="/opt/edgevoice/bin") is not None, reason="edgevoice is installed")
def test_a_removed_and_returning_board_keeps_lines_written_in_between(pi: System) -> None:
    well(pi.step(BOARD, hat="max98357a"))
    well(pi.step(BOARD, hat="none"))
    pi.path(CONFIG).write_bytes(b"arm_boost=1")
    well(pi.step(BOARD, hat="i2s"))

    well(pi.setup("--uninstall"))

    assert pi.path(CONFIG).read_bytes() == b"arm_boost=1"


@pytest.mark.parametrize("hat", ["gpio", "usb-speakerphone", "none"])
def test_a_board_that_needs_no_line_touches_nothing_and_asks_for_no_restart(pi: System, hat: str) -> None:
    pi.path(CONFIG).write_bytes(b"dtparam=audio=on")

    told = well(pi.step(f"{BOARD}; began=0; conclude", hat=hat))

    assert "boot" not in told
    assert pi.path(CONFIG).read_bytes() == b"dtparam=audio=on"
    assert not pi.path(BEFORE).exists()
    assert not pi.path(DUE).exists()


@pytest.mark.parametrize("hat", ["gpio", "none"])
def test_removing_another_boards_line_needs_a_restart(pi: System, hat: str) -> None:
    well(pi.step(BOARD, hat="max98357a"))
    pi.path(DUE).unlink()

    assert "disable the board" in well(pi.step(BOARD, hat=hat))

    assert pi.path(CONFIG).read_text() == "dtparam=audio=on\n"
    assert pi.path(DUE).exists()
    assert "as it should be" in well(pi.step(f"tell_usb() {{ :; }}; {BOARD}", hat=hat))


def test_none_removes_a_board_but_keeps_its_pins_and_says_so(pi: System) -> None:
    well(pi.step(STEPS, hat="max98357a"))
    assert "MAX98357A" in pi.path("/etc/alsa/conf.d/99-edgevoice.conf").read_text()
    settings = pi.path("/etc/edgevoice/edgevoice.toml").read_text()

    told = well(pi.step(STEPS, hat="none"))

    assert f"[panel] and [amplifier] of {pi.path('/etc/edgevoice/edgevoice.toml')} keep the pins of max98357a" in told
    assert pi.path("/etc/edgevoice/edgevoice.toml").read_text() == settings
    assert load(pi.path("/etc/edgevoice/edgevoice.toml"), {}).settings.amplifier.mute_gpio == 4
    assert "MAX98357A" not in pi.path("/etc/alsa/conf.d/99-edgevoice.conf").read_text()
    # It is forgotten: nothing brings it back.
    for hat in ("none", ""):
        assert "max98357a" not in well(pi.step(STEPS, hat=hat))
    assert well_stdout(pi.step("hat_now")) == ""


def test_the_command_line_accepts_none_as_a_board(pi: System) -> None:
    assert "would disable the board" not in well(pi.setup("--dry-run", "--yes", "--hat", "none"))
    well(pi.step(STEPS, hat="i2s"))

    told = well(pi.setup("--dry-run", "--yes", "--hat", "none"))

    assert "would disable the board" in told
    assert "would forget i2s" in told


def test_a_wrong_name_at_the_question_is_asked_for_again(pi: System) -> None:
    told = well_stdout(
        pi.step("choose_hat < <(printf '%s\\n' respeaker i2c i2s); echo \"taken: $hat\"", asks="yes", hat="")
    )

    assert told.count("Which sound board") == 1
    assert "There is no board respeaker. Just Enter" in told
    assert "There is no board i2c. Just Enter" in told
    assert told.endswith("taken: i2s\n")
    assert well_stdout(pi.step("choose_hat < <(printf 'i2c'); echo \"taken: $hat\"", asks="yes")).endswith("taken: \n")


def test_the_boards_are_known_even_without_python(pi: System) -> None:
    asked = pi.step(f"{WITHOUT_PYTHON}; choose_hat <<<$'i2c\\ni2s'; choose_usb; echo \"taken: $hat\"", asks="yes")

    assert "no Python here" not in well(asked)
    assert f"One of:\n  {' '.join(BOARDS)}\n" in asked.stdout
    assert "There is no board i2c. " in asked.stdout
    assert asked.stdout.endswith("taken: i2s\n")


@pytest.mark.parametrize("name", list(BOARDS))
def test_boards_that_need_the_firmware_are_known_even_without_python(pi: System, name: str) -> None:
    ended = pi.step(f"{WITHOUT_PYTHON}; needs_overlay {name}")

    assert (ended.returncode == 0) == bool(BOARDS[name].card.overlay), ended.stderr


def test_a_dry_run_without_python_finishes(pi: System) -> None:
    ended = pi.step(f'has_python() {{ false; }}; usb=""; {STEPS}', is_dry="yes", hat="i2s")

    assert "No module" not in well(ended)


def test_pythons_minimal_package_counts_as_no_python(pi: System) -> None:
    # As python3-minimal: a program that has a part of its library only.
    pi.write("/scratch/bin/python3", "#!/bin/sh\necho \"No module named 'dataclasses'\" >&2; exit 1\n").chmod(0o755)
    minimal = f"""eval "$(declare -f has_python | sed 's#/usr/bin#{pi.path("/scratch/bin")}#')" """
    told = "if has_python; then echo whole; else echo minimal; fi"

    ended = pi.step(f"{minimal}; {told}; choose_hat; choose_usb", hat="i2s", asks="", key="")

    assert "minimal" in well_stdout(ended)
    assert ended.stderr == ""


def test_a_board_on_a_pc_is_refused_before_anything_is_done(pi: System) -> None:
    pi.path("/boot/firmware/config.txt").unlink()

    ended = pi.setup("--dry-run", "--yes", "--hat", "i2s")

    assert ended.returncode == 1
    assert ended.stderr == (
        "setup: this machine has no boot configuration of a Raspberry Pi, so i2s cannot be enabled. Leave --hat out.\n"
    )
    # A USB speakerphone, and lights and buttons by themselves, need none.
    assert "would install the locked packages" in well(pi.setup("--dry-run", "--yes", "--hat", "usb-speakerphone"))


@pytest.mark.parametrize("hat", [name for name, board in BOARDS.items() if board.card.overlay])
def test_what_the_owner_must_install_is_reported_before_the_restart(pi: System, hat: str) -> None:
    driver = BOARDS[hat].card.driver

    told = well(pi.step(f"{BOARD}; began=0; conclude", hat=hat))

    last = told.splitlines()[-1]
    assert last.startswith(
        f"setup: now {f'install what the sound board needs ({driver}), then ' if driver else ''}type "
    )
    assert ("stays silent" in told) == bool(driver)


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user needs no hint in a dry run")
def test_the_sudo_hint_repeats_the_users_command(pi: System) -> None:
    del pi
    command = [
        "setpriv",
        "--reuid=65534",
        "--clear-groups",
        str(SETUP),
        "--yes",
        "--key-file",
        "/my key",
        "--hat",
        "i2s",
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGEVOICE_")}
    ended = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert ended.returncode == 2
    assert f"type sudo {SETUP} --yes --key-file /my\\ key --hat i2s\n" in ended.stderr
