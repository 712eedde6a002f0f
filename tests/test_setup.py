"""scripts/setup in a scratch folder: what it changes, what it leaves alone, and what it reports."""

import os
import pty
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SETUP: Final = ROOT / "scripts" / "setup"
LIMIT_S: Final = 60
BOOT: Final = "dtparam=audio=on\n[pi4]\narm_boost=1\n"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]


@dataclass
class System:
    """A folder that represents a Pi's file system."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGEVOICE_")}
        return {**kept, "EDGEVOICE_SETUP_ROOT": str(self.folder), **self.variables}

    def setup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(SETUP), *arguments])

    def setup_in_terminal(self, typed: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it with this input typed by a person."""
        person, terminal = pty.openpty()
        try:
            os.write(person, typed)
            return self._run([str(SETUP), *arguments], terminal)
        finally:
            os.close(person)
            os.close(terminal)

    def step(self, commands: str, **chosen: str) -> subprocess.CompletedProcess[str]:
        """Run single functions of the steps, with the options that the command line would have set."""
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        values = {"hat": "", "key": "", "wheels": "", "is_dry": "", "starts": "yes", "purges": "", "steps": "1"}
        variables = "; ".join(f"{name}='{value}'" for name, value in (values | chosen).items())
        script = f"set -euo pipefail; scratch='{scratch}'; {variables}; source '{ROOT}/scripts/_pi.sh'; {commands}"
        return self._run(["bash", "-c", script])

    def path(self, name: str) -> Path:
        return self.folder / name.removeprefix("/")

    def write(self, name: str, text: str) -> Path:
        place = self.path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def files(self) -> set[str]:
        every = (each for each in self.folder.rglob("*") if each.is_file() and "scratch" not in each.parts)
        return {f"/{each.relative_to(self.folder)}" for each in every}

    def _run(self, command: list[str], terminal: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment(),
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write("/boot/firmware/config.txt", BOOT)
    found.path("/var/lib").mkdir(parents=True)
    return found


def well(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


# --- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--hut", "i2s"], "there is no option --hut"),
        (["--hat"], "--hat needs a value"),
        (["--hat", "--yes"], "--hat needs a value"),
        (["--purge"], "--purge works only with --uninstall"),
        (["--offline", "/no/such/folder"], "there is no folder /no/such/folder"),
    ],
)
def test_a_wrong_command_line_is_reported_with_the_right_one(
    system: System, arguments: list[str], complaint: str
) -> None:
    ended = system.setup("--dry-run", *arguments)

    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "Usage: sudo scripts/setup" in ended.stderr


def test_a_wrong_board_lists_the_right_ones(system: System) -> None:
    ended = system.setup("--dry-run", "--yes", "--hat", "respeaker")

    assert ended.returncode == 1
    assert re.search(r"there is no board respeaker\. .* respeaker-2mic-v1 respeaker-2mic-v2 ", ended.stderr)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may change the system")
