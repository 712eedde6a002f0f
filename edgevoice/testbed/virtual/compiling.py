"""Compiles the test bed's C sources, once per source text, into the user's cache. Runs nothing of them."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.store.files import make_once
from edgevoice.store.folders import cache_folder

_FLAGS: Final = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE")
_SHARED: Final = ("-fPIC", "-shared", "-DPIC")
_COMPILE_LIMIT_S: Final = 120  # the largest takes 2 s on a laptop; a busy old Pi needs longer


@dataclass(frozen=True, slots=True)
class CSources:
    """A program in C, or a library if its ``name`` ends with ``.so``; ``what`` it is called in errors."""

    what: str
    name: str
    sources: tuple[Path, ...]
    headers: tuple[Path, ...] = ()
    libraries: tuple[str, ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the compiler's flags."""
        return (*_FLAGS, *_SHARED) if self.name.endswith(".so") else _FLAGS


def compiled(what: CSources, cache: Path | None = None) -> Path:
    """Return the path of the compiled file; compile it first if ``cache`` lacks this source.

    Without ``cache`` it is `default_cache`. Processes may race: each compiles to a file of its own and renames it into
    place. Without a compiler or ALSA's headers: ``VirtualCardUnavailable``.
    """
    folder = default_cache() if cache is None else cache
    stem, dot, suffix = what.name.partition(".")
    place = folder / f"{stem}-{_fingerprint(what)}{dot}{suffix}"
    try:
        make_once(place, partial(_compile, what))
    except VirtualCardUnavailable:
        raise  # an OSError too, with a better message
    except OSError as error:
        raise VirtualCardUnavailable(
            f"{what.what} cannot be stored in {folder}: {error.strerror}",
            remedy="Set XDG_CACHE_HOME to a folder that you may write to.",
        ) from error
    return place


def default_cache() -> Path:
    """Return the folder of what is compiled: ``edgevoice`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    return cache_folder({name: value for name, value in os.environ.items() if name != "CACHE_DIRECTORY"})


def _fingerprint(what: CSources) -> str:
    digest = hashlib.sha256(" ".join((platform.machine(), *what.flags, *what.libraries)).encode())
    for path in (*what.sources, *what.headers):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(what: CSources, target: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise VirtualCardUnavailable(f"{what.what} cannot be compiled: there is no gcc")
    command = [compiler, *what.flags, "-o", str(target), *map(str, what.sources), *what.libraries]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_LIMIT_S, check=False)
    except OSError as error:
        raise VirtualCardUnavailable(
            f"{what.what} cannot be compiled: {compiler}: {error.strerror}",
            remedy="Try again when the machine is less busy.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise VirtualCardUnavailable(
            f"{what.what} did not compile within {_COMPILE_LIMIT_S} s",
            remedy="Try again when the machine is less busy.",
        ) from error
    if done.returncode != 0:
        complaint = _complaint(done.stderr.splitlines()) or f"{compiler} failed"
        raise VirtualCardUnavailable(f"{what.what} cannot be compiled: {complaint}")


def _complaint(lines: Iterable[str]) -> str:
    return next((line for line in lines if "error" in line or "cannot find" in line), "").strip()
