"""The README and the other pages agree with the code."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from edgevoice import __version__
from edgevoice.settings.schema import BudgetSettings, Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
SETUP = ROOT / "scripts" / "setup"
HISTORY = "CHANGELOG.md"


def test_the_lights_and_the_states_in_the_readme_are_those_of_the_code() -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "readme"), "--check"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr


def test_the_pins_in_hardware_md_are_those_of_the_settings() -> None:
    from edgevoice.settings.panel import PanelSettings  # noqa: PLC0415

    lines = (ROOT / "hardware.md").read_text().splitlines()
    for name, pin in PanelSettings().pins().items():
        row = next(line for line in lines if f"`panel.{name}`" in line)
        assert row.split("|")[3].strip() == str(pin)


def test_the_limits_in_the_readme_are_the_defaults() -> None:
    blocks = [block for text in PAGES.values() for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    (budget,) = [tomllib.loads(each)["budget"] for each in blocks if each.startswith("[budget]")]

    assert budget == msgspec.to_builtins(BudgetSettings())


def test_the_archive_in_the_readme_has_the_version_of_the_code() -> None:
    assert set(re.findall(r"edgevoice-(\d[\d.]*\d)", README)) == {__version__}


@pytest.mark.parametrize("place", [*PAGES, "edgevoice"])
def test_nobody_is_asked_to_install_this_project_from_an_index(place: str) -> None:
    modules = (ROOT / "edgevoice").rglob("*.py")
    text = PAGES[place] if place in PAGES else "\n".join(each.read_text(encoding="utf-8") for each in modules)

    # It is on none: whoever registers the name there would be installed instead.
    assert re.findall(r"pip\w* install '?\"?edgevoice\b", text) == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES)
def test_every_link_points_to_a_file(page: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGES[page]) if "://" not in link]

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_heading_finds_it(page: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]*#[^)]+)\)", PAGES[page]) if "://" not in link]
    missing = []
    for link in links:
        file, heading = link.split("#")
        target = (ROOT / page).parent.joinpath(file) if file else ROOT / page
        if heading not in anchors(target.read_text(encoding="utf-8")):
            missing.append(link)

    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY])
def test_every_setting_that_is_named_exists(page: str) -> None:
    sections = {name: getattr(Settings(), name) for name in Settings.__struct_fields__}
    named = re.findall(rf"`(?:{'|'.join(sections)})\.(?!py\b)[a-z_]+", PAGES[page])
    pairs = [name.strip("`").split(".") for name in named]

    assert [f"{section}.{key}" for section, key in pairs if key not in sections[section].__struct_fields__] == []


def test_the_architecture_names_every_package_and_no_other() -> None:
    package = ROOT / "edgevoice"
    rooms = {folder.name for folder in package.iterdir() if (folder / "__init__.py").exists()}
    table = PAGES["docs/architecture.md"].split("## The rooms")[1].split("##")[0]
    named = {
        name
        for row in table.splitlines()
        if row.startswith("|")
        for name in re.findall(r"`([a-z]+)`", row.split("|")[1])
    }

    assert named == rooms


def test_every_module_that_the_architecture_names_exists() -> None:
    named = set(re.findall(r"`(?:edgevoice/)?((?:[a-z_]+/)*[a-z_]+\.py)`", PAGES["docs/architecture.md"]))

    assert len(named) > 20
    assert {name for name in named if not (ROOT / "edgevoice" / name).exists()} <= {"tests/test_imports.py"}


def test_every_setup_option_in_the_readme_exists() -> None:
    usage = subprocess.run([str(SETUP), "--help"], capture_output=True, text=True, check=True).stdout
    commands = [command for text in PAGES.values() for command in re.findall(r"scripts/setup(?: [^`\n]*)?", text)]
    named = {option for command in commands for option in re.findall(r"--[a-z-]+", command)}

    assert "--key-file" in named
    assert {option for option in named if option not in usage} == set()
