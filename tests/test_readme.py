"""The README says what the code says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec

from edgevoice import __version__
from edgevoice.settings import Budget

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP = ROOT / "scripts" / "setup"


def test_the_lights_and_the_states_in_the_readme_are_those_of_the_code() -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "readme"), "--check"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr


def test_the_pins_in_hardware_md_are_those_of_the_settings() -> None:
    from edgevoice.settings import Panel  # noqa: PLC0415

    lines = (ROOT / "hardware.md").read_text().splitlines()
    for name in Panel.__struct_fields__:
        if name.endswith("_gpio"):
            row = next(line for line in lines if f"`panel.{name}`" in line)
            assert row.split("|")[3].strip() == str(getattr(Panel(), name))


def test_the_limits_in_the_readme_are_the_defaults() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (budget,) = [tomllib.loads(each)["budget"] for each in blocks if each.startswith("[budget]")]

    assert budget == msgspec.to_builtins(Budget())


def test_the_archive_in_the_readme_has_the_version_of_the_code() -> None:
    assert set(re.findall(r"edgevoice-(\d[\d.]*\d)", README)) == {__version__}


def test_every_option_of_setup_in_the_readme_is_one() -> None:
    usage = subprocess.run([str(SETUP), "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"scripts/setup(?: [^`\n]*)?", README)
    named = {option for command in commands for option in re.findall(r"--[a-z-]+", command)}

    assert "--key-file" in named
    assert {option for option in named if option not in usage} == set()
