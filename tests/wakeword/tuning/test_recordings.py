"""Recordings: any rate, channel count and format gives the same audio, and no file does harm."""

import os
import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile  # type: ignore[import-untyped]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.tuning import recordings
from edgevoice.wakeword.tuning.recordings import RecordingRefused, frames_of, others_in, sound_of, sounds_in
from tests.wakeword.sounds import DATA, POSITIVES, recording

SPEECH = recording(POSITIVES[0])


def heard(path: Path) -> npt.NDArray[np.int16]:
    return np.concatenate([np.zeros(0, np.int16), *frames_of(path)])


def likeness(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    size = min(len(one), len(other))
    return float(np.corrcoef(one[:size].astype(float), other[:size].astype(float))[0, 1])


def wav(path: Path, *chunks: tuple[bytes, bytes]) -> Path:
    body = b"".join(
        name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for name, content in chunks
    )
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body)
    return path


def layout(kind: int, channels: int, rate_hz: int, bits: int, more: bytes = b"") -> tuple[bytes, bytes]:
    size = channels * bits // 8
    return b"fmt ", struct.pack("<HHIIHH", kind, channels, rate_hz, rate_hz * size, size, bits) + more


def test_audio_in_the_right_format_is_only_padded_to_a_whole_frame() -> None:
    sound = heard(DATA / POSITIVES[0])

    assert (sound[: len(SPEECH)] == SPEECH).all()
    assert not sound[len(SPEECH) :].any()
    assert len(sound) % FRAME == 0
    assert len(sound) - len(SPEECH) < FRAME


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("rate_hz", [8000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_sample_rate_and_channel_count_give_the_same_audio(
    tmp_path: Path, suffix: str, rate_hz: int, channels: int
) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate_hz * 2) / rate_hz) * 0.5
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([tone] * channels, 1), rate_hz)

    sound = heard(path)

    expected = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ * 2) / RATE_HZ)
    assert likeness(sound, expected) > 0.999
    assert abs(len(sound) - 2 * RATE_HZ) < 2 * FRAME
    # Vorbis does not keep the amplitude to the step.
    assert np.abs(sound).max() == pytest.approx(0.5 * 32768, rel=0.08 if suffix == "ogg" else 0.03)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_every_kind_of_uncompressed_wav_can_be_read(tmp_path: Path, subtype: str, container: str) -> None:
    path = tmp_path / "speech.wav"
    soundfile.write(path, SPEECH / 32768, RATE_HZ, subtype=subtype, format=container)

    sound = heard(path)

    off = np.abs(sound[: len(SPEECH)].astype(int) - SPEECH).max()
    assert off <= (256 if subtype == "PCM_U8" else 0)


def test_channels_are_averaged_rather_than_selected(tmp_path: Path) -> None:
    path = tmp_path / "sides.wav"
    soundfile.write(path, np.array([[0.5, -0.5], [0.5, 0.0]] * FRAME), RATE_HZ)

    assert heard(path)[:2].tolist() == [0, 8192]


def test_chunks_between_the_format_and_the_data_are_skipped(tmp_path: Path) -> None:
    pcm = SPEECH.tobytes()
    path = wav(tmp_path / "a.wav", (b"JUNK", b"abc"), layout(1, 1, RATE_HZ, 16), (b"LIST", bytes(77)), (b"data", pcm))

    assert (heard(path)[: len(SPEECH)] == SPEECH).all()


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 10_000_000])
def test_an_interrupted_recording_is_read_as_far_as_it_goes(tmp_path: Path, size: int) -> None:
    path = wav(tmp_path / "a.wav", layout(1, 1, RATE_HZ, 16), (b"data", SPEECH.tobytes() + b"\0"))
    whole = path.read_bytes()
    place = whole.index(b"data") + 4
    path.write_bytes(whole[:place] + struct.pack("<I", size) + whole[place + 4 :])

    assert (heard(path)[: len(SPEECH)] == SPEECH).all()


