import json

import pytest
from msgspec import Raw

from edgevoice.core.protocol import wire
from edgevoice.errors import ServiceNonsense
from edgevoice.realtime.frames import FrameReader, within_limits

NO_AUDIO = json.dumps({"type": "response.output_audio.delta", "delta": "no audio!"})
AUDIO = json.dumps({"type": "response.output_audio.delta", "delta": "AAAA"})
NO_BACKCHANNEL = json.dumps({"type": "response.backchannel.audio.delta", "delta": 5})
JUNK: list[str | bytes] = ["pong", b"\0\xff", "[]", NO_AUDIO]
WORDS = json.dumps({"type": "response.output_audio_transcript.delta", "delta": "Yes."})


def skipped(reader: FrameReader, *frames: str | bytes) -> int:
    """Return how many of the frames were skipped."""
    count = 0
    for frame in frames:
        try:
            reader.read(frame)
        except wire.WireError:
            count += 1
    return count


def test_a_frame_is_read_as_its_event_in_text_and_in_bytes() -> None:
    reader = FrameReader()

    assert reader.read(WORDS) == reader.read(WORDS.encode()) == wire.TranscriptDelta(delta="Yes.")


def test_the_twentieth_unreadable_frame_in_a_row_ends_the_session() -> None:
    reader = FrameReader()
    assert skipped(reader, *JUNK * 4, "1", "2", "3", WORDS) == 19
    assert skipped(reader, *["pong"] * 19) == 19

    with pytest.raises(
        ServiceNonsense, match=r"^the service sent 20 frames in a row that are not the Realtime protocol$"
    ):
        reader.read("pong")


def test_permanently_unreadable_audio_ends_the_session_even_if_all_else_is_readable() -> None:
    reader = FrameReader()
    assert skipped(reader, *[NO_AUDIO, WORDS, NO_BACKCHANNEL] * 19, AUDIO) == 38
    assert skipped(reader, *[NO_AUDIO, WORDS, WORDS, "{}"] * 19) == 38

    with pytest.raises(
        ServiceNonsense,
        match=r"^the service sent 20 times a response\.output_audio\.delta event with audio that is not base64$",
    ) as ended:
        reader.read(NO_AUDIO)
    assert "network" not in ended.value.line()
    assert ended.value.remedy.startswith("The service speaks another protocol than this box: check service.url")


def test_an_oversized_frame_ends_the_session_at_once() -> None:
    with pytest.raises(ServiceNonsense, match="bytes without audio") as ended:
        FrameReader().read("x" * (2**20 + 1))
    assert "network" not in ended.value.line()
    assert not ended.value.is_retriable
    assert ended.value.remedy.startswith("No answer needs that much: check service.url")

    with pytest.raises(ServiceNonsense, match=r"^the service sent a list of 65 values$"), within_limits():
        wire.Response(output=Raw(b"[" + b"{}," * 64 + b"{}]")).items()
