"""scripts/check runs the tests of the changed files."""

import runpy
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "_tests_of.py"))
ALWAYS = {"tests/test_frame.py", "tests/test_imports.py", "tests/test_readme.py"}


def beside_what_always_runs(*changed: str) -> set[str]:
    find: Callable[[Iterable[str], Path], list[str]] = SCRIPT["tests_of"]
    return set(find(changed, ROOT)) - ALWAYS


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("edgevoice/core/conversation/deadlines.py", {"tests/core/conversation/test_deadlines.py"}),
        ("edgevoice/box/live_settings.py", {"tests/box/test_live_settings.py"}),
        ("tests/test_imports.py", set()),
        ("tests/core/test_backoff.py", {"tests/core/test_backoff.py"}),
        ("scripts/release", {"tests/test_release.py", "tests/test_scripts.py"}),
        ("scripts/_tests_of.py", {"tests/test_check.py"}),
        ("edgevoice/cli.py", {"tests/commands/test_commandline.py"}),
        ("edgevoice/errors.py", {"tests/test_errors.py"}),
        ("edgevoice/local/__main__.py", {"tests/local/test_main.py"}),
        ("tests/progress.py", {"tests/test_progress.py"}),
        ("examples/README.md", {"tests/test_examples.py"}),
        ("docs/glossary.md", set()),
    ],
)
def test_a_changed_file_has_its_own_tests(changed: str, tests: set[str]) -> None:
    assert beside_what_always_runs(changed) == tests


def test_every_test_file_of_a_module_with_several_is_run() -> None:
    assert beside_what_always_runs("edgevoice/realtime/link.py") >= {
        "tests/realtime/test_link.py",
        "tests/realtime/test_link_secrets.py",
    }


def test_a_module_without_its_own_tests_gets_those_of_its_package() -> None:
    assert "tests/core/test_backoff.py" in beside_what_always_runs("edgevoice/core/a_new_module.py")
    assert "tests/testbed/virtual/test_plugin.py" in beside_what_always_runs("edgevoice/testbed/virtual/converter.c")


def test_helpers_shared_by_a_folder_of_tests_select_all_of_them() -> None:
    assert "tests/realtime/test_link.py" in beside_what_always_runs("tests/realtime/services.py")


def test_a_top_level_module_without_its_own_tests_does_not_select_every_scripts_tests() -> None:
    assert beside_what_always_runs("edgevoice/a_new_module.py", "tests/waiting.py") == set()


def test_the_setup_scripts_select_the_tests_of_setup() -> None:
    assert "tests/test_setup_key.py" in beside_what_always_runs("scripts/_pi_key.sh")


def test_a_removed_file_needs_no_test() -> None:
    assert beside_what_always_runs("tests/test_gone.py") == set()
