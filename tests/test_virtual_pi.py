"""scripts/virtual-pi as far as it can be tested without starting a machine: its arguments, its images, its checks."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from edgevoice.commands.config_template import template
from tests.virtual_pi import checks, machine
from tests.virtual_pi.board import LISTENING, STATUS, Lights, Refused
from tests.virtual_pi.checks import CHECKS
from tests.virtual_pi.sound import Tape

ROOT: Final = Path(__file__).parents[1]
SCRIPT: Final = ROOT / "scripts" / "virtual-pi"
LIMIT_S: Final = 60

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the scripts are not beside these tests: an installed copy")


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(script), *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False, env=dict(os.environ)
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "tests" / "virtual_pi", tmp_path / "tests" / "virtual_pi", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def key(checkout: Path, architecture: str = "amd64") -> str:
    told = run(checkout / "scripts" / "virtual-pi", "--key", architecture)
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_every_shell_script_of_the_virtual_pi_passes_shellcheck() -> None:
    parts = [path for path in (ROOT / "tests" / "virtual_pi").iterdir() if path.is_file() and not path.suffix]
    assert len(parts) == 5

    told = subprocess.run(
        ["shellcheck", "--external-sources", str(SCRIPT), *map(str, parts)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert told.stdout == ""
    assert told.returncode == 0


def test_help_lists_every_exit_status() -> None:
    told = run(SCRIPT, "--help")

    assert told.returncode == 0
    assert all(f" {status} " in " ".join(told.stdout.split()) for status in ("0", "1", "2", "74", "75"))


@pytest.mark.parametrize("arguments", [("riscv64",), ("--folder",), ("--wheels", "--key"), ("--quick",)])
def test_wrong_usage_is_refused_before_anything_is_built(arguments: tuple[str, ...]) -> None:
    told = run(SCRIPT, *arguments)

    assert told.returncode == 2
    assert "Usage:" in told.stderr


def test_what_killed_runs_left_is_removed_and_the_logs_of_others_are_kept(tmp_path: Path) -> None:
    apt = tmp_path / "bin" / "apt-get"  # of a machine without a mirror: the script ends before anything is built
    apt.parent.mkdir()
    apt.write_text("#!/bin/sh\n")
    apt.chmod(0o755)
    killed, ended, running, young, other = folders = [
        tmp_path / f"edgevoice-virtual-pi-{name}" for name in ("amd64.a", "amd64.b", "arm64.c", "scratch.d")
    ] + [tmp_path / "edgevoice-other"]
    for folder in folders:
        (folder / "share").mkdir(parents=True)
        os.utime(folder, (0, 0))
    (ended / "ended").touch()
    os.utime(ended, (0, 0))
    os.utime(young)
    environment = {**os.environ, "PATH": f"{apt.parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    environment.pop("DEBIAN_MIRROR", None)

    with held(running):
        told = subprocess.run(
            [str(SCRIPT)], capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environment
        )

    assert told.returncode == 2, told.stderr
    assert "no Debian mirror" in told.stderr
    assert [folder.exists() for folder in (killed, ended, running, young, other)] == [False, True, True, True, True]


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder, as a run does while it lives."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def test_the_image_is_rebuilt_when_its_script_changes(checkout: Path) -> None:
    before = key(checkout)

    change(checkout / "tests" / "virtual_pi" / "image", "suite=trixie", "suite=forky")

    assert key(checkout) != before


def test_the_image_is_rebuilt_when_setup_needs_another_package(checkout: Path) -> None:
    before = key(checkout)

    change(checkout / "scripts" / "_pi.sh", "python3-venv udev", "python3-venv udev usbutils")

    assert key(checkout) != before


def test_the_image_is_kept_when_anything_else_changes(checkout: Path) -> None:
    before = key(checkout)

    change(checkout / "tests" / "virtual_pi" / "checks.py", "EXPOSURE_LIMIT = 1.5", "EXPOSURE_LIMIT = 1.4")
    change(checkout / "scripts" / "_pi_packages.sh", "smallest_free_mb=900", "smallest_free_mb=950")

    assert key(checkout) == before


def test_each_architecture_has_its_own_image(checkout: Path) -> None:
    assert key(checkout, "amd64") != key(checkout, "arm64")


def test_every_check_has_a_unique_name_that_fits_a_line_of_the_results() -> None:
    names = [name for name, _, _ in CHECKS]

    assert len({*names}) == len(names) >= 14
    assert not any("\t" in name or "\n" in name for name in names)


def test_files_installed_by_the_host_do_not_count_as_present_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before.txt", tmp_path / "after.txt"
    before.write_text("d /opt\nd /etc\nf /etc/passwd\nf /etc/taken-away\n", encoding="utf-8")
    after.write_text("d /opt\nd /etc\nf /etc/passwd\nd /opt/box\nf /opt/box/program\n", encoding="utf-8")
    since = {"d /opt", "d /etc", "f /etc/passwd", "d /opt/box", "f /opt/box/program", "f /opt/box/new", "f /opt/boxes"}
    monkeypatch.setattr(checks, "files", lambda: since)

    found = checks.files_without(before, after)

    assert found == {"d /opt", "d /etc", "f /etc/passwd", "f /etc/taken-away", "f /opt/boxes"}


def test_the_checks_change_settings_in_the_file_that_setup_writes() -> None:
    text = machine.with_settings(template(), "panel", {"led": '"rgb"', "volume_up_gpio": "5"})
    text = machine.with_settings(text, "metrics", {"enabled": "true"})

    found = tomllib.loads(text)

    assert found["panel"] == {"led": "rgb", "volume_up_gpio": 5}
    assert found["metrics"] == {"enabled": True}
    assert machine.setting(text, "panel", "led") == "rgb"
    assert machine.setting(text, "panel", "kind") == "auto"


def test_a_setting_in_force_counts_and_not_the_default_that_is_still_beside_it() -> None:
    text = '[speaker]\n# volume_percent = 70\n\nvolume_percent = 65\n[panel]\n# led = "plain"\n'

    assert machine.setting(text, "speaker", "volume_percent") == "65"
    assert tomllib.loads(machine.with_settings(text, "speaker", {"volume_percent": "60"}))["speaker"] == {
        "volume_percent": 60
    }


def test_a_setting_that_is_gone_fails_its_check() -> None:
    with pytest.raises(Refused, match=r"no line of panel\.lamp"):
        machine.with_settings(template(), "panel", {"lamp": "1"})
    with pytest.raises(Refused, match=r"no line of page\.led"):
        machine.setting(template(), "page", "led")
    with pytest.raises(Refused, match=r"no section \[lamps\]"):
        machine.setting(template(), "lamps", "led")


class Time:
    """A clock that stays where it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def muted(flashes: int) -> list[tuple[float, int]]:
    """The status light of a muted box, from 10 s on."""
    return [change for n in range(flashes) for change in ((10 + 2.0 * n, 1), (10.1 + 2.0 * n, 0))]