def test_a_user_without_root_rights_is_advised_to_use_sudo() -> None:
    ended = subprocess.run([str(SETUP)], capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert ended.returncode == 2
    assert f"type sudo {SETUP}" in ended.stderr


def test_a_dry_run_prints_every_step_and_changes_nothing(system: System) -> None:
    before = system.files()

    told = well(system.setup("--dry-run", "--yes", "--hat", "max98357a"))

    assert [int(number) for number in re.findall(r"^\[ ?(\d+)/10\]", told, re.MULTILINE)] == list(range(1, 11))
    for each in (
        "install the locked packages",
        "enable max98357a",
        "write .*edgevoice.toml",
        "start it at every boot",
    ):
        assert re.search(f"would {each}", told), each
    assert told.endswith("nothing was changed: this was --dry-run\n")
    assert system.files() == before


def test_a_key_of_the_environment_is_not_shown(system: System) -> None:
    system.variables["EDGEVOICE_API_KEY"] = "very-secret"

    ended = system.setup("--dry-run", "--yes")

    assert "would store the key" in well(ended)
    assert "very-secret" not in ended.stdout + ended.stderr


# --- reports ---------------------------------------------------------------------------------------------------------


def test_a_failure_names_the_step_the_cause_and_the_remedy(system: System) -> None:
    ended = system.step(
        'broken() { change "fetch it" work; }; work() { echo "no route"; false; echo "went on"; }\n'
        'step "the packages" broken "Is the network there?"; echo "went on"'
    )

    assert ended.returncode == 1
    assert "no route" in ended.stderr
    assert "this failed: fetch it" in ended.stderr
    assert "step 1, the packages, failed. Is the network there? Then run setup again" in ended.stderr
    assert "went on" not in ended.stderr + ended.stdout


def test_a_known_cause_comes_with_its_own_remedy(system: System) -> None:
    ended = system.step('broken() { fail "the clock is wrong" "Set it."; }; step "this machine" broken "Look above."')

    assert "the clock is wrong" in ended.stderr
    assert "failed. Set it. Then" in ended.stderr


def test_a_step_with_nothing_to_do_says_so(system: System) -> None:
    assert "as it should be" in well(system.step('idle() { :; }; step "settings" idle ""'))


# --- the sound board -------------------------------------------------------------------------------------------------


def test_a_board_is_enabled_once_and_the_original_configuration_is_kept(system: System) -> None:
    boot, first = system.path("/boot/firmware/config.txt"), system.path("/boot/firmware/config.txt.before-edgevoice")

    well(system.step('step "sound board" sound_board ""', hat="max98357a"))
    once = boot.read_text()
    told = well(system.step('step "sound board" sound_board ""', hat="max98357a"))

    assert once.startswith(BOOT)
    # A section for other models comes before the line, which must not become part of it.
    assert once[len(BOOT) :].splitlines()[1] == "[all]"
    assert "dtoverlay=max98357a" in once
    assert "enable" not in told
    assert (boot.read_text(), first.read_text()) == (once, BOOT)


def test_the_restart_command_is_shown_until_the_restart(system: System) -> None:
    due = system.path("/run/edgevoice-setup.reboot")
    well(system.step('step "sound board" sound_board ""', hat="i2s"))

    assert due.exists()
    # Started again after a failure, it enables nothing, and the restart is still due.
    assert "as it should be" in well(system.step('step "sound board" sound_board ""', hat="i2s"))
    last = well(system.step("began=0; conclude")).splitlines()[-1]
    assert (
        last.index("sudo reboot") < last.index("quiet for half a minute") < last.index("sudo edgevoice doctor --echo")
    )

    # /run is empty after it.
    due.unlink()
    assert "reboot" not in well(system.step("began=0; conclude"))


def test_another_board_replaces_the_first(system: System) -> None:
    well(system.step('step "sound board" sound_board ""', hat="max98357a"))
    well(system.step('step "sound board" sound_board ""', hat="hifiberry-dac"))

    now = system.path("/boot/firmware/config.txt").read_text()
    assert "dtoverlay=hifiberry-dac" in now
    assert "max98357a" not in now


def test_a_last_line_without_a_newline_is_not_extended(system: System) -> None:
    system.write("/boot/firmware/config.txt", "dtparam=audio=on")

    well(system.step('step "sound board" sound_board ""', hat="max98357a"))

    assert "dtparam=audio=on\n# edgevoice" in system.path("/boot/firmware/config.txt").read_text()


def test_a_board_on_a_machine_without_overlays_is_refused(system: System) -> None:
    system.path("/boot/firmware/config.txt").unlink()

    ended = system.step('step "sound board" sound_board ""', hat="max98357a")

    assert ended.returncode == 1
    assert "no boot configuration of a Raspberry Pi" in ended.stderr


def test_a_board_that_needs_more_steps_names_them(system: System) -> None:
    assert "needs more than this script installs" in well(
        system.step('step "sound board" sound_board ""', hat="respeaker-2mic-v2")
    )


def test_every_board_leaves_valid_settings(system: System) -> None:
    from edgevoice.commands.config_template import template  # noqa: PLC0415
    from edgevoice.panel.boards import BOARDS  # noqa: PLC0415
    from edgevoice.settings.file import load  # noqa: PLC0415

    for name, board in BOARDS.items():
        place = system.write("/etc/edgevoice/edgevoice.toml", template())

        well(system.step("board_settings", hat=name))

        settings = load(place, {}).settings
        assert settings.panel.talk_button_gpio == (board.pins.talk_button_gpio or "none"), name
        assert settings.amplifier.mute_gpio == (board.pins.amplifier_mute_gpio or "none"), name


def test_the_alsa_names_point_to_the_boards_card(system: System) -> None:
    from edgevoice.panel.boards import BOARDS  # noqa: PLC0415

    plain = well_stdout(system.step("alsa_snippet"))
    with_board = well_stdout(system.step("alsa_snippet", hat="respeaker-2mic-v2"))
    output_only = well_stdout(system.step("alsa_snippet", hat="hifiberry-dac"))

    assert plain.count('"sysdefault"') == 2
    assert with_board.count(f'"hw:CARD={BOARDS["respeaker-2mic-v2"].card.card}"') == 2
    # It has no microphone: the name points to the default one.
    assert re.findall(r'slave.pcm "([^"]+)"', output_only)[0] == "sysdefault"


def well_stdout(ended: subprocess.CompletedProcess[str]) -> str:
    well(ended)
    return ended.stdout


# --- the key ---------------------------------------------------------------------------------------------------------


def test_without_encryption_only_root_can_read_the_key(system: System) -> None:
    well(system.step('step "key" store_key ""', key="sk-1"))

    stored = system.path("/etc/credstore/edgevoice.api_key")
    assert stored.read_text() == "sk-1\n"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o700


def test_the_same_key_or_no_key_changes_nothing(system: System) -> None:
    well(system.step('step "key" store_key ""', key="sk-1"))

    assert "as it should be" in well(system.step('step "key" store_key ""', key="sk-1"))
    assert "as it should be" in well(system.step('step "key" store_key ""'))
    assert system.path("/etc/credstore/edgevoice.api_key").read_text() == "sk-1\n"


def test_an_invalid_key_is_refused_without_showing_it(system: System) -> None:
    ended = system.step('step "key" store_key "Give it again."', key="sk-1 and more")

    assert ended.returncode == 1
    assert "what was given is not a key" in ended.stderr
    assert "and more" not in ended.stderr


ENCRYPTS: Final = """#!/bin/bash
[[ $1 != encrypt ]] || { tr a-z b-za >"${@: -1}"; exit; }
[[ $1 != decrypt ]] || tr b-za a-z <"${@: -2:1}"
"""
CANNOT: Final = """#!/bin/bash
cat >/dev/null
echo half-a-secret >"${@: -1}"
echo "Failed to determine local credential host secret: No medium found" >&2
exit 1
"""


def with_encryption(system: System, commands: str) -> None:
    system.path("/run/systemd/system").mkdir(parents=True)
    for name, text in (("systemd-creds", commands), ("systemd-detect-virt", "#!/bin/sh\nexit 1\n")):
        system.write(f"/scratch/bin/{name}", text).chmod(0o755)
    system.variables["PATH"] = f"{system.path('/scratch/bin')}:{os.environ['PATH']}"


def test_a_key_is_encrypted_where_possible_and_the_service_uses_that_one(system: System) -> None:
    system.write("/etc/credstore/edgevoice.api_key", "sk-0\n")
    with_encryption(system, ENCRYPTS)

    told = well(system.step('step "key" store_key ""', key="sk-abc"))

    stored = system.path("/etc/credstore.encrypted/edgevoice.api_key")
    assert "encrypted for this machine" in told
    assert stored.read_text() == "tl-bcd"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    drop_in = system.path("/etc/systemd/system/edgevoice.service.d/10-key.conf").read_text().splitlines()
    assert drop_in == ["[Service]", "LoadCredential=", f"LoadCredentialEncrypted=api_key:{stored}"]
    assert not system.path("/etc/credstore/edgevoice.api_key").exists()
    assert "as it should be" in well(system.step('step "key" store_key ""', key="sk-abc"))


def test_a_key_that_cannot_be_encrypted_is_readable_by_root_only_and_this_is_reported(system: System) -> None:
    with_encryption(system, CANNOT)

    told = well(system.step('step "key" store_key ""', key="sk-1"))

    assert "systemd-creds cannot encrypt it here: Failed to determine local credential host secret" in told
    assert "store the key, readable only by root" in told
    stored = system.path("/etc/credstore/edgevoice.api_key")
    assert stored.read_text() == "sk-1\n"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert (
        system.files()
        & {
            "/etc/credstore.encrypted/edgevoice.api_key",
            "/etc/systemd/system/edgevoice.service.d/10-key.conf",
        }
        == set()
    )


# --- the questions ---------------------------------------------------------------------------------------------------


def test_end_of_input_at_a_question_counts_as_enter(system: System) -> None:
    # Ctrl-D for the board and for the key.
    ended = system.setup_in_terminal(b"\x04\x04", "--dry-run")

    assert "Which sound board" in ended.stdout
    assert "The key of your account" in ended.stdout
    assert well(ended).endswith("nothing was changed: this was --dry-run\n")
    assert "none: the box answers on its own" in ended.stderr


def test_the_usage_says_how_to_pass_a_key_through_sudo(system: System) -> None:
    assert "sudo EDGEVOICE_API_KEY=... scripts/setup" in well_stdout(system.setup("--help"))


# --- the service's folders -------------------------------------------------------------------------------------------

FOLDERS: Final = {"/var/lib/edgevoice": 0o700, "/var/cache/edgevoice": 0o755}
AS_OTHERS_CALL_IT: Final = """
command() { if [[ ${2:-} == systemd-tmpfiles && $without ]]; then return 1; else builtin command "$@"; fi; }
install() { builtin command install "${@/#edgevoice/$(id -u)}"; }
find() {
  local named=("${@/#edgevoice:edgevoice/$(id -u):$(id -g)}")
  builtin command find "${named[@]/#edgevoice/$(id -u)}"
}
stat() { builtin command stat "$@" | sed "s/^$(id -un) /edgevoice /"; }
folders_step() { copy_all "$at/usr/lib"; own_folders; }
step "folders" folders_step ""
"""
"""There is no user edgevoice here: the user who runs the test takes its role."""

both_ways = pytest.mark.parametrize(
    "without",
    [
        pytest.param("", marks=pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="no systemd-tmpfiles")),
        "yes",
    ],
    ids=["systemd-tmpfiles", "by hand"],
)


