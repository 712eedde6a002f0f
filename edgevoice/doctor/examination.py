"""Examination: runs checks in parallel, each with a time limit. A check that hangs loses only its own lines."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from edgevoice.doctor.findings import Finding, wrong
from edgevoice.errors import EdgevoiceError

LIMIT_S = 8.0
"""Longer than any quick probe needs on a slow Pi with a slow network."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something to check: ``names`` are the lines that it may produce, ``examine`` probes and judges."""

    names: tuple[str, ...]
    examine: Callable[[], Iterable[Finding]]
    limit_s: float = LIMIT_S


@dataclass(slots=True)
class _Running:
    check: Check
    findings: list[Finding] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        try:
            self.findings = list(self.check.examine())
        except (EdgevoiceError, OSError) as failure:
            self.findings = [_refused(name, failure) for name in self.check.names]
        except BaseException as failure:  # noqa: BLE001 - raised again by who waits for this thread
            self.failures.append(failure)


def run(checks: Sequence[Check]) -> list[Finding]:
    """Run all checks at once, and return their findings in the order of the checks.

    Threads that do not return are abandoned; they end with the process.
    """
    running = [_Running(check) for check in checks]
    threads = [threading.Thread(target=each.run, name=each.check.names[0], daemon=True) for each in running]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    findings: list[Finding] = []
    for each, thread in zip(running, threads, strict=True):
        thread.join(max(0.0, began + each.check.limit_s - time.monotonic()))
        if thread.is_alive():
            findings += [_given_up(name, each.check.limit_s) for name in each.check.names]
        elif each.failures:
            raise each.failures[0]
        else:
            findings += each.findings
    return findings


def _refused(name: str, failure: EdgevoiceError | OSError) -> Finding:
    if isinstance(failure, EdgevoiceError):
        return wrong(name, str(failure), failure.remedy, code=failure.code)
    return wrong(
        name,
        f"cannot be checked: {failure.strerror or type(failure).__name__}",
        "Run the doctor as the user that the box runs as, or with sudo.",
    )


def _given_up(name: str, limit_s: float) -> Finding:
    return wrong(
        name,
        f"no answer within {limit_s:g} s",
        "A driver or device hangs: `dmesg | tail` may name it; restart the machine and run the doctor again.",
    )
