import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice.local import language as language_module
from edgevoice.local.language import language
from edgevoice.local.recogniser import PocketsphinxRecogniser


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every folder in which the files are made."""
    folders: list[Path] = []
    make = language_module._make

    def noted(folder: Path, written: list[str]) -> None:
        folders.append(folder)
        make(folder, written)

    monkeypatch.setattr(language_module, "_make", noted)
    return folders


def test_the_files_are_made_once_and_whole(tmp_path: Path, making: list[Path]) -> None:
    cache = tmp_path / "cache"
    with language(cache) as first, language(cache) as second:
        assert first == second
        assert "\\data\\" in first.model.read_text()
        assert "mycroft M AY K R AO F T\n" in first.dictionary.read_text()

    assert len(making) == 1
    assert [path.name for path in cache.iterdir()] == [first.model.parent.name]


def test_a_changed_vocabulary_gets_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with language(tmp_path) as first:
        pass
    monkeypatch.setattr("edgevoice.local.vocabulary.sentences", lambda: ["what time is it"])
    with language(tmp_path) as second:
        assert second.model != first.model
        assert len(second.model.read_text()) < len(first.model.read_text())


def test_without_a_folder_that_can_be_written_the_files_last_as_long_as_they_are_needed(
    tmp_path: Path, making: list[Path]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("no folder")
    for cache in (None, taken / "cache"):
        with language(cache) as files:
            assert files.model.stat().st_size > 100_000
        assert not files.model.exists()

    assert len(making) == 2


def test_of_two_that_make_the_files_at_once_one_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = language_module._make

    def meanwhile(folder: Path, written: list[str]) -> None:
        make(folder, written)
        monkeypatch.setattr(language_module, "_make", make)
        with language(tmp_path):
            pass

    monkeypatch.setattr(language_module, "_make", meanwhile)
    with language(tmp_path) as files:
        assert files.model.stat().st_size > 100_000

    assert len([*tmp_path.iterdir()]) == 1


def test_damaged_files_are_made_anew(tmp_path: Path, making: list[Path]) -> None:
    with language(tmp_path) as files:
        pass
    files.model.write_text(files.model.read_text()[:2000])

    PocketsphinxRecogniser.load(tmp_path)

    assert len(making) == 2
    assert files.model.stat().st_size > 100_000


def test_setup_makes_them_beforehand(tmp_path: Path, making: list[Path]) -> None:
    subprocess.run([sys.executable, "-m", "edgevoice.local.language", str(tmp_path)], check=True)

    PocketsphinxRecogniser.load(tmp_path)

    assert making == []


def test_a_full_temporary_folder_is_passed_over_for_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    full, memory = tmp_path / "tmp", tmp_path / "shm"
    full.mkdir()
    memory.mkdir()
    make = language_module._make

    def make_unless_full(folder: Path, written: list[str]) -> None:
        if folder.parent == full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        make(folder, written)

    monkeypatch.setattr(language_module, "_make", make_unless_full)
    monkeypatch.setattr(language_module, "scratch_places", lambda: iter((full, memory)))
    with language(None) as files:
        assert files.model.is_relative_to(memory)
    assert not [*full.iterdir(), *memory.iterdir()]


def test_where_no_folder_takes_the_files_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    monkeypatch.setattr(language_module, "scratch_places", lambda: iter((taken, Path("/proc"))))

    assert language_module.main([str(taken / "cache")]) == 1
    told = capsys.readouterr().err
    assert told.startswith("no folder takes what the speech recogniser reads; /proc: ")
    assert told.count("\n") == 1