@pytest.fixture
def with_user(system: System) -> System:
    system.write("/etc/passwd", f"edgevoice:x:{os.getuid()}:{os.getgid()}::/:/bin/false\n")
    system.write("/etc/group", f"edgevoice:x:{os.getgid()}:\n")
    return system


def modes(system: System) -> dict[str, int]:
    return {name: stat.S_IMODE(system.path(name).stat().st_mode) for name in FOLDERS}


@both_ways
def test_the_folders_are_created_corrected_and_then_left_alone(with_user: System, without: str) -> None:
    assert "create" in well(with_user.step(AS_OTHERS_CALL_IT, without=without))
    assert modes(with_user) == FOLDERS
    assert "as it should be" in well(with_user.step(AS_OTHERS_CALL_IT, without=without))

    kept = with_user.write("/var/lib/edgevoice/echo.json", "{}")
    kept.parent.chmod(0o755)
    kept.chmod(0o640)
    told = well(with_user.step(AS_OTHERS_CALL_IT, without=without))

    assert f"create {kept.parent}\n" in told
    assert modes(with_user) == FOLDERS
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@both_ways
def test_files_left_by_a_removed_user_belong_to_the_service(with_user: System, without: str) -> None:
    left = with_user.write("/var/lib/edgevoice/near-misses/1.wav", "")
    for each in (left, *left.parents[:2]):
        os.chown(each, 54_321, 54_321)

    well(with_user.step(AS_OTHERS_CALL_IT, without=without))

    assert {(each.stat().st_uid, each.stat().st_gid) for each in (left, *left.parents[:2])} == {(0, 0)}


