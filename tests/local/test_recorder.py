"""The recording of a conversation: who may read it, what it replaces, and what a disk that refuses it costs."""

import errno
import io
import json
import os
import stat
import wave
from pathlib import Path
from typing import Any

import pytest

from edgevoice.local.recorder import WireRecorder


def events(path: Path) -> list[Any]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


def test_only_the_owner_can_read_what_people_said(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    with WireRecorder(folder) as recorder:
        recorder.event("client", {"type": "x"})
        recorder.uplink(bytes(200), 16_000)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"records": 0o700, "wire-1.jsonl": 0o600, "uplink-1.wav": 0o600}


def test_what_was_recorded_is_never_replaced(tmp_path: Path) -> None:
    for number in range(3):
        with WireRecorder(tmp_path) as recorder:
            recorder.event("client", {"type": str(number)})
            recorder.uplink(bytes(2 * number), 16_000)

    assert [events(tmp_path / f"wire-{number}.jsonl")[0]["type"] for number in (1, 2, 3)] == ["0", "1", "2"]
    for number in range(3):
        with wave.open(str(tmp_path / f"uplink-{number + 1}.wav")) as uplink:
            assert uplink.getnframes() == number


@pytest.mark.parametrize("name", ["response.output_audio.delta", "response.audio.delta"])
def test_audio_in_an_event_is_replaced_by_its_length_wherever_it_is(tmp_path: Path, name: str) -> None:
    content = [{"type": "input_audio", "audio": "A" * 400, "transcript": None}]
    session = {"audio": {"input": {"format": "pcm16"}}}
    with WireRecorder(tmp_path) as recorder:
        recorder.event("client", {"type": "conversation.item.create", "item": {"content": content}})
        recorder.event("client", {"type": "session.update", "session": session})
        recorder.event("server", {"type": name, "delta": "A" * 40})
        recorder.event("server", {"type": "response.text.delta", "delta": "words"})

    item, update, delta, text = events(tmp_path / "wire-1.jsonl")
    assert item["item"]["content"][0] == {"type": "input_audio", "audio": 400, "transcript": None}
    assert update["session"] == session
    assert (delta["delta"], text["delta"]) == (40, "words")


def test_a_folder_that_cannot_be_used_costs_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()

    with WireRecorder(tmp_path / "file") as recorder:
        recorder.event("client", {"type": "x"})
        recorder.uplink(bytes(20), 16_000)

    (line,) = caplog.messages
    assert line == f"the recording in {tmp_path / 'file'} ends here: File exists"


class Full(io.BytesIO):
    """A file on a disk that is full."""

    def write(self, _data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_ends_the_recording_and_not_the_conversation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with WireRecorder(tmp_path) as recorder:
        recorder._wire = Full()
        for _ in range(3):
            recorder.event("client", {"type": "x"})
            recorder.uplink(bytes(20), 16_000)

    assert caplog.messages == [f"the recording in {tmp_path} ends here: No space left on device"]
    assert [path.name for path in tmp_path.iterdir()] == ["wire-1.jsonl"]
