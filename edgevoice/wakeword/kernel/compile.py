"""Compiles the library. Uses the standard library alone: ``scripts/setup`` runs this file before anything is installed.

``python compile.py [MACHINE]`` writes the library beside the sources, under the name by which `library` finds it.
"""

import errno
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
_SOURCES: Final = tuple(FOLDER / name for name in ("kernel.c", "any.c", "avx2.c"))
_INCLUDED: Final = tuple(
    FOLDER / name
    for name in (
        *("kernel.h", "state.h", "vectors.h"),
        *(f"{name}.inc" for name in ("network", "mel", "dense", "classifier", "voice", "sound", "events")),
    )
)
_FLAGS: Final = ("-std=gnu11", "-O3", "-Wall", "-Wextra", "-fPIC", "-shared", "-s")
_LIBRARIES: Final = ("-lm",)
_LIMIT_S: Final = 180
"""It takes 2 s on a laptop; a busy old Pi needs longer."""

MACHINES: Final = ("aarch64", "x86_64")
"""For others nothing was tried; they use onnxruntime."""


class NotCompiled(OSError):
    """The library cannot be compiled here; the text says why."""


def fingerprint(machine: str) -> str:
    """Return a value that changes with the sources, the flags and the machine."""
    digest = hashlib.sha256(" ".join((machine, *_FLAGS, *_LIBRARIES)).encode())
    for path in (*_SOURCES, *_INCLUDED):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def name_for(machine: str) -> str:
    """Return the name of the library of these sources: not one that Python would take for a module."""
    return f"wakeword-kernel-{machine}-{fingerprint(machine)}.so.1"


def compile_library(target: Path, machine: str, *more: str) -> None:
    """Write the library to ``target``; ``more`` are further arguments for the compiler.

    Raises ``NotCompiled``, and ``OSError`` if the disk is full.
    """
    if machine not in MACHINES:
        raise NotCompiled(f"there is no kernel for {machine}")
    compiler = _compiler_for(machine)
    if compiler is None:
        raise NotCompiled("there is no gcc to compile it")
    command = [compiler, *_FLAGS, "-o", str(target), *map(str, _SOURCES), *more, *_LIBRARIES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotCompiled(f"{compiler} did not finish within {_LIMIT_S} s") from error
    except OSError as error:
        raise NotCompiled(f"{compiler} cannot be started: {error.strerror}") from error
    if done.returncode:
        if (full := os.strerror(errno.ENOSPC)) in done.stderr:
            raise OSError(errno.ENOSPC, full, str(target.parent))
        complaint = next((line for line in done.stderr.splitlines() if "error" in line), f"{compiler} failed")
        raise NotCompiled(complaint.strip())


def _compiler_for(machine: str) -> str | None:
    if machine != platform.machine():
        return shutil.which(f"{machine.replace('_', '-')}-linux-gnu-gcc")
    return shutil.which("gcc") or shutil.which("cc")


def main(arguments: list[str]) -> int:
    """Compile the library of this machine, or of the named one, beside the sources; return the exit status."""
    machine = arguments[0] if arguments else platform.machine()
    target = FOLDER / name_for(machine)
    draft = target.with_suffix(".tmp")
    try:
        compile_library(draft, machine)
        draft.replace(target)
        for older in FOLDER.glob(f"wakeword-kernel-{machine}-*.so*"):
            if older != target:
                older.unlink()
    except OSError as error:
        print(f"the wake word's kernel is not compiled: {error}", file=sys.stderr)  # noqa: T201 - for the caller
        return 1
    finally:
        draft.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
