"""Folders of recordings: which files are read, which are skipped with a reason, and which are refused."""

import builtins
import importlib
import wave
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from edgevoice.errors import SettingsInvalid
from edgevoice.testbed.bench.recordings import licence_of, load, read_folder
from edgevoice.wakeword.models.shapes import RATE_HZ, Samples
from edgevoice.wakeword.tuning.recordings import RecordingRefused

SHIPPED: Final = Path(__file__).parents[2] / "data" / "sounds"


def test_the_subfolder_names_the_kind_and_without_one_the_folder_does(tmp_path: Path) -> None:
    write(tmp_path / "near" / "a.wav", hiss(1.0))
    write(tmp_path / "near" / "words" / "b.wav", hiss(0.5), rate_hz=48_000, channels=2)
    (tmp_path / "near" / "LICENSE").touch()

    found = read_folder(tmp_path / "near", "--near", pytest.fail)

    assert [(each.path.name, each.kind, each.duration_s) for each in found] == [
        ("a.wav", "near", 1.0),
        ("b.wav", "words", 0.5),
    ]
    assert len(load(found[1].path)) == RATE_HZ // 2
    assert len(load(found[1].path, 24_000)) == 12_000


def test_each_unusable_file_gets_one_line_and_the_rest_are_used(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", hiss(1.0))
    write(tmp_path / "b-short.wav", hiss(0.02))
    write(tmp_path / "c-silent.wav", np.zeros(RATE_HZ, np.int16))
    write(tmp_path / "d-empty.wav", np.zeros(0, np.int16))
    (tmp_path / "e.flac").write_bytes(b"RIFX?")
    (tmp_path / "f.mp3").write_bytes(b"ID3")
    (tmp_path / "notes.txt").write_text("no sound", encoding="utf-8")
    (tmp_path / "COPYING.txt").touch()
    lines: list[str] = []

    found = read_folder(tmp_path, "--noises", lines.append)

    assert [each.path.name for each in found] == ["a.wav"]
    assert lines == [
        f"{tmp_path}/b-short.wav lasts 20 ms, less than the minimum of 50; left out",
        f"{tmp_path}/c-silent.wav is silent from beginning to end; left out",
        f"{tmp_path}/d-empty.wav is empty: it has a header, but no sound; left out",
        f"{tmp_path}/e.flac is neither a WAV nor a FLAC nor an Ogg file; left out",
        f"{tmp_path} holds 1 .mp3 file, which cannot be read; left out. {RecordingRefused.remedy}",
    ]


def test_a_kind_is_printable_whatever_the_name_of_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "ca\nts\x1b[31m" / "a.wav", hiss(1.0))
    (tmp_path / "LICENSE").touch()

    (found,) = read_folder(tmp_path, "--noises", pytest.fail)

    assert found.kind == "ca ts"


@pytest.mark.parametrize("name", ["LICENSE", "LICENCE.md", "copying", "SOURCES.md", "Licence.txt"])
def test_a_licence_file_is_found_in_the_folder_or_up_to_two_levels_above(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "sounds" / "near"
    folder.mkdir(parents=True)
    assert licence_of(folder) is None

    for place in (folder, folder.parent, tmp_path):
        (place / name).touch()
        assert licence_of(folder) == place / name
        (place / name).unlink()


def test_a_folder_that_is_missing_has_no_licence_or_no_audio_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    with pytest.raises(SettingsInvalid, match=r"^--far is .*/a/b/c, which is not a folder$"):
        read_folder(folder, "--far", pytest.fail)
    folder.mkdir(parents=True)
    with pytest.raises(
        SettingsInvalid, match=r"^--far: .*/a/b/c has no file that states the licence of its recordings$"
    ):
        read_folder(folder, "--far", pytest.fail)
    (folder / "LICENSE").touch()
    with pytest.raises(SettingsInvalid, match=r"^--far: .*/a/b/c has no readable recording$"):
        read_folder(folder, "--far", pytest.fail)


def test_without_the_flac_package_one_line_counts_the_skipped_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.wav", hiss(1.0))
    for name in ("b.flac", "c.flac"):
        (tmp_path / name).write_bytes(b"fLaC and so on")
    (tmp_path / "LICENSE").touch()
    without(monkeypatch, "soundfile")
    lines: list[str] = []

    assert len(read_folder(tmp_path, "--near", lines.append)) == 1
    (line,) = lines
    assert line.startswith(
        f"{tmp_path}/b.flac is FLAC, and the package soundfile is not installed (and 1 more); left out."
    )


def test_the_shipped_recordings_are_small_and_each_is_listed_with_its_source() -> None:
    sources = (SHIPPED.parent / "SOURCES.md").read_text(encoding="utf-8")
    files = sorted(path for path in SHIPPED.rglob("*") if path.is_file())

    assert sum(path.stat().st_size for path in files) < 2_000_000
    for path in files:
        (line,) = [each for each in sources.splitlines() if f"| {path.relative_to(SHIPPED.parent)} |" in each]
        assert any(licence in line for licence in ("CC-BY", "CC0", "GFDL-1.3")), line
    kinds = {each.kind for each in read_folder(SHIPPED / "noises", "--noises", pytest.fail)}
    assert kinds == {"clatter", "cough", "door", "kitchen", "laugh", "music", "television"}


def test_a_recording_of_an_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"ID3")

    with pytest.raises(RecordingRefused, match=r"a\.wav is neither"):
        load(tmp_path / "a.wav")


def write(path: Path, sound: Samples, *, rate_hz: int = RATE_HZ, channels: int = 1) -> None:
    """Write this many seconds of a 16 kHz sound as a WAV file of any rate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stretched = np.repeat(sound, rate_hz // RATE_HZ * channels)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(stretched.tobytes())


def hiss(duration_s: float) -> Samples:
    chance = np.random.default_rng(1)
    return chance.integers(-3000, 3000, int(duration_s * RATE_HZ)).astype(np.int16)


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.import_module

    def refuse(name: str, *rest: Any) -> Any:
        if name == package:
            raise builtins.ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", refuse)
