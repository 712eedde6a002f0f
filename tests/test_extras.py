"""The message for a missing package names the one command that adds it to this installation."""

import sys
import tomllib
from pathlib import Path

import pytest

from edgevoice import extras
from edgevoice.extras import has, how_to_add
from edgevoice.testbed.bench.wakeword import measure
from edgevoice.wakeword.scorer import LibraryMissing

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def test_a_module_is_found_without_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)

    assert has("this")
    assert "this" not in sys.modules
    assert not has("no_module_of_this_name")
    assert not has("no_module.of_this_name")


def test_on_an_installed_box_the_command_is_that_of_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/opt/edgevoice")

    assert how_to_add("eval").startswith("sudo scripts/setup --with eval")
    assert how_to_add("mcp").startswith("sudo scripts/setup --with mcp")
    assert how_to_add("local").startswith("sudo scripts/setup, ")


def test_elsewhere_the_command_is_pip_of_the_running_interpreter() -> None:
    assert how_to_add("plot").startswith(f"{sys.executable} -m pip install 'matplotlib>=")


@pytest.mark.skipif(not PROJECT.exists(), reason="the project is not beside these tests: an installed copy")
def test_the_packages_are_those_that_the_project_declares() -> None:
    named = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]

    for extra, packages in extras._PACKAGES.items():
        assert set(packages) == {each.partition(";")[0].strip() for each in named[extra]}


def test_the_bench_of_two_engines_refuses_in_one_line_if_one_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openwakeword.model", None)

    with pytest.raises(LibraryMissing) as refused:
        measure(as_json=True)

    assert "pip install" in refused.value.line()
    assert capfd.readouterr() == ("", "")
