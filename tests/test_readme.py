"""The README says what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


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