# --- what is installed, and the way back -----------------------------------------------------------------------------


def test_files_are_copied_once_and_restored_when_changed(system: System) -> None:
    copy = 'step "files" files ""'
    files = 'files() { copy_all "$at/etc" "$at/usr"; }; '

    well(system.step(files + copy))
    unit = system.path("/etc/systemd/system/edgevoice.service")
    assert unit.read_bytes() == (ROOT / "systemd" / "edgevoice.service").read_bytes()
    assert os.access(system.path("/usr/local/bin/edgevoice"), os.X_OK)
    assert 'user="edgevoice"' in system.path("/usr/share/dbus-1/system.d/edgevoice.conf").read_text()
    assert "as it should be" in well(system.step(files + copy))

    unit.write_text("changed")
    assert "write" in well(system.step(files + copy))
    assert unit.read_bytes() == (ROOT / "systemd" / "edgevoice.service").read_bytes()


@pytest.fixture
def installed(system: System) -> System:
    """A system with the files that the steps leave behind."""
    well(system.step('step "sound board" sound_board ""', hat="max98357a"))
    well(system.step('files() { copy_all "$at/etc" "$at/usr"; }; step "files" files ""'))
    well(system.step('step "key" store_key ""', key="sk-1"))
    system.write("/opt/edgevoice/bin/edgevoice", "")
    system.write("/etc/alsa/conf.d/99-edgevoice.conf", "")
    system.write("/etc/systemd/system/multi-user.target.wants/edgevoice.service", "")
    system.write("/etc/edgevoice/edgevoice.toml", "")
    system.write("/var/lib/edgevoice/echo.json", "{}")
    system.write("/var/cache/edgevoice/wakeword.npz", "")
    return system


