"""scripts/sounds: which recordings it takes from packages, what it makes of them, and that the halves share none."""

import io
import subprocess
import sys
import tomllib
import wave
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from edgevoice.wakeword.models.shapes import RATE_HZ, Samples

SCRIPT: Final = Path(__file__).parents[1] / "scripts" / "_sounds.py"
RECIPES: Final = """
[packages.voices]
kind = "debian"
licence = "CC0-1.0"
authors = "Ada"

[[take]]
into = "tune/near"
package = "voices"
files = ["voices/*.wav", "!*beep*"]
at_most = 9
between_s = [0.5, 3.0]
says = "a woman"

[[far]]
into = "judge/far"
package = "voices"
files = ["prompts/*.wav"]
answers = 1
answer_s = 4
says = "a man"

[[bed]]
into = "judge/noises/kitchen"
name = "kitchen"
lasts_s = 12
says = "a kitchen"

[[bed.track]]
package = "voices"
files = ["pots/*.wav"]
pause_s = [0.1, 0.2]
level_db = 0
"""


def test_each_recording_of_the_requested_length_is_used_once_with_its_source(tmp_path: Path) -> None:
    sounds = {
        "voices/one": syllables(1, 1.0),
        "voices/short": syllables(2, 0.2),
        "voices/beep": syllables(3, 1.0),
        "voices/twin": syllables(1, 1.0) // 2,
    }
    made = make(tmp_path, sounds | {"prompts/p": syllables(4, 2.0), "pots/q": syllables(5, 1.0)})

    assert made.returncode == 0, made.stderr
    (taken,) = (tmp_path / "out" / "tune" / "near").glob("*.flac")
    assert taken.stem in {"voices-voices-one", "voices-voices-twin"}  # the same recording twice is one
    sources = (tmp_path / "out" / "tune" / "near" / "SOURCES.md").read_text(encoding="utf-8")
    assert f"| {taken.name} | a woman | voices 2.1-3, CC0-1.0, Ada | usr/share/voices/" in sources
    assert (tmp_path / "out" / "licences" / "voices.txt").read_text(encoding="utf-8") == "CC0"


def test_a_noise_bed_has_the_requested_length_and_an_answer_a_single_voice(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    sounds = {"voices/one": syllables(1, 1.0), "prompts/p": syllables(4, 2.0), "pots/q": syllables(5, 1.0)}
    assert make(tmp_path, sounds).returncode == 0

    bed = soundfile.info(tmp_path / "out" / "judge" / "noises" / "kitchen" / "kitchen.flac")
    answer = soundfile.info(tmp_path / "out" / "judge" / "far" / "voices-00.flac")
    assert (bed.duration, bed.samplerate, bed.channels) == (12.0, RATE_HZ, 1)
    assert answer.duration == pytest.approx(4.0, abs=0.1)


def test_missing_recordings_in_a_package_are_one_line(tmp_path: Path) -> None:
    made = make(tmp_path, {"pots/q": syllables(5, 1.0)})

    assert made.returncode == 1
    assert made.stderr.splitlines() == ["sounds: voices 2.1-3 has no voices/*.wav: see _sounds.toml"]


def test_archives_inside_a_package_are_unpacked(tmp_path: Path) -> None:
    game = tmp_path / "game.pk3"
    with zipfile.ZipFile(game, "w") as inner:
        for name, seconds in (("voices/one", 1.0), ("prompts/p", 2.0), ("pots/q", 1.0)):
            inner.writestr(f"sound/{name}.wav", wav_of(syllables(len(name), seconds)))
    (tmp_path / "packages").mkdir()
    with zipfile.ZipFile(tmp_path / "packages" / "voices-2.1-py3-none-any.whl", "w") as package:
        package.write(game, "base/game.pk3")

    made = run(tmp_path, RECIPES.replace('"debian"', '"pypi"\nversion = "2.1"'))

    assert made.returncode == 0, made.stderr
    sources = (tmp_path / "out" / "tune" / "near" / "SOURCES.md").read_text(encoding="utf-8")
    assert "voices 2.1, CC0-1.0, Ada | base/game/sound/voices/one.wav" in sources


def test_no_pattern_is_in_both_halves() -> None:
    halves: dict[str, dict[str, set[str]]] = {"tune": defaultdict(set), "judge": defaultdict(set)}
    for into, track in tracks(tomllib.loads(SCRIPT.with_suffix(".toml").read_text(encoding="utf-8"))):
        halves[into.split("/")[0]][track["package"]] |= {each for each in track["files"] if each[0] != "!"}

    assert halves["tune"].keys() & halves["judge"].keys()
    for package, patterns in halves["tune"].items():
        assert not patterns & halves["judge"][package], package


def tracks(recipes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    single = [(each["into"], each) for kind in ("take", "far") for each in recipes[kind]]
    return single + [(bed["into"], track) for bed in recipes["bed"] for track in bed["track"]]


def test_a_folder_that_cannot_be_made_and_recipes_that_cannot_be_read_are_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "bad.toml").write_text("[[take", encoding="utf-8")
    for arguments, said in (
        (("out", "--recipes", "none.toml"), "none.toml: No such file or directory\n"),
        (("out", "--recipes", "bad.toml"), "the recipes are not TOML: "),
        (("out", "--packages", "a-file/b"), "a-file/b: Not a directory\n"),
    ):
        ended = subprocess.run(
            [sys.executable, str(SCRIPT), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert ended.returncode == 1
        assert ended.stderr.startswith(said)
        assert len(ended.stderr.splitlines()) == 1


def make(folder: Path, sounds: dict[str, Samples]) -> subprocess.CompletedProcess[str]:
    """Run it on a package that is unpacked already."""
    package = folder / "packages" / "voices_2.1-3_all"
    for name, sound in sounds.items():
        place = package / "usr" / "share" / f"{name}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(wav_of(sound))
    terms = package / "usr" / "share" / "doc" / "voices" / "copyright"
    terms.parent.mkdir(parents=True)
    terms.write_text("CC0", encoding="utf-8")
    package.with_name(package.name + ".deb").touch()
    return run(folder, RECIPES)


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run it on the packages that are in ``packages`` already."""
    recipes = folder / "recipes.toml"
    recipes.write_text(text, encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(folder / "out"), "--packages", str(folder / "packages")]
    return subprocess.run(
        [*command, "--recipes", str(recipes)], capture_output=True, text=True, timeout=60, check=False
    )


def wav_of(sound: Samples) -> bytes:
    """Return a sound as a WAV file."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return held.getvalue()


def syllables(seed: int, duration_s: float) -> Samples:
    """Return noise that swells and fades as syllables do."""
    chance = np.random.default_rng(seed)
    length = int(duration_s * RATE_HZ)
    swell = np.interp(np.arange(length), np.linspace(0, length, 12), chance.uniform(0.2, 1, 12))
    return (8000 * swell * chance.uniform(-1, 1, length)).astype(np.int16)
