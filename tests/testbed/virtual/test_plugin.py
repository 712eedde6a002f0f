import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.testbed.bench.limits import _FLOOR
from edgevoice.testbed.soak.shim import _FAULTS
from edgevoice.testbed.virtual import plugin
from edgevoice.testbed.virtual.compiling import CSources, compiled, default_cache
from edgevoice.testbed.virtual.plugin import PLUGIN, build_plugin

ROOT = Path(__file__).parents[3]


def put_compiler(folder: Path, script: str) -> str:
    """Put a fake `gcc` into ``folder`` and return a PATH that finds it before the real one."""
    (folder / "gcc").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "gcc").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("made", [PLUGIN, _FAULTS, _FLOOR], ids=lambda made: made.name)
def test_the_sources_compile_without_a_warning(made: CSources) -> None:
    command = ["gcc", *made.flags, "-Werror", "-fsyntax-only", *map(str, made.sources)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_second_build_reuses_the_result_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_plugin(tmp_path)
    built_ns = built.stat().st_mtime_ns
    monkeypatch.setenv("PATH", "/nowhere")

    assert build_plugin(tmp_path) == built
    assert built.stat().st_mtime_ns == built_ns


def test_processes_that_compile_concurrently_do_not_interfere(tmp_path: Path) -> None:
    # Loaded by path, without its package: that would load numpy twice and take longer than the race.
    program = f"import runpy; print(runpy.run_path({plugin.__file__!r})['build_plugin']())"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    children = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    answers = {child.communicate(timeout=60)[0].strip() for child in children}

    assert [child.returncode for child in children] == [0, 0]
    assert len(answers) == 1, "both should name one plugin"
    assert [str(path) for path in (tmp_path / "edgevoice").iterdir()] == list(answers), "nothing else should be left"


def test_without_a_compiler_the_error_names_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(VirtualCardUnavailable, match="there is no gcc") as caught:
        build_plugin(tmp_path / "cache")

    assert "apt install gcc libasound2-dev" in caught.value.line()


@pytest.mark.parametrize("made", [PLUGIN, _FAULTS, _FLOOR], ids=lambda made: made.name)
def test_whatever_cannot_be_compiled_is_named_with_the_compilers_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: CSources
) -> None:
    monkeypatch.setenv("PATH", put_compiler(tmp_path, "echo 'cannot find -lasound' >&2; exit 1"))

    with pytest.raises(VirtualCardUnavailable, match=f"{made.what} cannot be compiled: cannot find -lasound"):
        compiled(made, tmp_path / "cache")


def test_without_alsas_headers_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint = "converter.h:4:10: fatal error: alsa/asoundlib.h: No such file or directory"
    monkeypatch.setenv("PATH", put_compiler(tmp_path, f"echo '{complaint}' >&2; exit 1"))

    with pytest.raises(VirtualCardUnavailable, match=r"alsa/asoundlib\.h: No such file") as caught:
        build_plugin(tmp_path / "cache")

    assert "libasound2-dev" in caught.value.remedy
    assert list((tmp_path / "cache").iterdir()) == [], "a failed build should leave nothing"


def test_an_unwritable_cache_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(VirtualCardUnavailable, match="file/cache: Not a directory") as caught:
        build_plugin(tmp_path / "file" / "cache")

    assert "XDG_CACHE_HOME" in caught.value.remedy


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")

    assert default_cache() == tmp_path / ".cache" / "edgevoice"
