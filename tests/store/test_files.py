"""Files that are complete or absent, private, and without leftovers."""

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from edgevoice.store import files
from edgevoice.store.files import draft_folder, drop_older, locked, make_once, rewrite, sweep, write_whole
from tests.open_files import open_files


def test_a_new_file_replaces_the_old_one_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "down" / "file"
    write_whole(file, b"first")
    file.chmod(0o644)
    write_whole(file, lambda opened: opened.write(b"second"), is_durable=True)

    assert file.read_bytes() == b"second"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, b"first")

    def fail(opened: BinaryIO) -> None:
        opened.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        write_whole(file, fail)
    assert file.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_a_rewritten_file_keeps_its_owner_and_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"first")
    file.chmod(0o640)
    link.symlink_to(file)
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fchown", lambda _descriptor, user, group: owners.append((user, group)))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    rewrite(link, b"second")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    rewrite(link, b"third")

    assert link.is_symlink()
    assert file.read_bytes() == b"third"
    assert file.stat().st_mode & 0o777 == 0o640
    assert owners == [(os.getuid(), os.getgid())]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """What was synced to the disk, by name, and the names that were in its folder then, without the unfinished."""
    seen: list[tuple[str, list[str]]] = []

    def sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        names = [each.name for each in (path if path.is_dir() else path.parent).iterdir()]
        seen.append((path.name.removesuffix(path.suffix), [name for name in names if not name.endswith(files.SUFFIX)]))

    monkeypatch.setattr(os, "fsync", sync)
    return seen


def test_a_durable_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    tmp_path: Path, synced: list[tuple[str, list[str]]]
) -> None:
    folder = tmp_path / "folder"
    write_whole(folder / "file", b"passing")
    assert synced == []
    (folder / "file").unlink()
    write_whole(folder / "file", b"lasting", is_durable=True)

    (draft, before), named = synced
    assert (draft.startswith(".file."), before) == (True, [])
    assert named == ("folder", ["file"])


def test_the_names_of_new_folders_are_on_the_disk_with_a_durable_file(
    tmp_path: Path, synced: list[tuple[str, list[str]]]
) -> None:
    write_whole(tmp_path / "house" / "cellar" / "file", b"lasting", is_durable=True)

    assert synced[1:] == [("cellar", ["file"]), ("house", ["cellar"]), (tmp_path.name, ["house"])]


@pytest.mark.parametrize("is_supported", [False, True])
def test_a_file_system_that_syncs_no_folders_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_supported: bool
) -> None:
    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            code = errno.EIO if is_supported else errno.EINVAL
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", sync)
    before = open_files()
    with pytest.raises(OSError, match="Input/output") if is_supported else contextlib.nullcontext():
        write_whole(tmp_path / "file", b"lasting", is_durable=True)

    assert (tmp_path / "file").read_bytes() == b"lasting"
    assert open_files() == before


def test_a_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "made"
    with draft_folder(place) as draft:
        (draft / "file").write_text("whole")
        draft.replace(place)
    assert (place / "file").read_text() == "whole"

    with draft_folder(tmp_path / "cache" / "never") as draft:
        (draft / "file").write_text("half")
    assert list(place.parent.iterdir()) == [place]


