"""Findings: one line each, with what to do about it. Probes nothing and prints nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class FindingStatus(StrEnum):
    """The state of one thing."""

    FINE = "fine"
    WRONG = "wrong"
    DOUBTFUL = "doubtful"
    SKIPPED = "skipped"


SIGNS: Mapping[FindingStatus, str] = MappingProxyType(
    {
        FindingStatus.FINE: "✓",
        FindingStatus.WRONG: "✗",
        FindingStatus.DOUBTFUL: "!",
        FindingStatus.SKIPPED: "–",  # noqa: RUF001 - a dash on purpose
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table.

    ``remedy`` says what to do; only a finding that is fine has none. ``code`` is an error's stable code, if there
    is one; ``figures`` are measurements, for programs.
    """

    name: str
    mark: FindingStatus
    text: str
    remedy: str = ""
    code: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mark is not FindingStatus.FINE and not self.remedy:
            raise ValueError(f"{self.name}: {self.text}: a finding that is not fine needs a remedy")

    def data(self) -> dict[str, Any]:
        """Return the finding for programs, without empty parts."""
        return {key: value for key, value in asdict(self).items() if value not in ("", {})}


def fine(name: str, text: str, **figures: float) -> Finding:
    """Return a finding that needs no action."""
    return Finding(name, FindingStatus.FINE, text, figures=figures)


def wrong(name: str, text: str, remedy: str, *, code: str = "", **figures: float) -> Finding:
    """Return a finding that keeps the box, or a part of it, from working."""
    return Finding(name, FindingStatus.WRONG, text, remedy, code, figures)


def doubtful(name: str, text: str, remedy: str, **figures: float) -> Finding:
    """Return a finding that a person should know about, although the box works."""
    return Finding(name, FindingStatus.DOUBTFUL, text, remedy, figures=figures)


def skipped(name: str, text: str, remedy: str) -> Finding:
    """Return a finding for something that was not checked, with what would make the check possible."""
    return Finding(name, FindingStatus.SKIPPED, text, remedy)


def is_all_well(findings: list[Finding]) -> bool:
    """Return whether nothing is broken; doubtful and skipped findings do not count as broken."""
    return all(finding.mark is not FindingStatus.WRONG for finding in findings)
