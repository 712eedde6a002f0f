"""Machines simulated by folders: files where the kernel has them, and programs with prepared answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgevoice.doctor.probes import Machine


def machine(root: Path, files: Mapping[str, str] | None = None, answers: Mapping[str, str] | None = None) -> Machine:
    """Return a machine; ``answers`` are by the beginning of the command line."""
    for name, content in (files or {}).items():
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")

    def ask(command: Sequence[str]) -> str | None:
        line = " ".join(command)
        return next((answer for begin, answer in (answers or {}).items() if line.startswith(begin)), None)

    return Machine(root, ask)