WRITER = """
import os, signal, sys
from pathlib import Path
from edgevoice.store.files import draft_folder, write_whole

def stop(_file):
    print("writing", flush=True)
    sys.stdin.read()

place = Path(sys.argv[1])
if sys.argv[2] == "file":
    write_whole(place, stop)
else:
    with draft_folder(place) as draft:
        (draft / "inside").touch()
        stop(None)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_leftovers_of_a_killed_writer_are_swept_and_files_of_a_live_one_are_not(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "minutes.json"), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        sweep(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1

        writer.kill()
        writer.wait()
        assert len(list(tmp_path.iterdir())) == 1
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == []


def test_only_leftovers_of_earlier_releases_are_swept(tmp_path: Path) -> None:
    (tmp_path / "minutes.json.4711.tmp").write_text("{}")
    (tmp_path / "minutes.json").write_text("{}")
    target = tmp_path / "elsewhere"
    target.write_text("not ours")
    (tmp_path / "link.tmp").symlink_to(target)
    sweep(tmp_path)
    sweep(tmp_path / "absent")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link.tmp", "minutes.json"]


def test_a_draft_swept_before_it_is_locked_is_created_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = files.try_lock
    swept: list[Path] = []

    def late(descriptor: int) -> bool:
        if not swept:
            (draft,) = tmp_path.iterdir()
            draft.unlink()
            swept.append(draft)
        return lock(descriptor)

    monkeypatch.setattr(files, "try_lock", late)
    before = open_files()
    write_whole(tmp_path / "file", b"content")
    assert open_files() <= before

    assert (tmp_path / "file").read_bytes() == b"content"
    assert swept
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_only_one_process_holds_the_lock_of_a_folder_and_the_lock_leaves_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    order: list[str] = []

    def second() -> None:
        with locked(folder):
            order.append("second")

    with locked(folder):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.05)
        order.append("first")
    waiting.join()

    assert order == ["first", "second"]
    assert list(folder.iterdir()) == []


def test_a_lock_timeout_gives_the_reason(tmp_path: Path) -> None:
    waiting = locked(tmp_path, limit_s=0.0)

    with locked(tmp_path), pytest.raises(TimeoutError, match="another program has locked it"):
        waiting.__enter__()


def test_a_file_system_without_locks_is_still_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path):
        write_whole(tmp_path / "file", b"content")

    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_file_is_complete_when_it_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    replace = Path.replace

    def look(draft: Path, target: Path) -> Path:
        seen.append(draft.read_bytes())
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", look)
    write_whole(tmp_path / "file", b"content")

    assert seen == [b"content"]


def test_a_failed_write_is_reported_with_its_own_reason(tmp_path: Path) -> None:
    def fail(_opened: BinaryIO) -> None:
        for left in tmp_path.iterdir():
            left.unlink()
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_whole(tmp_path / "file", fail)


def test_the_name_of_a_draft_shows_its_target_and_that_it_is_unfinished(tmp_path: Path) -> None:
    seen: list[str] = []
    write_whole(tmp_path / "file", lambda _opened: seen.extend(path.name for path in tmp_path.iterdir()))
    with draft_folder(tmp_path / "sub" / "made") as draft:
        seen.append(draft.name)

    assert [name.startswith(start) for name, start in zip(seen, (".file.", ".made."), strict=True)] == [True, True]
    assert all(name.endswith(".tmp") for name in seen)


def test_a_folder_that_is_being_filled_is_not_swept(tmp_path: Path) -> None:
    with draft_folder(tmp_path / "made") as draft:
        sweep(tmp_path)
        assert draft.is_dir()


def test_missing_folders_are_created_private(tmp_path: Path) -> None:
    with draft_folder(tmp_path / "a" / "b" / "made"):
        pass
    with draft_folder(tmp_path / "a" / "b" / "made"), locked(tmp_path / "c" / "d"):
        pass

    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a/b", "c/d")] == [0o700, 0o700]


def test_no_file_stays_open(tmp_path: Path) -> None:
    def use() -> None:
        write_whole(tmp_path / "file", b"content")
        with draft_folder(tmp_path / "made"), locked(tmp_path):
            pass
        (tmp_path / "left.tmp").touch()
        sweep(tmp_path)

    use()
    before = open_files()
    use()
    use()

    assert open_files() <= before


def test_a_lock_is_retried_every_10_ms_until_its_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [0.0, 0.5, 0.75, 1.0, 9.0]
    slept: list[float] = []
    monkeypatch.setattr(files, "try_lock", lambda _descriptor: False)
    monkeypatch.setattr(files, "time", SimpleNamespace(monotonic=lambda: readings.pop(0), sleep=slept.append))

    with (
        pytest.raises(TimeoutError, match="another program has locked it for more than 1 s"),
        locked(tmp_path, limit_s=1.0),
    ):
        pass
    assert slept == [0.01] * 2


def test_by_default_a_lock_times_out_after_5_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [0.0, 4.75, 5.0]
    monkeypatch.setattr(files, "try_lock", lambda _descriptor: False)
    monkeypatch.setattr(files, "time", SimpleNamespace(monotonic=lambda: readings.pop(0), sleep=lambda _seconds: None))

    with pytest.raises(TimeoutError, match="for more than 5 s"), locked(tmp_path):
        pass


def test_a_file_made_once_is_complete_and_not_made_again(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "made"
    asked: list[Path] = []

    def make(draft: Path) -> None:
        asked.append(draft)
        draft.write_bytes(b"half")
        assert not place.exists()
        draft.write_bytes(b"whole")

    make_once(place, make)
    make_once(place, make)

    assert place.read_bytes() == b"whole"
    assert len(asked) == 1
    assert list(place.parent.iterdir()) == [place]


def test_the_files_of_other_releases_are_dropped_and_no_others(tmp_path: Path) -> None:
    place = tmp_path / "voice-tables-0123456789abcdef.map"
    older = [tmp_path / f"voice-tables-{mark}.map" for mark in ("fedcba9876543210", "aaaaaaaaaaaa")]
    others = [
        tmp_path / name
        for name in (
            "voice-tables-fedcba9876543210.ort",
            "voice-tables-kept.map",
            "voice-tables-of-two-fedcba9876543210.map",
            "voice-fedcba9876543210.map",
            "status.json",
        )
    ]
    for file in (place, *older, *others):
        file.touch()

    drop_older(place)

    assert set(tmp_path.iterdir()) == {place, *others}
    drop_older(tmp_path / "nowhere" / place.name)


def test_a_file_that_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        draft.write_bytes(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_once(tmp_path / "made", fail)

    assert list(tmp_path.iterdir()) == []
