import struct
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.testbed.virtual import Tape, TapeUnreadable, write_conversation
from edgevoice.testbed.virtual.tape import read_tapes

HEADER = struct.Struct("<8sIIQQQQQq")
START_NS = 100_000_000_000  # 100 s on the monotonic clock


def make_tape(
    path: Path,
    samples: npt.NDArray[np.int16],
    *,
    rate_hz: int = 1000,
    start_ns: int = START_NS,
    hole: int = 0,
    lost: int = 0,
    drift_ppb: int = 0,
) -> Tape:
    """Write what the card would write: ``hole`` frames of silence at the end are only counted."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    header = HEADER.pack(b"EDGEVOX1", rate_hz, channels, start_ns, len(samples) + hole, 3, 1, lost, drift_ppb)
    path.write_bytes(header + samples.astype("<i2").tobytes())
    return Tape(path)


def sound_at(*spans: tuple[int, int], length: int = 1000) -> npt.NDArray[np.int16]:
    samples = np.zeros(length, dtype=np.int16)
    for first, end in spans:
        samples[first:end] = 500
    return samples


def test_a_tape_reads_back_what_the_card_wrote(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", np.arange(10, dtype=np.int16))

    assert (tape.header.rate_hz, tape.header.channels, tape.header.frames) == (1000, 1, 10)
    assert (tape.header.xruns, tape.header.is_running) == (3, True)
    assert tape.samples().tolist() == list(range(10))
    assert tape.samples(3, 5).tolist() == [3, 4]
    assert tape.samples(-5, 99).tolist() == list(range(10))
    assert tape.samples(20).tolist() == []


def test_a_gap_at_the_end_is_silence(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", np.ones(4, dtype=np.int16), hole=3)

    assert tape.samples().tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert tape.samples(5).tolist() == [0, 0]


def test_two_channels_are_two_columns(tmp_path: Path) -> None:
    stereo = np.array([[1, -1], [2, -2], [3, -3]], dtype=np.int16)

    assert make_tape(tmp_path / "tape", stereo).samples(1).tolist() == [[2, -2], [3, -3]]


def test_frames_and_times_convert_both_ways(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", sound_at())

    assert tape.time_of(250) == pytest.approx(100.25)
    assert tape.frame_at(100.25) == 250
    assert tape.frame_at(99.0) == -1000


def test_a_tape_of_a_drifting_card_gives_true_times(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", sound_at((900, 901)), drift_ppb=-500_000)

    assert (tape.header.rate_hz, tape.header.drift_ppm) == (1000, -500)
    assert tape.header.true_rate_hz == pytest.approx(999.5)
    assert tape.time_of(1999) == pytest.approx(102)
    assert tape.frame_at(102) == 1999
    assert tape.first_sound_after(100) == pytest.approx(100 + 900 / 999.5)


def test_sounds_end_at_a_gap_and_not_at_a_shorter_silence(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", sound_at((100, 200), (250, 300), (600, 700)))

    first, second = tape.sounds(gap_s=0.1)

    assert (first.first, first.end) == (100, 300)
    assert (second.first, second.end) == (600, 700)
    assert (second.starts_s, second.ends_s) == pytest.approx((100.6, 100.7))
    assert len(tape.sounds(gap_s=0.02)) == 3
    assert tape.sounds(threshold=500) == []


def test_a_sound_in_progress_at_a_cut_is_measured_to_its_end(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", sound_at((100, 200), (600, 700)))

    assert tape.last_sound_after(100.15) == pytest.approx(100.199)
    assert tape.last_sound_after(100.3) is None, "silence had begun"
    assert tape.last_sound_after(100.55) == pytest.approx(100.699), "it began before the gap was over"
    assert tape.last_sound_after(100.8) is None


def test_the_first_sound_after_a_given_time_is_found(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", sound_at((100, 200), (600, 700)))

    assert tape.first_sound_after(100.5) == pytest.approx(100.6)
    assert tape.first_sound_after(100.9) is None
    assert tape.first_sound_after(50.0) == pytest.approx(100.1)


def test_the_most_negative_sample_counts_as_sound(tmp_path: Path) -> None:
    """Its magnitude does not fit s16."""
    tape = make_tape(tmp_path / "tape", np.array([0, -32768, 0], dtype=np.int16))

    assert [span.first for span in tape.sounds(threshold=32767)] == [1]


@pytest.mark.parametrize(
    "content",
    [b"", b"EDGEVOX1", b"RIFF" + bytes(100), HEADER.pack(b"EDGEVOX1", 0, 1, 0, 5, 0, 0, 0, 0)],
    ids=["empty", "short", "foreign", "no rate"],
)
def test_a_file_that_is_not_a_tape_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "thing").write_bytes(content)

    with pytest.raises(TapeUnreadable, match="thing"):
        Tape(tmp_path / "thing").samples()


def test_a_missing_tape_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TapeUnreadable, match="nothing: No such file"):
        _ = Tape(tmp_path / "nothing").header


def test_a_tape_with_lost_frames_gives_no_samples(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tape", sound_at(), lost=7)

    assert tape.header.lost_frames == 7
    with pytest.raises(TapeUnreadable, match="7 frames are missing"):
        tape.samples()


def test_the_tapes_of_later_streams_follow_in_order(tmp_path: Path) -> None:
    for name in ("tape", *(f"tape.{number}" for number in range(1, 11))):
        make_tape(tmp_path / name, sound_at())
    (tmp_path / "tape.11").touch()  # created, its header not yet written

    assert [tape.path.name for tape in read_tapes(tmp_path / "tape")][8:] == ["tape.8", "tape.9", "tape.10"]
    assert read_tapes(tmp_path / "other") == []


def test_a_wav_file_contains_the_samples(tmp_path: Path) -> None:
    make_tape(tmp_path / "tape", np.arange(100, dtype=np.int16)).write_wav(tmp_path / "some.wav", 10, 20)

    with wave.open(str(tmp_path / "some.wav")) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (1000, 1, 2)
        assert np.frombuffer(reader.readframes(99), dtype=np.int16).tolist() == list(range(10, 20))


def test_a_conversation_has_every_sound_in_its_channel_at_its_time(tmp_path: Path) -> None:
    """Near-end at 16 kHz in two tapes, 0.5 s apart; far-end at 24 kHz begins 0.25 s after the first."""
    near = [
        make_tape(tmp_path / "n", sound_at((8000, 9600), length=16_000), rate_hz=16_000),
        make_tape(
            tmp_path / "n.1", sound_at((1600, 3200), length=8000), rate_hz=16_000, start_ns=START_NS + 1_500_000_000
        ),
    ]
    far = [
        make_tape(tmp_path / "f", sound_at((0, 2400), length=24_000), rate_hz=24_000, start_ns=START_NS + 250_000_000)
    ]

    start_s = write_conversation(tmp_path / "both.wav", near, far)

    with wave.open(str(tmp_path / "both.wav")) as reader:
        assert (reader.getframerate(), reader.getnchannels()) == (24_000, 2)
        stereo = np.frombuffer(reader.readframes(10**6), dtype=np.int16).reshape(-1, 2)
    assert start_s == 100.0
    assert len(stereo) == 2 * 24_000
    left, right = (np.flatnonzero(np.abs(stereo[:, side].astype(int)) > 250) / 24_000 for side in (0, 1))
    assert (right[0], right[-1]) == pytest.approx((0.25, 0.35), abs=0.0005)
    assert (left[0], left[-1]) == pytest.approx((0.5, 1.7), abs=0.0005)
    assert left[left < 1][-1] == pytest.approx(0.6, abs=0.0005)
    assert left[left > 1][0] == pytest.approx(1.6, abs=0.0005)


def test_a_conversation_of_drifting_cards_keeps_its_times(tmp_path: Path) -> None:
    late = sound_at((300_000, 301_600), length=320_000)  # nearly 19 s in, when 500 ppm are 9 ms
    near = make_tape(tmp_path / "n", late, rate_hz=16_000, drift_ppb=500_000)

    write_conversation(tmp_path / "both.wav", [near], [])

    stereo = np.frombuffer((tmp_path / "both.wav").read_bytes()[44:], dtype=np.int16).reshape(-1, 2)
    loud = np.flatnonzero(stereo[:, 0] > 250) / 24_000
    assert (loud[0], loud[-1]) == pytest.approx((300_000 / 16_008, 301_600 / 16_008), abs=0.0005)


def test_a_stereo_tape_is_written_as_the_mean_of_its_channels(tmp_path: Path) -> None:
    stereo = np.tile(np.array([[1000, 3000]], dtype=np.int16), (240, 1))
    far = make_tape(tmp_path / "f", stereo, rate_hz=24_000)

    write_conversation(tmp_path / "both.wav", [], [far])

    written = np.frombuffer((tmp_path / "both.wav").read_bytes()[44:], dtype=np.int16).reshape(-1, 2)
    assert written.tolist() == [[0, 2000]] * 240


def test_a_conversation_without_tapes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeUnreadable, match="no tape"):
        write_conversation(tmp_path / "both.wav", [], [])
