"""What probes read: the machine's files below one root, and the output of its programs. Changes nothing."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_S = 5.0

Ask = Callable[[Sequence[str]], str | None]
"""Runs a program and returns its output; ``None`` if it is not installed, fails or does not end."""


def ask(command: Sequence[str]) -> str | None:
    """Run a program for at most 5 s; only its standard output counts."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine to check; tests pass a folder as ``root`` and prepared answers as ``ask``."""

    root: Path = Path("/")
    ask: Ask = ask

    def read(self, path: str) -> str | None:
        """Return a small text file's content without surrounding white space, or ``None`` if it cannot be read."""
        try:
            return (self.root / path.lstrip("/")).read_text(errors="replace").strip().strip("\0")
        except OSError:
            return None

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match, as seen from the root, sorted."""
        return sorted(f"/{path.relative_to(self.root)}" for path in self.root.glob(pattern.lstrip("/")))