@pytest.mark.parametrize(("dtype", "damage"), [("<f4", 3e38), ("<f4", -3e38), ("<f8", 1e300)])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [RATE_HZ, 44_100])
def test_a_damaged_float_harms_only_the_sound_around_it(
    tmp_path: Path, dtype: str, damage: float, channels: int, rate_hz: int
) -> None:
    frames = np.full((rate_hz, channels), 0.25, dtype)
    frames[rate_hz // 2] = damage
    size = np.dtype(dtype).itemsize
    path = wav(tmp_path / "odd.wav", layout(3, channels, rate_hz, 8 * size), (b"data", frames.tobytes()))

    sound = heard(path)

    assert np.abs(sound[FRAME : 4 * FRAME].astype(int) - 8192).max() <= 1
    assert np.abs(sound[9 * FRAME : 12 * FRAME].astype(int) - 8192).max() <= 1


def test_a_flac_file_whose_name_is_not_utf_8_can_be_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.flac"))
    soundfile.write(os.fsencode(path), SPEECH, RATE_HZ, format="FLAC")

    assert (sound_of(path) == SPEECH).all()


def test_nan_samples_become_silence_and_samples_beyond_full_scale_are_clipped(tmp_path: Path) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0, 0.25], "<f4")
    path = wav(tmp_path / "a.wav", layout(3, 1, RATE_HZ, 32), (b"data", odd.tobytes()))

    assert heard(path)[:6].tolist() == [0, 32767, -32768, 32767, -32768, 8192]


def test_a_recording_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "_PIECE_FRAMES", 1000)
    path = tmp_path / "long.wav"
    long = np.tile(SPEECH, 3)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(long.tobytes())

    assert (heard(path)[: len(long)] == long).all()


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", layout(1, 2, 44_100, 16), (b"data", b""))

    for read in (heard, sound_of):
        with pytest.raises(RecordingRefused, match=r"a\.wav is empty: it has a header, but no sound$"):
            read(path)


def test_a_recording_that_is_too_long_for_the_memory_is_refused_before_it_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "_PIECE_FRAMES", 1000)
    path = tmp_path / "long.wav"
    soundfile.write(path, SPEECH[: RATE_HZ // 2], RATE_HZ)

    assert len(sound_of(path, longest_s=0.5)) == RATE_HZ // 2
    with pytest.raises(RecordingRefused, match=r"long\.wav lasts longer than 0\.4 s$"):
        sound_of(path, longest_s=0.4)


def test_a_line_break_or_an_escape_sequence_in_a_name_does_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[31m.wav"
    path.write_bytes(b"")

    with pytest.raises(RecordingRefused, match=r"/a b\.wav is neither a WAV"):
        sound_of(path)


def test_sound_files_that_cannot_be_read_are_counted_by_their_kind(tmp_path: Path) -> None:
    for name in ("a.mp3", "b/c.MP3", "d.m4a", "e.wav", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert others_in(tmp_path) == "1 .m4a, 2 .mp3 files, which cannot be read"
    assert others_in(tmp_path / "b") == "1 .mp3 file, which cannot be read"
    assert not others_in(tmp_path / "nowhere")
    assert sounds_in(tmp_path) == [tmp_path / "e.wav"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "neither a WAV nor a FLAC nor an Ogg"),
        (b"ID3 and so on, an MP3", "neither a WAV nor a FLAC nor an Ogg"),
        (b"RIFF\0\0\0\0WAVE", "it contains no sound"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "its sound comes before its format"),
        (b"RIFF\0\0\0\0WAVEfmt \4\0\0\0abcd", "its format is cut off"),
        (b"fLaC" + b"nonsense" * 50, "damaged"),
    ],
)
def test_a_file_that_is_not_a_recording_is_refused_and_the_error_names_it(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "x.wav").write_bytes(content)

    with pytest.raises(RecordingRefused, match=f"x.wav .*{problem}") as refused:
        heard(tmp_path / "x.wav")
    assert "\n" not in refused.value.line()


@pytest.mark.parametrize(
    ("kind", "channels", "rate_hz", "bits"),
    [
        (1, 0, 16_000, 16),
        (1, 1, 0, 16),
        (1, 1, 10**7, 16),
        (1, 500, 16_000, 16),
        (1, 1, 16_000, 12),
        (85, 1, 44_100, 0),
    ],
)
def test_damaged_and_compressed_formats_are_refused(
    tmp_path: Path, kind: int, channels: int, rate_hz: int, bits: int
) -> None:
    path = wav(tmp_path / "x.wav", layout(kind, channels, rate_hz, bits), (b"data", bytes(1000)))

    with pytest.raises(RecordingRefused, match=r"x\.wav is (damaged|compressed)"):
        heard(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(RecordingRefused, match="cannot be read"):
            heard(path)


def test_without_the_flac_package_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.flac", SPEECH, RATE_HZ)
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)

    with pytest.raises(RecordingRefused) as refused:
        heard(tmp_path / "a.flac")
    assert "pip install" in refused.value.line()
    assert "'soundfile>=" in refused.value.line()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(where=st.integers(0, 60), byte=st.integers(0, 255), cut=st.integers(0, 400), flac=st.booleans())
def test_a_damaged_file_is_either_read_or_refused_and_never_crashes(
    tmp_path: Path, where: int, byte: int, cut: int, *, flac: bool
) -> None:
    path = tmp_path / ("a.flac" if flac else "a.wav")
    soundfile.write(path, SPEECH[:2000], RATE_HZ)
    content = bytearray(path.read_bytes())
    content[where] = byte
    path.write_bytes(content[: len(content) - cut])

    try:
        sound = heard(path)
    except RecordingRefused:
        return
    assert len(sound) % FRAME == 0


def in_four_bytes(sound: npt.NDArray[Any], *, shift: int) -> bytes:
    """Return 16-bit samples as 24 bits in four bytes, ``shift`` bits from the lower end, with something below them."""
    return (((sound.astype("<i4") << 8) + 17) << shift).astype("<i4").tobytes()


@pytest.mark.parametrize("shift", [8, 0], ids=["upper bytes, as defined", "lower bytes, as arecord writes S24_LE"])
@pytest.mark.parametrize("channels", [1, 2])
def test_24_bit_samples_in_four_bytes_are_read_bit_for_bit(tmp_path: Path, shift: int, channels: int) -> None:
    several = np.repeat(SPEECH, channels)
    form = struct.pack("<HHIIHH", 1, channels, RATE_HZ, 4 * channels * RATE_HZ, 4 * channels, 24)

    sound = heard(wav(tmp_path / "a.wav", (b"fmt ", form), (b"data", in_four_bytes(several, shift=shift))))

    assert (sound[: len(SPEECH)] == SPEECH).all()


def test_24_bit_samples_that_use_all_four_bytes_are_refused_instead_of_read_as_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-(2**31), 2**31, 4000, np.int64).astype("<i4").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 4 * RATE_HZ, 4, 24)

    with pytest.raises(RecordingRefused, match="fill all of their four bytes"):
        heard(wav(tmp_path / "a.wav", (b"fmt ", form), (b"data", noise)))


