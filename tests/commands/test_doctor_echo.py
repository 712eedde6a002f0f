"""`edgevoice doctor --echo`: its output for people and for programs, and the record it stores for the daemon."""

import json
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edgevoice.audio import devices
from edgevoice.commands.root import app
from edgevoice.doctor import echo
from edgevoice.doctor.streams import SoundNotMeasured
from edgevoice.echo.record import FILE_NAME, EchoRecord, read_record, write_record
from edgevoice.echo.selftest import Measured, Recording
from edgevoice.echo.verdict import Tried, Verdict
from edgevoice.errors import EchoUnavailable
from edgevoice.settings import file as settings_file
from edgevoice.settings.schema import Settings
from edgevoice.testbed.stage.room import furnish
from edgevoice.testbed.virtual import AcousticPath, Drift, VirtualCard, synthetic_response
from tests.audio.fake_library import CARDS, FakeLibrary, info
from tests.echo.recordings import kitchen, recorded
from tests.notes import note

pytestmark = pytest.mark.long

OLD = EchoRecord(tier="linear", microphone="mic", speaker="dac", delay_ms=1)


@dataclass
class Sound:
    """Yields these recordings, one for each call; keeps the requested playback volume."""

    recordings: list[Recording | Exception]
    volumes: list[int] = field(default_factory=list)

    async def record(self, _settings: Settings, volume_percent: int) -> Recording:
        self.volumes.append(volume_percent)
        recording = self.recordings.pop(0)
        if isinstance(recording, Exception):
            raise recording
        return recording


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")
    return tmp_path


Examined = tuple[list[str], tuple[Measured, Tried, Tried, Verdict]]

EXAMINE = echo.examine


@cache
def examined(recording: Recording, _linear: Any, _suppressor: Any) -> Examined:
    """Examine a recording with these cancellers once: the same sound gives the same figures, in two seconds."""
    said: list[str] = []
    return said, EXAMINE(recording, said.append)


def examine_once(recording: Recording, say: Callable[[str], None]) -> tuple[Measured, Tried, Tried, Verdict]:
    said, found = examined(recording, vars(echo)["LinearCanceller"], vars(echo)["Suppressor"])
    for text in said:
        say(text)
    return found


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Sound:
    sound = Sound([])
    monkeypatch.setattr(devices, "open_library", lambda: FakeLibrary(*CARDS))
    monkeypatch.setattr(echo, "record", sound.record)
    monkeypatch.setattr(echo, "examine", examine_once)
    return sound


def examine(home: Path, *options: str, settings: str = "") -> Result:
    place = home / "edgevoice.toml"
    place.write_text(f'[microphone]\ndevice = "mic"\n[speaker]\ndevice = "dac"\n{settings}', encoding="utf-8")
    return CliRunner().invoke(app, ["doctor", "--echo", "--config", str(place), *options])


def test_the_report_gives_the_measurement_the_tier_and_what_it_allows(home: Path, sound: Sound) -> None:
    sound.recordings = [kitchen(20.0)]

    result = examine(home)

    assert result.exit_code == 0
    first, *_, verdict, kept = result.stdout.splitlines()
    assert first.startswith("Please be quiet for ")
    assert "at 70 % of full volume" in first
    assert "the speaker's clock, faster by  20.0 ppm" in result.stdout
    assert "the room's noise                -65 dBFS" in result.stdout
    assert verdict.startswith("Echo tier: suppressor. The filter takes out ")
    assert verdict.endswith("So whatever you say interrupts.")
    assert kept == f"Saved in {home / FILE_NAME}."


def test_the_measurement_is_stored_for_the_daemon_only(home: Path, sound: Sound) -> None:
    sound.recordings = [kitchen(20.0)]
    examine(home)

    record = read_record(home)
    assert record is not None
    assert (record.tier, record.microphone, record.speaker) == ("suppressor", "mic", "dac")
    assert record.delay_ms == pytest.approx(60, abs=1)
    assert record.drift_ppm == pytest.approx(20, abs=0.5)
    assert record.measured_at.endswith("+00:00")
    assert stat.S_IMODE((home / FILE_NAME).stat().st_mode) == 0o600


def test_a_program_reads_one_object_on_the_last_line(home: Path, sound: Sound) -> None:
    sound.recordings = [kitchen()]

    result = examine(home, "--json")

    (line,) = result.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    assert told["tier"] == "suppressor"
    assert told["is_heard"] is True
    assert told["linear"]["cancelled_db"] > 25
    assert told["suppressor"]["cpu_ms_per_s"] > 0
    assert told["volume_percent"] == 70


def test_the_volume_may_be_named(home: Path, sound: Sound) -> None:
    sound.recordings = [kitchen(), kitchen()]
    examine(home, settings="volume_percent = 35")
    examine(home, "--volume", "90")

    assert sound.volumes == [35, 90]


def test_an_overriding_setting_is_mentioned(home: Path, sound: Sound) -> None:
    sound.recordings = [kitchen(), kitchen()]

    assert 'echo.tier = "none", which overrides this' in examine(home, settings='[echo]\ntier = "none"\n').stdout
    assert "goes first" not in examine(home, settings='[echo]\ntier = "auto"\n').stdout


def test_no_canceller_is_tried_on_a_device_that_cancels_its_own_echo(home: Path, sound: Sound) -> None:
    sound.recordings = [recorded(furnish(3, delay_ms=50, loss_db=50), volume=0.5)]

    result = examine(home, "--json")

    told = json.loads(result.stdout)
    assert told["tier"] == "hardware"
    assert told["linear"] == {"problem": "there is nothing to cancel"}


