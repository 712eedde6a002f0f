"""The card's ALSA plugin: compiled once per source text into the user's cache. Never loads it; alsa-lib does."""

import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Final

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.store.files import make_once
from edgevoice.store.folders import cache_folder

_FOLDER: Final = Path(__file__).parent
_SOURCES: Final = tuple(_FOLDER / name for name in ("pcm_edgevoice.c", "ctl_edgevoice.c", "converter.c", "room.c"))
_HEADERS: Final = tuple(_FOLDER / name for name in ("converter.h", "room.h", "tape.h"))
_FLAGS: Final = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-DPIC", "-D_GNU_SOURCE")
_LIBRARIES: Final = ("-lasound", "-lpthread", "-lm")
_COMPILE_LIMIT_S: Final = 120  # it takes 2 s on a laptop; a busy old Pi needs longer


def build_plugin(cache: Path | None = None) -> Path:
    """Return the path of the compiled plugin; compile it first if ``cache`` lacks this source.

    The default cache is ``edgevoice`` in ``$XDG_CACHE_HOME`` or ``~/.cache``. Processes may race: each compiles to a
    file of its own and renames it into place. Without a compiler or ALSA's headers: ``VirtualCardUnavailable``.
    """
    folder = default_cache() if cache is None else cache
    plugin = folder / f"libasound_module_pcm_edgevoice-{_fingerprint()}.so"
    try:
        make_once(plugin, _compile)
    except VirtualCardUnavailable:
        raise  # an OSError too, with a better message
    except OSError as error:
        raise VirtualCardUnavailable(
            f"the virtual card's plugin cannot be stored in {folder}: {error.strerror}",
            remedy="Set XDG_CACHE_HOME to a folder that you may write to.",
        ) from error
    return plugin


def default_cache() -> Path:
    """Return the folder of compiled plugins: ``edgevoice`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    return cache_folder({name: value for name, value in os.environ.items() if name != "CACHE_DIRECTORY"})


def _fingerprint() -> str:
    digest = hashlib.sha256(" ".join((platform.machine(), *_FLAGS, *_LIBRARIES)).encode())
    for path in (*_SOURCES, *_HEADERS):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(target: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise VirtualCardUnavailable("the virtual card's plugin cannot be compiled: there is no gcc")
    command = [compiler, *_FLAGS, "-o", str(target), *map(str, _SOURCES), *_LIBRARIES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_LIMIT_S, check=False)
    except OSError as error:
        raise VirtualCardUnavailable(
            f"the virtual card's plugin cannot be compiled: {compiler}: {error.strerror}",
            remedy="Try again when the machine is less busy.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise VirtualCardUnavailable(
            f"the virtual card's plugin did not compile within {_COMPILE_LIMIT_S} s",
            remedy="Try again when the machine is less busy.",
        ) from error
    if done.returncode != 0:
        complaint = next((line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line), "")
        raise VirtualCardUnavailable(
            f"the virtual card's plugin cannot be compiled: {complaint.strip() or f'{compiler} failed'}"
        )