@pytest.mark.parametrize(("bits", "frame_bytes"), [(16, 4), (16, 3), (8, 2), (32, 8), (16, 1), (24, 5), (24, 2)])
def test_samples_whose_width_does_not_fit_their_bits_are_refused(tmp_path: Path, bits: int, frame_bytes: int) -> None:
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 0, frame_bytes, bits)

    with pytest.raises(RecordingRefused, match=f"samples of {bits} bits in {frame_bytes} bytes"):
        heard(wav(tmp_path / "a.wav", (b"fmt ", form), (b"data", bytes(9600))))


def test_a_format_without_a_block_size_is_read_by_its_bits(tmp_path: Path) -> None:
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 0, 0, 16)

    assert (heard(wav(tmp_path / "a.wav", (b"fmt ", form), (b"data", SPEECH.tobytes())))[: len(SPEECH)] == SPEECH).all()


def unsized(path: Path, size: int, sound: bytes, *behind: bytes) -> Path:
    """Write a recording whose data size is 0 or the maximum, with further chunks after it."""
    name, content = layout(1, 1, RATE_HZ, 16)
    head = b"WAVE" + name + struct.pack("<I", len(content)) + content + b"data" + struct.pack("<I", size)
    path.write_bytes(b"RIFF" + struct.pack("<I", 0) + head + sound + b"".join(behind))
    return path


_LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf59.27.100\0"


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_tags_after_audio_of_unknown_size_are_not_read_as_audio(tmp_path: Path, size: int) -> None:
    sound = heard(unsized(tmp_path / "a.wav", size, SPEECH.tobytes(), _LIST))

    assert (sound[: len(SPEECH)] == SPEECH).all()
    assert not sound[len(SPEECH) :].any()


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("behind", [(), (_LIST,), (b"fact" + struct.pack("<II", 4, 0), _LIST)])
def test_tags_alone_are_not_audio(tmp_path: Path, size: int, behind: tuple[bytes, ...]) -> None:
    with pytest.raises(RecordingRefused, match="is empty"):
        heard(unsized(tmp_path / "a.wav", size, b"", *behind))


def test_audio_that_contains_the_bytes_of_a_tag_is_read_to_its_end(tmp_path: Path) -> None:
    letters = b"LIST\x10\0\0\0" + SPEECH.tobytes()

    assert (heard(unsized(tmp_path / "a.wav", 0, letters))[4 : 4 + len(SPEECH)] == SPEECH).all()


def test_a_pipe_and_a_device_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.wav", tmp_path / "device.wav"
    os.mkfifo(pipe)
    device.symlink_to(os.devnull)
    # It can be read, so that whoever reads it is refused for another reason instead of waiting.
    writing = os.open(pipe, os.O_RDWR)
    os.write(writing, bytes(100))

    for path in (pipe, device):
        with pytest.raises(RecordingRefused, match=r"\.wav is a pipe or a device$"):
            sound_of(path)
    os.close(writing)
