"""The self-test's result is stored for the daemon alone; an invalid record counts as none."""

import stat
from pathlib import Path

import msgspec
import pytest

from edgevoice.echo.record import FILE_NAME, EchoRecord, read_record, write_record

RECORD = EchoRecord(
    tier="suppressor",
    microphone="ReSpeaker",
    speaker="bcm2835 Headphones",
    delay_ms=61.5,
    return_loss_db=8.5,
    cancelled_db=31.0,
    drift_ppm=-12.5,
    measured_at="2026-01-02T03:04:05+00:00",
)


def test_a_written_record_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"

    assert write_record(folder, RECORD) == folder / FILE_NAME
    assert read_record(folder) == RECORD


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = write_record(tmp_path, RECORD)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_record_replaces_the_old_one_and_leaves_no_other_file(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    write_record(tmp_path, msgspec.structs.replace(RECORD, tier="none"))

    record = read_record(tmp_path)
    assert record is not None
    assert record.tier == "none"
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_a_record_that_cannot_be_written_leaves_the_old_one_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    write_record(tmp_path, RECORD)
    with monkeypatch.context() as patch:
        patch.setattr("edgevoice.echo.record.msgspec.json.format", full)
        with pytest.raises(OSError, match="No space left"):
            write_record(tmp_path, msgspec.structs.replace(RECORD, tier="none"))

    assert read_record(tmp_path) == RECORD
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"tier":"magic","microphone":"a","speaker":"b","delay_ms":1}',
        b'{"tier":"none","microphone":"a","speaker":"b","delay_ms":1e9}',
        b'{"tier":"none","microphone":"a","speaker":"b","delay_ms":"1"}',
        b'{"tier":"none","microphone":"a","speaker":"b","delay_ms":1}' + b" " * 20_000 + b"x",
    ],
)
def test_an_invalid_record_counts_as_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(text)

    assert read_record(tmp_path) is None or len(text) > 10_000


def test_a_box_that_was_never_measured_has_none(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    assert read_record(tmp_path / "nowhere") is None
