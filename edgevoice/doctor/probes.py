"""Where probes look: the machine's files below one root, and its other programs. Changes nothing."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 5.0

Ask = Callable[[Sequence[str]], str | None]
"""Runs a program and returns what it printed, ``None`` where it is not installed, refuses or does not end."""


def ask(command: Sequence[str]) -> str | None:
    """Run a program for at most 5 s; only its standard output counts."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine to examine; tests give a folder for ``root`` and answers for ``ask``."""

    root: Path = Path("/")
    ask: Ask = ask

    def read(self, path: str) -> str | None:
        """Return a small text file's content without the white space around it, ``None`` if it cannot be read."""
        try:
            return (self.root / path.lstrip("/")).read_text(errors="replace").strip().strip("\0")
        except OSError:
            return None

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match, as seen from the root, sorted."""
        return sorted(f"/{path.relative_to(self.root)}" for path in self.root.glob(pattern.lstrip("/")))
