from pathlib import Path

import pytest

from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.service_manager import hides_homes, is_running, judge_manager, probe_manager
from tests.doctor.machines import machine

RUNS = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "Result": "success",
    "NRestarts": "0",
    "UnitFileState": "enabled",
    "StatusText": "idle",
}


@pytest.mark.parametrize(
    ("changes", "mark", "words"),
    [
        ({}, FindingStatus.FINE, "runs, idle"),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, FindingStatus.SKIPPED, "not installed"),
        ({"ActiveState": "failed", "Result": "start-limit-hit"}, FindingStatus.WRONG, "too many failed starts"),
        ({"ActiveState": "failed", "Result": "exit-code"}, FindingStatus.WRONG, "failed (exit-code)"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "7"}, FindingStatus.WRONG, "7 times"),
        ({"ActiveState": "inactive", "SubState": "dead"}, FindingStatus.DOUBTFUL, "not running"),
        ({"NRestarts": "12"}, FindingStatus.DOUBTFUL, "12 times"),
        ({"UnitFileState": "disabled"}, FindingStatus.DOUBTFUL, "will not start at boot"),
        ({"StatusText": "fault: key-refused"}, FindingStatus.DOUBTFUL, "key-refused"),
        ({"StatusText": "idle; restart needed for speaker"}, FindingStatus.DOUBTFUL, "restart needed for speaker"),
    ],
)
def test_a_unit_is_judged_by_its_systemd_state(changes: dict[str, str], mark: FindingStatus, words: str) -> None:
    finding = judge_manager({**RUNS, **changes})

    assert finding.mark is mark
    assert words in finding.text


@pytest.mark.parametrize(
    ("changes", "hides"),
    [
        ({"ProtectHome": "yes"}, True),
        ({"ProtectHome": "no"}, False),
        ({}, False),
        ({"LoadState": "not-found", "ProtectHome": "yes"}, False),
    ],
)
def test_home_folders_are_closed_only_to_an_installed_unit_that_says_so(
    changes: dict[str, str], *, hides: bool
) -> None:
    assert hides_homes({**RUNS, **changes}) is hides
    assert not hides_homes(None)


def test_a_machine_without_systemd_is_not_broken(tmp_path: Path) -> None:
    assert probe_manager(machine(tmp_path)) is None
    assert judge_manager(None).mark is FindingStatus.SKIPPED
    assert not is_running(None)


def test_systemds_answer_is_read_as_it_prints_it(tmp_path: Path) -> None:
    answer = "\n".join(f"{key}={value}" for key, value in RUNS.items())
    properties = probe_manager(machine(tmp_path, answers={"systemctl show edgevoice.service": answer}))

    assert properties == RUNS
    assert is_running(properties)
    assert not is_running(RUNS | {"ActiveState": "activating", "SubState": "auto-restart"})
