"""Whole files handed out to workers: the same results as of single tests, and each file is read once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FOR_ALL = """
from pathlib import Path
import pytest

@pytest.fixture(scope="session")
def everywhere():
    yield
    with Path("ended").open("a") as file:
        file.write("session\\n")
"""

TESTS = """
from pathlib import Path
import pytest

with Path("read").open("a") as file:
    file.write(f"{__name__}\\n")

@pytest.fixture(scope="module")
def here():
    yield
    with Path("ended").open("a") as file:
        file.write("module\\n")

@pytest.fixture
def late():
    yield
    raise OSError("late")

@pytest.mark.parametrize("number", range(3))
def test_good(everywhere, here, number):
    print("not shown")

def test_bad():
    print("shown")
    assert 1 == 2

def test_ends_badly(late):
    pass

@pytest.mark.skip(reason="no card")
def test_skipped():
    pass

@pytest.mark.sound
def test_not_wanted():
    raise AssertionError
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_results_are_as_of_single_tests_and_each_file_is_read_by_one_worker(tmp_path: Path, workers: str) -> None:
    pytest.importorskip("xdist")
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"test_{folder}.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(FOR_ALL)
    (tmp_path / "test_wrong.py").write_text("import nothing_of_that_name")
    unwanted = "import pytest\n@pytest.mark.sound\ndef test_it(): pass\n"
    (tmp_path / "one" / "test_unwanted.py").write_text(unwanted)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = sound\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TESTS_"))}

    options = ("-p", "xdist", "-m", "not sound", "--numprocesses", workers, "--dist", "load", "--maxschedchunk", "1")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.whole_files", *options, "-rA"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    assert "2 failed, 8 passed, 2 skipped, 3 errors in " in ended.stdout
    for line in (
        "PASSED one/test_one.py::test_good[2]",
        "FAILED other/test_other.py::test_bad - assert 1 == 2",
        "ERROR one/test_one.py::test_ends_badly - OSError: late",
        "ERROR test_wrong.py",
    ):
        assert f"\n{line}" in ended.stdout
    assert "shown\n" in ended.stdout
    assert sorted((tmp_path / "read").read_text().split()) == ["test_one", "test_other"]
    assert (tmp_path / "ended").read_text().split().count("module") == 2
    # Once in each worker that had a test with it.
    assert 1 <= (tmp_path / "ended").read_text().split().count("session") <= int(workers)


def test_without_workers_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_it(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.whole_files", "-v"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "test_one.py::test_it PASSED" in ended.stdout
