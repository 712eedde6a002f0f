"""Atomic files: complete or absent, readable only by their owner, and written by one process at a time."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

SUFFIX: Final = ".tmp"
"""How the names of unfinished files end; see ``sweep``."""

DAMAGED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that is not what was written: a card that wears out changes bytes."""

_LOCK_LIMIT_S: Final = 5.0
"""Its holder waits for the disk, and a slow card writes for seconds; the end of the box may wait for it, too, and has
10 s (TimeoutStopSec= of the unit).
"""

_LOCK_STEP_S: Final = 0.01

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{12,64}")


def write_whole(path: Path, content: bytes | Callable[[BinaryIO], object], *, is_durable: bool = False) -> None:
    """Write ``content``, or what the function writes, to ``path`` atomically: readers see the old file or the new one.

    Only the owner can read the file (0600) and the missing folders that are created. ``is_durable`` waits for the disk,
    so that after a power cut the new file is there, whole. Raises ``OSError``; no unfinished file is left then.
    """
    missing = [folder for folder in path.parents if not folder.exists()] if is_durable else []
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = _draft(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            if is_durable:
                os.fsync(file.fileno())
            # Still locked: see `sweep`.
            draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if is_durable:
        for folder in (path.parent, *(each.parent for each in missing)):
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Wait for the disk to have the names of the files in ``folder``; without it a power cut may undo a renaming.

    A file system without this, and a folder that may be written but not read, are passed over. Raises ``OSError``.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def rewrite(path: Path, content: bytes) -> None:
    """Replace the content of a file that is there, whole or not at all; its owner, group and mode stay.

    A link stays a link: what it points at is replaced. Waits for the disk. Raises ``OSError``.
    """
    target = path.resolve(strict=True)
    before = target.stat()

    def fill(file: BinaryIO) -> None:
        # Whoever could read the old file, the user of the service above all, can read the new one.
        if os.geteuid() == 0:
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
        file.write(content)

    write_whole(target, fill, is_durable=True)


def _draft(path: Path) -> tuple[int, Path]:
    """Return a new file beside ``path``, locked while it is open, as a sign that its writer is alive."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent)
        try_lock(descriptor)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # swept by another process before it was locked


@contextlib.contextmanager
def draft_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside ``path``, to be filled and renamed to it; leftovers are removed with the context.

    Raises ``OSError``.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=SUFFIX, dir=path.parent))
    descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try_lock(descriptor)
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(descriptor)


def make_once(path: Path, make: Callable[[Path], object]) -> None:
    """Have ``make`` write a file that is not there yet; it is given another path, and the file is renamed when whole.

    Several processes may make it at once. Raises ``OSError``, and whatever ``make`` raises; nothing unfinished is left
    then.
    """
    if path.exists():
        return
    with draft_folder(path) as drafts:
        draft = drafts / path.name
        make(draft)
        draft.replace(path)


def drop_older(path: Path) -> None:
    """Remove the files beside ``path`` that it replaces: of its name, but with the fingerprint of another release.

    The fingerprint is the last part of the name, in hexadecimal: ``voice-tables-2f0c….map``. A process that has one of
    them open keeps it; one that looks for it makes it again.
    """
    family, mark, _ = path.stem.rpartition("-")
    with contextlib.suppress(OSError):
        for other in [*path.parent.iterdir()]:
            is_kin = other.suffix == path.suffix and other.stem.startswith(f"{family}{mark}") and other != path
            if is_kin and _FINGERPRINT.fullmatch(other.stem.removeprefix(f"{family}{mark}")):
                with contextlib.suppress(OSError):
                    other.unlink()


def sweep(folder: Path) -> None:
    """Remove unfinished files of killed writers from ``folder``; those of running writers stay."""
    with contextlib.suppress(OSError):
        for left in [each for each in folder.iterdir() if each.name.endswith(SUFFIX)]:
            with contextlib.suppress(OSError):
                remove_unless_locked(left)


def remove_unless_locked(left: Path) -> None:
    """Remove a file, or a folder and what is in it, unless a running process holds its lock. Raises ``OSError``."""
    descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not try_lock(descriptor):
            return
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: Path, *, limit_s: float = _LOCK_LIMIT_S) -> Iterator[None]:
    """Hold the lock of ``folder`` during the context, against other processes and threads.

    Locks the folder itself, so no lock file is left behind. Raises ``OSError``, and ``TimeoutError`` if another program
    holds the lock for more than ``limit_s`` seconds. Blocks: do not call it in the event loop.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        give_up_at = time.monotonic() + limit_s
        while not try_lock(descriptor):
            if time.monotonic() >= give_up_at:
                raise TimeoutError(errno.ETIMEDOUT, f"another program has locked it for more than {limit_s:g} s")
            time.sleep(_LOCK_STEP_S)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; return whether we got the lock. File systems without locks grant it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
