"""What the installed package must contain. Runs beside the checkout and, in CI, from the wheel alone."""

import importlib
import pkgutil
import re
from importlib import metadata, resources
from pathlib import Path

import pytest

import edgevoice
from edgevoice import children


def _modules() -> list[str]:
    names = [module.name for module in pkgutil.walk_packages(edgevoice.__path__, prefix="edgevoice.")]
    # A `__main__` runs when it is imported.
    return [name for name in names if not name.endswith(".__main__")]


@pytest.mark.parametrize("name", _modules())
def test_every_module_can_be_imported_without_a_warning(name: str) -> None:
    importlib.import_module(name)


_PLUGIN = ("pcm_edgevoice.c", "ctl_edgevoice.c", "converter.c", "converter.h", "room.c", "room.h", "tape.h")


@pytest.mark.parametrize("name", ["py.typed", *(f"testbed/virtual/{name}" for name in _PLUGIN)])
def test_files_other_than_python_are_in_the_package_too(name: str) -> None:
    assert resources.files(edgevoice).joinpath(name).is_file()


def test_the_code_and_the_installed_package_report_the_same_version() -> None:
    assert metadata.version("edgevoice") == edgevoice.__version__


def test_the_command_edgevoice_points_to_an_existing_function() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="edgevoice")

    assert callable(command.load())


def test_no_dependency_names_an_address_so_any_index_works() -> None:
    assert not [line for line in metadata.requires("edgevoice") or () if "@" in line]


def test_a_child_imports_no_module_from_the_callers_folder() -> None:
    package = resources.files(edgevoice)
    sources = [each.read_text() for each in Path(str(package)).rglob("*.py")]
    start = re.compile(r'sys\.executable,\s+((?:"-\w+",\s+)+)"edgevoice')
    starts = [found for text in sources for found in start.findall(text)]

    assert len(starts) >= 2
    assert [found for found in starts if '"-P"' not in found] == []
    assert children.python("edgevoice.local")[1] == "-P"


_STARTED = re.compile(r"""(?:-m"?,?\s+"?|children\.python\("|python\[@\]}"\s+)(edgevoice(?:\.[a-z_]+)*)""")


def _started() -> set[str]:
    """Return every module that a process of ours, a script or a unit starts by its name."""
    root = Path(edgevoice.__file__).parent
    files = [*root.rglob("*.py")]
    if (root.parent / "pyproject.toml").is_file():  # what is installed beside a wheel is not ours
        files += [
            each for folder in ("scripts", "systemd") for each in root.parent.glob(f"{folder}/*") if each.is_file()
        ]
    return {name for file in files for name in _STARTED.findall(file.read_text(encoding="utf-8"))}


def test_every_module_that_is_started_by_its_name_is_a_program() -> None:
    # Python runs any other module as well: it does nothing, and reports success.
    root = Path(edgevoice.__file__).parent.parent
    started = _started()
    places = {name: root.joinpath(*name.split(".")) for name in started}
    idle = [
        name
        for name, place in places.items()
        if not (place / "__main__.py").is_file()
        and 'if __name__ == "__main__":' not in place.with_suffix(".py").read_text(encoding="utf-8")
    ]

    assert len(started) > 5
    assert idle == []
