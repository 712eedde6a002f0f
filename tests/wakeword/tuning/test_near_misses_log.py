"""The near-miss log on disk: what is written, how much, who can read it, and what a bad disk costs."""

import json
import logging
import os
import stat
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.wakeword.tuning import near_misses_log
from edgevoice.wakeword.tuning.near_misses_log import (
    CLIPS_NAME,
    FILE_NAME,
    OLDER_NAME,
    ConversationOutcome,
    Detection,
    Listening,
    NearMiss,
    NearMissLog,
    read_log,
)
from tests.waiting import until

SOUND = np.arange(32_000, dtype="<i2").tobytes()


def miss(number: int = 0, word: str = "hey_jarvis") -> NearMiss:
    at = f"2026-05-01T10:{number // 60:02}:{number % 60:02}.250+00:00"
    return NearMiss(at=at, listened_s=8.0, word=word, peak=0.44, held=0.31, threshold=0.5, floor=0.25)


@contextmanager
def writing(log: NearMissLog) -> Iterator[NearMissLog]:
    """Run the writer; on exit everything has been written."""
    thread = log.begin()
    try:
        yield log
    finally:
        log.end()
        until(lambda: not thread.is_alive())


def clips(folder: Path) -> list[Path]:
    return sorted((folder / CLIPS_NAME).iterdir()) if (folder / CLIPS_NAME).exists() else []


def test_each_entry_is_one_line_of_json_that_names_its_kind(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss())

    (line,) = (tmp_path / FILE_NAME).read_text().splitlines()
    assert json.loads(line) == {
        "kind": "near-miss",
        "at": "2026-05-01T10:00:00.250+00:00",
        "listened_s": 8.0,
        "word": "hey_jarvis",
        "peak": 0.44,
        "held": 0.31,
        "threshold": 0.5,
        "floor": 0.25,
    }


def test_entries_are_read_back_in_the_order_written(tmp_path: Path) -> None:
    entries = [
        miss(),
        Detection(at="a", word="alexa", peak=1.0, held=0.9, threshold=0.5, floor=0.25, is_speaking=True),
        ConversationOutcome(at="b", word="alexa", turns=2, answers=1, is_dismissed=True),
        Listening(at="c", listened_s=3600.0),
    ]

    with writing(NearMissLog(tmp_path)) as log:
        for entry in entries:
            log.put(entry)

    assert read_log(tmp_path) == entries


def test_damaged_and_foreign_lines_are_skipped(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss(1))
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"kind":"near-miss","at":"x","word":"w","peak":7,"held":0,"threshold":0,"floor":0}\n')
        file.write(b'{"kind":"listening","x":' + b"[" * 1900 + b"\n")
        file.write(b'\xff\xfe\n[]\n{"kind":"dream"}\n{"kind":"near-miss","at":"2026\n' + b"x" * 5000 + b"\n")
    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss(2))

    assert read_log(tmp_path) == [miss(1), miss(2)]


@pytest.mark.parametrize("torn", [b'{"kind":"near-miss","at":"2026', bytes(700)], ids=["half a line", "zeros"])
def test_what_a_power_cut_left_half_written_does_not_spoil_the_next_entry(tmp_path: Path, torn: bytes) -> None:
    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss(1))
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(torn)
    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss(2))
        log.put(miss(3))

    assert read_log(tmp_path) == [miss(1), miss(2), miss(3)]


def test_the_older_file_alone_is_a_log(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss())
    (tmp_path / FILE_NAME).rename(tmp_path / OLDER_NAME)

    assert read_log(tmp_path) == [miss()]


def test_a_missing_log_is_distinguished_from_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_log(tmp_path)
    (tmp_path / FILE_NAME).touch()

    assert read_log(tmp_path) == []


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with writing(NearMissLog(folder, most_clips=1)) as log:
        log.put(miss(), SOUND)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / CLIPS_NAME, folder / FILE_NAME)]
    assert modes == [0o700, 0o700, 0o600]
    assert [stat.S_IMODE(clip.stat().st_mode) for clip in clips(folder)] == [0o600]


def test_the_log_keeps_the_newest_entries_in_two_files_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_misses_log, "LARGEST_BYTES", 2000)

    for first in range(0, 200, 50):
        with writing(NearMissLog(tmp_path)) as log:
            for number in range(first, first + 50):
                log.put(miss(number))

    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {FILE_NAME, OLDER_NAME}
    assert max(sizes.values()) < 2200
    kept = read_log(tmp_path)
    assert kept == [miss(number) for number in range(200 - len(kept), 200)]
    assert len(kept) > 10