@pytest.mark.parametrize(
    ("library", "tier", "remedy"),
    [("LinearCanceller", "none", "apt install libspeexdsp1"), ("Suppressor", "linear", "pip install pywebrtc-audio")],
)
def test_a_missing_library_lowers_the_tier_and_is_named(
    home: Path, sound: Sound, monkeypatch: pytest.MonkeyPatch, library: str, tier: str, remedy: str
) -> None:
    def missing() -> None:
        raise EchoUnavailable("not installed", remedy=f"Install it: {remedy}")

    monkeypatch.setattr(echo, library, missing)
    sound.recordings = [kitchen()]

    result = examine(home)

    assert f"Echo tier: {tier}. " in result.stdout
    assert remedy in result.stdout


@pytest.mark.parametrize(
    ("near", "reason"),
    [
        (np.zeros_like, "mute switch"),
        (lambda near: np.clip(near.astype(np.int32) * 20, -32_768, 32_767).astype(np.int16), "turn down the volume"),
        (
            lambda near: np.random.default_rng(1).integers(-20, 20, len(near)).astype(np.int16),
            "check that the speaker",
        ),
    ],
    ids=["dead", "overdriven", "unheard"],
)
def test_an_unusable_measurement_is_one_line_and_leaves_the_old_record(
    home: Path, sound: Sound, near: Any, reason: str
) -> None:
    write_record(home, OLD)
    heard = kitchen()
    sound.recordings = [Recording(near(heard.near), heard.far, heard.ahead_s)] * 2

    result = examine(home)
    told = json.loads(examine(home, "--json").stdout)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("Not measured: ")
    assert reason in result.stdout.splitlines()[-1]
    assert told["tier"] is None
    assert told["is_dead"] is (reason == "mute switch")
    assert reason in told["why"]
    assert read_record(home) == OLD


def test_a_result_that_cannot_be_stored_is_still_reported(
    home: Path, sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("STATE_DIRECTORY", str(home / "file" / "folder"))
    sound.recordings = [kitchen()]

    result = examine(home, "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["tier"] == "suppressor"
    (line,) = result.stderr.splitlines()[-1:]
    assert line.startswith(f"the result cannot be saved in {home / 'file' / 'folder'}: Not a directory. ")


def test_a_measurement_with_a_gap_is_repeated_once(home: Path, sound: Sound) -> None:
    gap = SoundNotMeasured("the sound was played or heard with gaps")
    sound.recordings = [gap, kitchen(), gap, gap]

    assert examine(home).exit_code == 0
    twice = examine(home)
    assert twice.exit_code == 1
    assert twice.stderr == "the sound was played or heard with gaps. Run it again when the machine is less busy.\n"


@pytest.mark.parametrize("cards", [(), (info(0, "other", inputs=1, outputs=2),)], ids=["none", "others"])
def test_a_missing_card_is_one_line_that_lists_those_present(
    home: Path, sound: Sound, monkeypatch: pytest.MonkeyPatch, cards: tuple[dict[str, Any], ...]
) -> None:
    monkeypatch.setattr(devices, "open_library", lambda: FakeLibrary(*cards))

    result = examine(home)

    assert (result.exit_code, sound.volumes) == (1, [])
    (line,) = result.stderr.splitlines()
    assert line.startswith(f'no microphone is called "mic"; present: {"other" if cards else "none at all"}. ')


def test_a_busy_card_is_one_line_that_names_the_likely_program(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: dict[int, Exception] = {1: OSError(-9985, "Device unavailable")}
    monkeypatch.setattr(devices, "open_library", lambda: FakeLibrary(*CARDS, refused=refused))

    result = examine(home)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("the speaker does not open")
    assert "systemctl stop edgevoice" in line


@pytest.mark.parametrize("option", ["--quick", "--bundle=out.tar.gz"])
def test_the_self_test_takes_no_options_of_the_whole_examination(option: str) -> None:
    result = CliRunner().invoke(app, ["doctor", "--echo", option])

    assert result.exit_code == 2
    assert "--echo can be combined only with" in result.stderr


# --- on the virtual card, in real time -------------------------------------------------------------------------------


GAPS = "the sound was played or heard with gaps"
SETTINGS = '[microphone]\ndevice = "edgevoice_mic"\n[speaker]\ndevice = "edgevoice_dac"\n'


def on_card(home: Path) -> dict[str, Any]:
    place = home / "edgevoice.toml"
    place.write_text(SETTINGS, encoding="utf-8")
    result = CliRunner().invoke(app, ["doctor", "--echo", "--config", str(place), "--json"])
    if not result.stdout and GAPS in result.stderr:
        # It has tried twice: callbacks are late on this machine, and the command says so instead of a false figure.
        note(f"not judged: {__name__}: {GAPS}")
        pytest.skip(f"not judged: {GAPS}")
    assert result.stdout, result.stderr
    told: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return told


@pytest.mark.sound
@pytest.mark.few
@pytest.mark.long(24)
def test_on_a_card_delay_and_drift_are_measured_to_a_tenth_of_a_ms_and_of_a_ppm(home: Path) -> None:
    room = AcousticPath(synthetic_response(3, gain_db=-6), delay_ms=60)
    with VirtualCard(home / "card", room=room, drift=Drift(speaker_ppm=30)) as card:
        card.install()
        card.speak((np.random.default_rng(0).standard_normal(16_000 * 30) * 12).astype(np.int16))
        told = on_card(home)

    assert told["delay_ms"] == pytest.approx(60, abs=0.2)
    assert told["drift_ppm"] == pytest.approx(30, abs=0.2)
    assert told["tier"] == "suppressor"
    assert told["linear"]["cancelled_db"] > 25