def test_the_mute_light_is_recognised_by_its_rhythm(time: Time) -> None:
    lights = Lights(time)
    lights.changes[STATUS] = muted(3)
    time.now = 14.3

    assert lights.say_muted()


@pytest.mark.parametrize("now", [16.3, 60.0])
def test_a_mute_light_that_has_stopped_flashing_no_longer_means_muted(time: Time, now: float) -> None:
    lights = Lights(time)
    lights.changes[STATUS] = muted(3)
    time.now = now

    assert not lights.say_muted()


def test_a_blinking_fault_code_is_not_mistaken_for_the_mute_light(time: Time) -> None:
    lights = Lights(time)
    lights.changes[STATUS] = [(10 + 0.25 * n, 1 - n % 2) for n in range(8)]
    time.now = 12.0

    assert not lights.say_muted()


def test_a_light_that_went_off_earlier_does_not_count_as_lit_since(time: Time) -> None:
    lights = Lights(time)
    lights.changes[LISTENING] = [(0.0, 0), (1.0, 1), (3.0, 0)]
    time.now = 5.0

    assert lights.was_lit(LISTENING, 2.0, 1.0)
    assert not lights.was_lit(LISTENING, 2.0, 1.1)
    assert not lights.was_lit(LISTENING, 3.0)


def tape(*spans: tuple[float, float]) -> Tape:
    """A tape of 10 s that is loud within the spans."""
    made = Tape(Path("unused.wav"))
    made.peaks = [
        (at / 100, 4000 if any(begin < at / 100 <= end for begin, end in spans) else 0) for at in range(1, 1001)
    ]
    return made


def test_the_end_of_a_cut_answer_is_its_last_loud_chunk() -> None:
    assert tape((0.0, 3.04)).silent_from(3.0) == pytest.approx(3.04)


def test_a_pause_between_two_sentences_is_not_a_cut() -> None:
    assert tape((0.0, 3.04), (3.4, 5.0)).silent_from(3.0) == pytest.approx(5.0)


def test_an_answer_that_lasts_to_the_end_of_the_recording_was_not_cut() -> None:
    with pytest.raises(Refused, match="never ended"):
        tape((0.0, 10.0)).silent_from(3.0)
