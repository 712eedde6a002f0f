"""Folders: where the box keeps state, caches and temporary files."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgevoice.errors import StorageUnavailable
from edgevoice.store.files import remove_unless_locked, try_lock

NO_HOME: Final = Path("/dev/null/no-home")
"""The home of a user who has none: nothing exists below a device, and not even root can create anything there."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - only ever the parent of a private folder


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder for state: systemd's state directory, else the user's own."""
    return _systemds(environment, "STATE_DIRECTORY") or _users(environment, "XDG_STATE_HOME", ".local/state")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder for caches: systemd's cache directory, else the user's own."""
    return _systemds(environment, "CACHE_DIRECTORY") or _users(environment, "XDG_CACHE_HOME", ".cache")


def runtime_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder for sockets: systemd's runtime directory, else the user's own; ``None`` without either."""
    own = _absolute(environment, "XDG_RUNTIME_DIR")
    return _systemds(environment, "RUNTIME_DIRECTORY") or (own / "edgevoice" if own is not None else None)


def config_folder(environment: Mapping[str, str]) -> Path | None:
    """Return where the user keeps settings; ``None`` where the environment names neither such a folder nor a home."""
    if environment.get("HOME") or _absolute(environment, "XDG_CONFIG_HOME") is not None:
        return _users(environment, "XDG_CONFIG_HOME", ".config")
    return None


def _systemds(environment: Mapping[str, str], variable: str) -> Path | None:
    # systemd may name several, separated by colons; the first is as good as any.
    folder = environment.get(variable, "").partition(":")[0]
    return Path(folder) if folder else None


def _users(environment: Mapping[str, str], variable: str, in_home: str) -> Path:
    return (_absolute(environment, variable) or _home(environment) / in_home) / "edgevoice"


def _absolute(environment: Mapping[str, str], variable: str) -> Path | None:
    """Return the folder that a variable names, ``None`` without one: a relative path counts as unset (XDG 0.8)."""
    folder = Path(environment.get(variable, ""))
    return folder if folder.is_absolute() else None


def _home(environment: Mapping[str, str]) -> Path:
    """Return the user's home; ``NO_HOME`` without HOME and without an entry in the user database."""
    home = Path(environment.get("HOME", "") or os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises
    return home if home.is_absolute() else NO_HOME


def scratch_places(first: str | None = None) -> Iterator[Path]:
    """Yield possible folders for temporary files, best first: ``first``, the system's own, and memory."""
    if first:
        yield Path(first)
    with contextlib.suppress(FileNotFoundError):
        # Python raises if it finds no folder in which it can create a file.
        yield Path(tempfile.gettempdir())
    yield MEMORY


def make_scratch(prefix: str, *, first: str | None = None) -> Path:
    """Return a new private folder in the first of ``scratch_places`` that accepts it; raises ``StorageUnavailable``."""
    problem = "no folder for temporary files"
    for place in scratch_places(first):
        try:
            return Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        except OSError as error:
            problem = f"no temporary folder can be made in {place}: {error.strerror}"
    raise StorageUnavailable(problem)


@dataclass(frozen=True, slots=True)
class HeldFolder:
    """A private folder for temporary files, locked as a sign that its process is alive."""

    path: Path
    descriptor: int

    def remove(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.descriptor)


def hold_scratch(
    prefix: str, *, first: str | None = None, spare: Callable[[Path], bool] = lambda _: False
) -> HeldFolder:
    """Return a folder of ``make_scratch``, and remove what killed processes of this user have left beside it.

    ``spare`` returns whether a folder that nobody holds stays nevertheless. Raises ``StorageUnavailable``.
    """
    while True:
        path = make_scratch(prefix, first=first)
        with contextlib.suppress(FileNotFoundError):  # swept by another process before it was locked
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if try_lock(descriptor) and path.exists():
                break
            os.close(descriptor)
    with contextlib.suppress(OSError):
        for left in [*path.parent.glob(f"{prefix}*")]:
            with contextlib.suppress(OSError):
                if left != path and left.stat(follow_symlinks=False).st_uid == os.geteuid() and not spare(left):
                    remove_unless_locked(left)
    return HeldFolder(path, descriptor)


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Yield a private folder that exists during the context. Raises ``StorageUnavailable``."""
    held = hold_scratch(prefix)
    try:
        yield held.path
    finally:
        held.remove()
