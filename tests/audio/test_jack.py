"""The JACK database of a killed process is removed, and nothing else."""

import mmap
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgevoice.audio.jack import without_left_database


def open_portaudio(folder: Path) -> None:
    with without_left_database(folder):
        pass


@pytest.fixture
def database(near: Path) -> Path:
    folder = near / f"jack_db-{os.getuid()}"
    folder.mkdir()
    for name in ("__db.001", "metadata.db"):
        (folder / name).write_bytes(b"locked")
    return folder


@pytest.fixture
def server(near: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(near / f"jack_default_{os.getuid()}_0"))
        listening.listen(1)
        yield listening


def test_a_database_that_no_server_uses_is_removed(near: Path, database: Path) -> None:
    open_portaudio(near)

    assert not list(database.iterdir())


def test_the_database_of_a_running_server_is_left_alone(near: Path, database: Path, server: socket.socket) -> None:
    for _ in range(5):  # even one that is too busy to answer
        open_portaudio(near)

    assert len(list(database.iterdir())) == 2
    server.accept()[0].close()


def test_the_files_of_a_killed_server_do_not_count_as_in_use(near: Path, database: Path, server: socket.socket) -> None:
    server.close()

    open_portaudio(near)

    assert not list(database.iterdir())


def test_a_plain_file_named_like_a_server_does_not_count_as_one(near: Path, database: Path) -> None:
    (near / "jack_default_0_0").touch()

    open_portaudio(near)

    assert not list(database.iterdir())


def test_another_users_database_is_left_alone(near: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = near / "jack_db-4242"
    database.rename(theirs)
    monkeypatch.setattr(os, "getuid", lambda: 4242)

    open_portaudio(near)

    assert len(list(theirs.iterdir())) == 2


def test_a_database_that_another_process_has_open_is_left_alone(near: Path, database: Path) -> None:
    with (database / "__db.001").open("r+b") as file, mmap.mmap(file.fileno(), 0):
        open_portaudio(near)
        assert len(list(database.iterdir())) == 2

    open_portaudio(near)
    assert not list(database.iterdir())


def test_nothing_is_removed_while_another_process_starts_portaudio(near: Path, database: Path) -> None:
    with without_left_database(near):
        (database / "metadata.db").touch()
        open_portaudio(near)
        assert [file.name for file in database.iterdir()] == ["metadata.db"]

    open_portaudio(near)
    assert not list(database.iterdir())


def test_a_symbolic_link_is_not_followed(near: Path, database: Path) -> None:
    elsewhere = near / "precious"
    database.rename(elsewhere)
    database.symlink_to(elsewhere)

    open_portaudio(near)

    assert len(list(elsewhere.iterdir())) == 2


def test_missing_and_unremovable_files_are_not_errors(near: Path) -> None:
    open_portaudio(near)
    open_portaudio(near / "missing")
    odd = near / f"jack_db-{os.getuid()}" / "folder"
    odd.mkdir(parents=True)

    open_portaudio(near)

    assert odd.is_dir()
