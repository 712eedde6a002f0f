"""`edgevoice earcons`: the list, and what is played."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edgevoice.audio import devices
from edgevoice.audio.devices import SoundDevice
from edgevoice.audio.earcons import render
from edgevoice.box import sayings
from edgevoice.commands.root import app
from edgevoice.core.orders import Earcon


class Library:
    """A sound library whose speaker keeps what it is given."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.played = b""
        self._refuses = refuses

    def open(self, **wanted: object) -> "Library":
        if self._refuses:
            raise OSError("Device unavailable")
        assert wanted["rate"] == 24_000
        return self

    def write(self, pcm: bytes) -> None:
        self.played += pcm

    def get_output_latency(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    found = Library()

    @contextmanager
    def sound_library(_names: object) -> Iterator[Library]:
        yield found

    monkeypatch.setattr(devices, "sound_library", sound_library)
    monkeypatch.setattr(devices, "find", lambda *_rest: SoundDevice(3, "speaker", 0, 2, 48_000))
    return found


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder with the sentences of the box: none."""
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path))
    return tmp_path


def earcons(tmp_path: Path, *arguments: str, settings: str = "") -> Result:
    config = tmp_path / "edgevoice.toml"
    config.write_text(settings)
    return CliRunner().invoke(app, ["earcons", *arguments, "--config", str(config)])


def test_every_earcon_is_listed_with_when_it_sounds_and_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "muted.wav").write_bytes(b"nonsense")
    shown = earcons(tmp_path, "list", settings=f'[speaker]\nearcons_folder = "{tmp_path}"\n').stdout

    assert [line.split()[0] for line in shown.splitlines()] == list(Earcon)
    assert "muted.wav: " in shown
    assert "timer ringing" in shown


def test_an_earcon_is_played_as_loud_as_the_box_does(tmp_path: Path, library: Library) -> None:
    result = earcons(tmp_path, "play", "muted", settings="[speaker]\nearcon_percent = 50\n")

    assert result.exit_code == 0, result.output
    played = np.frombuffer(library.played, "<i2")
    assert np.array_equal(played[: len(render(Earcon.MUTED))], (render(Earcon.MUTED) * 0.25).astype(np.int16))
    assert not played[len(render(Earcon.MUTED)) :].any()


def test_a_change_of_volume_is_as_loud_as_an_answer(tmp_path: Path, library: Library) -> None:
    earcons(tmp_path, "play", "volume", settings="[speaker]\nearcon_percent = 0\nvolume_percent = 100\n")

    assert np.array_equal(np.frombuffer(library.played, "<i2")[:2880], render(Earcon.VOLUME))


def test_a_fault_is_spoken_as_by_the_box_where_it_has_the_sentence(
    tmp_path: Path, cache: Path, library: Library
) -> None:
    sayings.place_of(Earcon.NO_NETWORK, cache).write_bytes(np.full(100, 8000, "<i2").tobytes())
    for name in ("no-network", "bad-key"):
        result = earcons(tmp_path, "play", name, settings="[speaker]\nearcon_percent = 50\nvolume_percent = 100\n")
        assert result.exit_code == 0, result.output

    played = np.frombuffer(library.played, "<i2")
    assert set(played[:100].tolist()) == {8000}
    assert np.array_equal(
        played[-len(render(Earcon.BAD_KEY)) - 4800 : -4800], (render(Earcon.BAD_KEY) * 0.25).astype(np.int16)
    )


def test_a_file_that_is_no_earcon_is_named_below_the_list(tmp_path: Path) -> None:
    (tmp_path / "mutd.wav").write_bytes(b"")
    shown = earcons(tmp_path, "list", settings=f'[speaker]\nearcons_folder = "{tmp_path}"\n').stdout

    assert shown.splitlines()[-1].startswith(f"{tmp_path}/mutd.wav: there is no earcon of this name")


def test_a_file_that_cannot_be_used_is_named_and_the_boxs_own_is_played(tmp_path: Path, library: Library) -> None:
    (tmp_path / "muted.wav").write_bytes(b"nonsense")
    result = earcons(tmp_path, "play", "muted", settings=f'[speaker]\nearcons_folder = "{tmp_path}"\n')

    assert "muted.wav: " in result.stdout
    assert library.played


def test_a_speaker_that_does_not_open_is_one_line(tmp_path: Path, library: Library) -> None:
    library._refuses = True
    result = earcons(tmp_path, "play", "timer")

    assert result.exit_code == 1
    assert result.stderr.startswith('"speaker" does not open at 24000 Hz: Device unavailable')


def test_an_earcon_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert earcons(tmp_path, "play", "gong").exit_code == 2
