"""What failed in the last day is shown with its remedy; what is older is not."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgevoice.doctor import failures
from edgevoice.doctor.failures import examine_failures, judge_failures
from edgevoice.doctor.findings import FindingStatus
from edgevoice.observers.failures import Failure

NOW = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)


def failed(at: str) -> Failure:
    return Failure(at, "no-answer", "no answer within 15 s", "Ask again.", ("the network was up",))


@pytest.mark.parametrize("at", ["2026-02-28T14:59:00+00:00", "2026-03-01T16:00:00+00:00", "yesterday", "2026-03-01"])
def test_what_is_old_or_has_no_valid_time_is_not_shown(at: str) -> None:
    assert judge_failures([failed(at)], NOW).mark is FindingStatus.FINE


def test_the_last_failure_is_shown_with_its_remedy_and_how_many_there_were() -> None:
    one = judge_failures([failed("2026-03-01T14:02:00+00:00")], NOW)
    two = judge_failures([failed("2026-03-01T13:00:00+00:00"), failed("2026-03-01T14:02:00+00:00")], NOW)

    assert one.mark is FindingStatus.DOUBTFUL
    assert (one.text, one.remedy) == ("14:02: no answer within 15 s; the network was up", "Ask again.")
    assert two.text == f"{one.text} (2 failures in the last 24 hours: `edgevoice why`)"


def test_the_record_is_read_from_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "local_now", lambda: NOW)
    assert examine_failures(tmp_path).mark is FindingStatus.FINE
    (tmp_path / "failures.json").write_text(json.dumps([asdict(failed("2026-03-01T14:02:00+00:00"))]))
    assert examine_failures(tmp_path).mark is FindingStatus.DOUBTFUL
