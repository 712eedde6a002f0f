"""WAV files of the owner replace the box's own sounds; a file that cannot be used is named, with what it must be."""

import wave
from pathlib import Path

import numpy as np
import pytest

from edgevoice.audio.clips import ClipPlayer
from edgevoice.audio.earcons import EarconMixer, render
from edgevoice.audio.own_earcons import look, misplaced, own_earcons
from edgevoice.core.orders import Earcon


def write(place: Path, *, rate_hz: int = 24_000, channels: int = 1, width: int = 2, frames: int = 2400) -> None:
    with wave.open(str(place), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(np.full(frames * channels, 1000, "<i2").tobytes() if width == 2 else bytes(frames * width))


def test_without_a_folder_or_files_there_are_none(tmp_path: Path) -> None:
    assert own_earcons("") == own_earcons(str(tmp_path)) == own_earcons(str(tmp_path / "none")) == {}


def test_a_file_is_heard_in_the_place_of_the_earcon(tmp_path: Path) -> None:
    write(tmp_path / "muted.wav")
    mixer = EarconMixer(0.5, own_earcons(str(tmp_path)))
    mixer.play(Earcon.MUTED)
    samples = np.zeros(2400, np.int16)
    mixer.mix_into(samples)

    assert set(samples.tolist()) == {500}


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (24_000, 2), (8_000, 2)])
def test_any_rate_and_stereo_become_mono_at_24_khz(tmp_path: Path, rate_hz: int, channels: int) -> None:
    write(tmp_path / "timer.wav", rate_hz=rate_hz, channels=channels, frames=rate_hz // 2)
    sound = own_earcons(str(tmp_path))[Earcon.TIMER]

    assert abs(len(sound) - 12_000) <= 2
    assert np.median(sound) == pytest.approx(1000, abs=2)


def test_a_ring_and_a_chime_of_the_owner_are_heard(tmp_path: Path) -> None:
    write(tmp_path / "chime.wav")
    player = ClipPlayer(1.0, own_earcons(str(tmp_path)))
    player.learn("post", np.zeros(10, np.int16))
    player.play("post", has_chime=True)
    samples = np.zeros(2400, np.int16)
    player.mix_into(samples, 1.0, 1.0)

    assert np.median(samples) == 1000


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ({"width": 1}, "it has 8 bits at 24000 Hz"),
        ({"rate_hz": 4_000}, "it has 16 bits at 4000 Hz"),
        ({"frames": 240_001}, "it lasts 10.0 s"),
        ({"frames": 0}, "it lasts 0.0 s"),
    ],
)
def test_a_file_of_the_wrong_kind_is_one_line_and_the_box_sounds_its_own(
    tmp_path: Path, made: dict[str, int], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "done.wav", **made)

    assert own_earcons(str(tmp_path)) == {}
    said = vars(caplog.records[0])["fields"]["problem"]
    assert said.startswith(f"{tmp_path}/done.wav: {problem}; ")
    assert said.endswith("16 bits and at most 10 s: convert or remove it")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 this is an MP3", b"RIFF\x10\0\0\0WAVEfmt "])
def test_what_is_no_wav_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "error.wav").write_bytes(content)
    (sound,) = look(str(tmp_path)).values()

    assert isinstance(sound, str)
    assert sound.startswith(f"{tmp_path}/error.wav: ")
    assert "\n" not in sound


def test_the_boxs_own_sounds_stay_for_the_others(tmp_path: Path) -> None:
    write(tmp_path / "muted.wav")
    mixer = EarconMixer(1.0, own_earcons(str(tmp_path)))
    mixer.play(Earcon.UNMUTED)
    samples = np.zeros(len(render(Earcon.UNMUTED)), np.int16)
    mixer.mix_into(samples)

    assert np.array_equal(samples, render(Earcon.UNMUTED))


def test_an_own_earcon_is_heard_even_where_the_box_has_words_for_it(tmp_path: Path) -> None:
    write(tmp_path / "no-network.wav")
    mixer = EarconMixer(1.0, own_earcons(str(tmp_path)))
    for earcon in (Earcon.NO_NETWORK, Earcon.BAD_KEY):
        mixer.learn(earcon, np.full(2400, 5000, np.int16))
        mixer.play(earcon, 1.0)
    samples = np.zeros(4800, np.int16)
    mixer.mix_into(samples)

    assert set(samples[:2400].tolist()) == {1000}
    assert set(samples[2400:].tolist()) == {5000}


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own_earcons(str(tmp_path / "none"))

    (record,) = caplog.records
    said = vars(record)["fields"]["problem"]
    assert said.startswith(f"speaker.earcons_folder: {tmp_path}/none cannot be read: No such file or directory; ")


def test_a_folder_that_may_not_be_searched_does_not_stop_the_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(place: object, **_rest: object) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    # A test that root runs may search every folder.
    monkeypatch.setattr("os.stat", refuse)
    monkeypatch.setattr("os.listdir", refuse)
    monkeypatch.setattr("os.scandir", refuse)

    assert own_earcons(str(tmp_path)) == {}
    (problem,) = misplaced(str(tmp_path))
    assert "cannot be read: Permission denied" in problem


def test_a_file_with_the_name_of_no_earcon_is_named(tmp_path: Path) -> None:
    for name in ("muted.wav", "mutd.wav", "Timer.WAV", "readme.txt"):
        write(tmp_path / name)

    assert [problem.split(":")[0] for problem in misplaced(str(tmp_path))] == [
        f"{tmp_path}/Timer.WAV",
        f"{tmp_path}/mutd.wav",
    ]
    assert misplaced("") == []
