"""The voice's tables as a file: what the dictionaries hold."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.local.speech.tables import StoredTables, dump, tables_in

VALUES = st.one_of(st.text(), st.floats(allow_nan=False), st.dictionaries(st.text(), st.none() | st.integers()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "edgevoice"


def written(held: dict[str, dict[str, Any]], place: Path) -> StoredTables:
    with place.open("wb") as file:
        dump(held, file)
    return StoredTables.read(place)


@given(held=st.dictionaries(st.text(max_size=9), VALUES), absent=st.text(max_size=9))
def test_a_table_holds_what_the_dictionary_held(
    held: dict[str, Any], absent: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = written({"other": {"a": 1}, "words": held}, tmp_path_factory.mktemp("t") / "tables")["words"]

    assert dict(table.items()) == held
    assert len(table) == len(held)
    assert (absent in table) == (absent in held)
    assert table.get(absent) == held.get(absent)


def test_the_file_is_made_once_private_and_then_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = folder / f"voice-tables-{'a' * 16}.map"
    folder.mkdir()
    older.touch()
    tables_in(folder)
    monkeypatch.setattr(subprocess, "run", None)

    assert not older.exists(), "of another release"
    assert "hello" in tables_in(folder)["gold"]
    assert [path.stat().st_mode & 0o077 for path in folder.iterdir()] == [0]


@pytest.mark.parametrize("damage", ["cut short", "another file", "empty"])
def test_a_damaged_file_is_refused_and_removed(tmp_path: Path, folder: Path, damage: str) -> None:
    tables_in(folder)
    (whole,) = folder.iterdir()
    content = {"cut short": whole.read_bytes()[:-9], "another file": b"something else" * 9, "empty": b""}[damage]
    (tmp_path / whole.name).write_bytes(content)

    with pytest.raises((ValueError, KeyError)):
        tables_in(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_made_is_an_os_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(subprocess, "run", fail)

    with pytest.raises(OSError, match="the voice's tables cannot be made: no reason given"):
        tables_in(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="directory"):
        tables_in(tmp_path / "file" / "cache")