def test_by_default_no_audio_is_kept(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path)) as log:
        assert not log.wants_sound
        log.put(miss(), SOUND)

    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    (entry,) = read_log(tmp_path)
    assert entry == miss()


def test_a_clip_is_saved_as_a_recording_and_its_log_line_names_the_file(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path, most_clips=3)) as log:
        log.put(miss(word="../my word"), SOUND)

    (entry,), (clip,) = read_log(tmp_path), clips(tmp_path)
    assert isinstance(entry, NearMiss)
    assert entry.clip == clip.name == "20260501T100000.250-___my_word.wav"
    with wave.open(str(clip)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(file.getnframes()) == SOUND


def test_beyond_the_limit_the_oldest_clips_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path, most_clips=3)) as log:
        for number in range(5):
            log.put(miss(number), SOUND)
    (tmp_path / CLIPS_NAME / "holiday.wav").touch()
    names = [clip.name for clip in clips(tmp_path)]

    assert [name[9:15] for name in names[:-1]] == ["100002", "100003", "100004"]
    with writing(NearMissLog(tmp_path, most_clips=1)):
        pass
    assert [clip.name for clip in clips(tmp_path)] == names[2:]
    with writing(NearMissLog(tmp_path)):
        pass
    assert [clip.name for clip in clips(tmp_path)] == ["holiday.wav"]


def test_detections_store_no_audio(tmp_path: Path) -> None:
    with writing(NearMissLog(tmp_path, most_clips=3)) as log:
        log.put(Detection(at="a", word="alexa", peak=1.0, held=0.9, threshold=0.5, floor=0.25), SOUND)

    assert clips(tmp_path) == []


def test_an_unwritable_folder_costs_one_line_in_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()

    with caplog.at_level(logging.INFO, "edgevoice"), writing(NearMissLog(tmp_path / "file", most_clips=2)) as log:
        for number in range(3):
            log.put(miss(number), SOUND)

    (record,) = caplog.records
    assert record.msg == "near-misses"
    assert f"{tmp_path / 'file'} cannot be written" in vars(record)["fields"]["problem"]


def test_a_temporarily_full_disk_loses_only_the_entries_of_that_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = {"bytes": 1_000_000}
    write = os.write

    def limited(descriptor: int, data: Any) -> int:
        return write(descriptor, bytes(data)[: room["bytes"]])

    monkeypatch.setattr(os, "write", limited)
    with caplog.at_level(logging.WARNING, "edgevoice"):
        log = NearMissLog(tmp_path, most_clips=5)
        for number, left in enumerate([1_000_000, 20, 0, 1_000_000, 1_000_000]):
            room["bytes"] = left
            # Each must be written before the disk changes.
            with writing(log):
                log.put(miss(number), SOUND)

    assert [entry.at[17:19] for entry in read_log(tmp_path)] == ["00", "03", "04"]
    assert [clip.name[13:15] for clip in clips(tmp_path)] == ["00", "03", "04"]
    assert len(caplog.records) == 1


def test_a_clip_that_does_not_fit_leaves_no_partial_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:1000]))

    with writing(NearMissLog(tmp_path, most_clips=2)) as log:
        log.put(miss(), SOUND)

    assert clips(tmp_path) == []
    assert len(read_log(tmp_path)) == 1


def test_a_symbolic_link_at_the_logs_path_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious\n")
    (tmp_path / FILE_NAME).symlink_to(tmp_path / "mine")

    with writing(NearMissLog(tmp_path)) as log:
        log.put(miss())

    assert (tmp_path / "mine").read_text() == "precious\n"


def test_adding_an_entry_never_blocks_and_the_log_counts_entries_dropped_on_a_full_queue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = NearMissLog(tmp_path)
    for number in range(100):
        log.put(miss(number))

    assert log.dropped == 36
    with writing(log):
        until(log._waiting.empty)
    log.put(miss(0))
    with writing(log):
        until(log._waiting.empty)
    assert len(read_log(tmp_path)) == 65
    fields = [vars(record)["fields"] for record in caplog.records if record.msg == "near-misses-dropped"]
    assert [each["count"] for each in fields] == [36], "once, for all of them"