KEPT: Final = {
    "/boot/firmware/config.txt",
    "/etc/credstore/edgevoice.api_key",
    "/etc/edgevoice/edgevoice.toml",
    "/var/lib/edgevoice/echo.json",
}


@pytest.mark.skipif(shutil.which("edgevoice", path="/opt/edgevoice/bin") is not None, reason="edgevoice is installed")
def test_uninstalling_keeps_only_settings_key_and_memory(installed: System) -> None:
    told = well(installed.setup("--uninstall"))

    # Removal must know that setup created the key's folder.
    assert installed.files() == {*KEPT, "/var/lib/edgevoice.setup"}
    assert "nothing to do" in well(installed.setup("--uninstall"))
    assert installed.path("/boot/firmware/config.txt").read_text() == BOOT
    assert "kept until --uninstall --purge" in told


@pytest.mark.skipif(shutil.which("edgevoice", path="/opt/edgevoice/bin") is not None, reason="edgevoice is installed")
def test_purging_leaves_nothing(installed: System) -> None:
    well(installed.setup("--uninstall", "--purge"))

    assert installed.files() == {"/boot/firmware/config.txt"}
    assert not installed.path("/etc/credstore").exists()
    assert "nothing to do" in well(installed.setup("--uninstall", "--purge"))


def test_the_keys_folder_is_removed_with_the_key_if_setup_created_it(installed: System) -> None:
    well(installed.setup("--uninstall"))
    assert installed.path("/etc/credstore").is_dir()

    well(installed.setup("--uninstall", "--purge"))

    assert not installed.path("/etc/credstore").exists()
    assert installed.files() == {"/boot/firmware/config.txt"}


def test_an_existing_keys_folder_is_kept(system: System) -> None:
    system.path("/etc/credstore").mkdir(parents=True)
    well(system.step('step "key" store_key ""', key="sk-1"))

    well(system.setup("--uninstall", "--purge"))

    assert list(system.path("/etc/credstore").iterdir()) == []


def test_uninstalling_removes_only_folders_that_setup_created(system: System) -> None:
    system.path("/etc/udev/rules.d").mkdir(parents=True)
    system.write("/shipped/names.conf", "pcm.name default\n")
    rules, names = "/etc/udev/rules.d/60-edgevoice-gpio.rules", "/etc/alsa/conf.d/99-edgevoice.conf"
    for target in (rules, names):
        well(system.step(f"copy '{system.path('/shipped/names.conf')}' '{system.path(target)}' 644"))

    well(system.setup("--uninstall"))

    assert system.path("/etc/udev/rules.d").is_dir()
    assert system.path("/etc").is_dir()
    assert not system.path("/etc/alsa").exists()


def test_a_dry_uninstall_removes_nothing(installed: System) -> None:
    before = installed.files()

    assert "would remove" in well(installed.setup("--uninstall", "--purge", "--dry-run"))
    assert installed.files() == before
