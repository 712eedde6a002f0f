"""The compiled library: where it is found, and what a box without a compiler is left with."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from edgevoice.wakeword.kernel import compile as compiling
from edgevoice.wakeword.kernel import library
from edgevoice.wakeword.kernel.compile import compile_library, main, name_for
from edgevoice.wakeword.kernel.library import KernelUnavailable, is_compiled, open_library


@pytest.fixture
def unshipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache, for a package without a library beside its sources."""
    monkeypatch.setattr(library, "FOLDER", tmp_path / "package")
    return tmp_path / "cache"


def test_it_is_compiled_once_into_the_cache_and_one_of_another_version_is_refused(
    unshipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_compiled(unshipped)

    assert open_library(unshipped).kernel_version() == 2
    assert is_compiled(unshipped)

    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert open_library(unshipped).kernel_version() == 2

    monkeypatch.setattr(library, "_VERSION", 3)
    with pytest.raises(KernelUnavailable, match="is of another version"):
        open_library(unshipped)


def test_without_a_compiler_the_error_says_so(unshipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(KernelUnavailable, match="not compiled: there is no gcc to compile it") as raised:
        open_library(unshipped)

    assert "apt-get install gcc" in raised.value.remedy
    assert not list(unshipped.iterdir())


@pytest.mark.parametrize("content", [b"", b"not a library"])
def test_a_damaged_library_is_an_error_that_names_the_file(unshipped: Path, content: bytes) -> None:
    unshipped.mkdir()
    (unshipped / name_for(platform.machine())).write_bytes(content)

    with pytest.raises(KernelUnavailable, match=r"cannot be used: .*wakeword-kernel") as raised:
        open_library(unshipped)
    assert str(unshipped) in raised.value.remedy


def test_a_full_disk_is_said_to_be_full(unshipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "/usr/bin/ld: final link failed: No space left on device\ncollect2: error: ld returned 1 exit status"

    def link(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", said)

    monkeypatch.setattr(subprocess, "run", link)

    with pytest.raises(KernelUnavailable, match=r"cannot be used: .*No space left on device") as raised:
        open_library(unshipped)
    assert "Free some space" in raised.value.remedy
    assert "compiler" not in raised.value.line()


def test_a_machine_that_was_never_tried_and_a_compiler_that_fails_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="there is no kernel for riscv64"):
        compile_library(tmp_path / "k.so", "riscv64")
    with pytest.raises(OSError, match="error"):
        compile_library(tmp_path / "k.so", platform.machine(), "-fno-such-option")
    for failure in (subprocess.TimeoutExpired("gcc", 180), OSError(12, "Cannot allocate memory")):

        def fail(*_arguments: object, failure: Exception = failure, **_options: object) -> None:
            raise failure

        monkeypatch.setattr(subprocess, "run", fail)
        with pytest.raises(OSError, match=r"did not finish within|Cannot allocate memory"):
            compile_library(tmp_path / "k.so", platform.machine())


def test_the_installer_gets_it_beside_the_sources_and_older_ones_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = platform.machine()
    older, other = tmp_path / f"wakeword-kernel-{machine}-0123.so", tmp_path / "wakeword-kernel-riscv64-0123.so"
    older.touch()
    other.touch()
    monkeypatch.setattr(compiling, "FOLDER", tmp_path)
    monkeypatch.setattr(compiling, "compile_library", lambda target, _machine: target.write_bytes(b"made"))

    assert main([]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name_for(machine), other.name])

    monkeypatch.undo()
    monkeypatch.setattr(compiling, "FOLDER", tmp_path)
    assert main(["riscv64"]) == 1
    assert "there is no kernel for riscv64" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 2
