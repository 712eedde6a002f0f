import sys
import threading

import pytest

from edgevoice.doctor.examination import Check, run
from edgevoice.doctor.findings import Finding, FindingStatus, fine
from edgevoice.doctor.probes import ask
from edgevoice.errors import DeviceBusy
from tests.waiting import LIMIT_S


def test_findings_come_in_the_order_of_the_checks() -> None:
    is_second_done = threading.Event()

    def slow() -> list[Finding]:
        assert is_second_done.wait(LIMIT_S)
        return [fine("first", "here")]

    def quick() -> list[Finding]:
        is_second_done.set()
        return [fine("second", "here")]

    findings = run([Check(("first",), slow), Check(("second",), quick)])

    assert [finding.name for finding in findings] == ["first", "second"]


def test_a_probe_that_hangs_loses_only_its_own_lines() -> None:
    forever = threading.Event()

    def hang() -> list[Finding]:
        forever.wait()
        return []

    try:
        findings = run([Check(("a", "b"), hang, 0.05), Check(("c",), lambda: [fine("c", "here")])])
    finally:
        forever.set()

    assert [(finding.name, finding.mark) for finding in findings] == [
        ("a", FindingStatus.WRONG),
        ("b", FindingStatus.WRONG),
        ("c", FindingStatus.FINE),
    ]
    assert "no answer within 0.05 s" in findings[0].text


def test_an_error_that_a_person_can_fix_is_a_line_with_its_remedy() -> None:
    def refuse() -> list[Finding]:
        raise DeviceBusy("the card is busy")

    def forbid() -> list[Finding]:
        raise PermissionError(13, "Permission denied")

    busy, forbidden = run([Check(("a",), refuse), Check(("b",), forbid)])

    assert (busy.text, busy.code, busy.remedy) == ("the card is busy", "audio-device-busy", DeviceBusy.remedy)
    assert "Permission denied" in forbidden.text


def test_a_bug_of_ours_is_not_hidden() -> None:
    def fail() -> list[Finding]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run([Check(("a",), fail)])


def test_a_missing_or_failing_program_gives_no_answer() -> None:
    assert ask([sys.executable, "-c", "print('yes')"]) == "yes\n"
    assert ask([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert ask(["/no/such/program"]) is None
