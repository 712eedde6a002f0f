"""`edgevoice wakeword`: its output about recordings, logs and folders; and the live bar on a card."""

import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from typer.testing import CliRunner, Result

from edgevoice.audio import devices
from edgevoice.commands.root import app
from edgevoice.settings import file as settings_file
from edgevoice.store.folders import cache_folder
from edgevoice.testbed.virtual import VirtualCard
from edgevoice.wakeword.models.front_end import parts_of
from edgevoice.wakeword.tuning.near_misses_log import (
    CLIPS_NAME,
    FILE_NAME,
    NearMiss,
    read_log,
)
from tests.audio.fake_library import CARDS, FakeLibrary
from tests.waiting import until
from tests.wakeword.sounds import DATA, NEGATIVES, POSITIVES, quiet, recording
from tests.wakeword.tuning.box_log import write_log

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    # The front end is the machine's; all else is this test's own.
    monkeypatch.setenv("CACHE_DIRECTORY", str(cache_folder(os.environ)))
    parts_of(cache_folder(os.environ))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wakeword(*arguments: str | Path, settings: str = "") -> Result:
    Path("edgevoice.toml").write_text(settings, encoding="utf-8")
    options = ["--config", "edgevoice.toml"] if arguments[0] != "--help" else []
    return CliRunner().invoke(app, ["wakeword", *map(str, arguments), *options])


def test_help_names_the_licence_of_the_models() -> None:
    assert "CC BY-NC-SA 4.0: not for commercial use" in " ".join(wakeword("--help").stdout.split())


# --- test ------------------------------------------------------------------------------------------------------------


def test_each_recording_is_a_line_with_its_peak_and_what_the_box_would_do(home: Path) -> None:
    result = wakeword("test", DATA / POSITIVES[0], DATA / NEGATIVES[0], "--plot", home / "scores.png")

    assert result.exit_code == 0, result.stderr
    heading, positive, negative, *_ = result.stdout.splitlines()
    assert heading.split() == ["recording", "word", "peak", "at", "threshold", "the", "box"]
    assert re.search(r"hey_jarvis  (0\.99\d|1\.000)  [\d.]+ s  0\.5 +wakes at [01]\.\d\d s", positive)
    assert negative.split()[1:] == ["hey_jarvis", "0.000", *negative.split()[3:6], "sleeps", "on"]
    assert (home / "scores.png").read_bytes().startswith(PNG)


def test_a_score_just_below_the_threshold_is_reported_as_near() -> None:
    result = wakeword(
        "test",
        DATA / POSITIVES[0],
        settings="[wakeword]\nthreshold = 0.99\nsure_threshold = 1.0\nsmoothing_frames = 5\nwitness = 'off'\n",
    )

    assert "nearly" in result.stdout


def test_a_program_reads_every_score_of_every_word(home: Path) -> None:
    soundfile.write(home / "a.flac", recording(POSITIVES[1]), 16_000)

    result = wakeword("test", "a.flac", "--json", settings="[wakeword.words]\nalexa = {}\n")

    (told,) = json.loads(result.stdout)["recordings"]
    assert told["file"] == "a.flac"
    assert set(told["words"]) == {"hey_jarvis", "alexa"}
    jarvis = told["words"]["hey_jarvis"]
    assert jarvis["peak"] == max(jarvis["scores"]) > 0.98
    assert len(jarvis["heard_at_s"]) == 1
    assert told["words"]["alexa"]["heard_at_s"] == []


def test_an_unreadable_file_is_one_line_and_the_others_are_still_scored(home: Path) -> None:
    (home / "x.wav").write_bytes(b"not a recording")

    result = wakeword("test", "x.wav", "y.wav", DATA / POSITIVES[0])

    assert result.exit_code == 1
    assert [line.split(" ")[0] for line in result.stderr.splitlines()] == ["x.wav", "y.wav"]
    assert "wakes at" in result.stdout


@pytest.mark.parametrize("name", ["nowhere/scores.png", "scores.xyz"])
def test_a_picture_that_cannot_be_written_is_one_line(name: str) -> None:
    result = wakeword("test", DATA / POSITIVES[0], "--plot", name)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{name} cannot be written")


def test_without_matplotlib_the_table_is_printed_without_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    result = wakeword("test", DATA / POSITIVES[0], "--plot", "scores.png")

    assert result.exit_code == 1
    assert "-m pip install 'matplotlib>=3.8'" in result.stderr
    assert "hey_jarvis" in result.stdout
    assert "See it" not in result.stdout


def test_a_curve_that_cannot_be_drawn_is_refused_before_any_scoring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in ("pos", "neg"):
        (tmp_path / name).mkdir()

    asked = wakeword("evaluate", tmp_path, "--plot", "det.png")

    assert (asked.exit_code, asked.stdout) == (1, "")
    (line,) = asked.stderr.splitlines()
    assert line.startswith("a picture needs the package matplotlib. Add it: ")


def test_a_curve_in_a_folder_that_does_not_exist_is_refused_before_any_scoring(recordings: Path) -> None:
    asked = wakeword("evaluate", recordings, "--plot", recordings / "nowhere" / "det.png")

    assert (asked.exit_code, asked.stdout) == (1, "")
    assert f"{recordings / 'nowhere'} is not a folder. Name a file" in asked.stderr


# --- evaluate --------------------------------------------------------------------------------------------------------


@pytest.fixture
def recordings(home: Path) -> Path:
    folder = home / "set"
    for kind, names in (("positives", POSITIVES), ("negatives", NEGATIVES)):
        (folder / kind).mkdir(parents=True)
        for name in names:
            soundfile.write(folder / kind / f"{Path(name).stem}.flac", recording(name), 16_000)
    (folder / "notes.txt").touch()
    return folder


def test_misses_and_false_wakes_are_counted_with_confidence_intervals(home: Path, recordings: Path) -> None:
    result = wakeword("evaluate", recordings, settings="[wakeword]\nwitness = 'off'\n")

    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == ["hey_jarvis, threshold 0.5", "  missed       0 of 5: 0 % (0 to 52.2)"]
    assert lines[2].startswith("  false wakes  0 in 0.1 min: 0 in 24 h (0 to ")
    # Nothing moves with the threshold in so few files: a picture would be empty but for a dot.
    assert not (home / "wakeword-det.png").exists()
    assert result.stderr == (
        "no DET curve: every threshold gives the same misses and false wakes; a curve needs more recordings, or "
        "harder ones\n"
    )


def test_a_curve_is_drawn_where_the_threshold_makes_a_difference(home: Path, recordings: Path) -> None:
    # Wake words so quiet under noise that only low thresholds detect them all.
    noise = np.random.default_rng(1)
    for name in POSITIVES:
        samples = recording(name) // 4 + noise.normal(0, 900, len(recording(name)))
        soundfile.write(recordings / "positives" / f"noisy-{Path(name).stem}.flac", samples.astype(np.int16), 16_000)

    result = wakeword("evaluate", recordings)

    assert result.stdout.splitlines()[-1] == "DET curve: wakeword-det.png", result.stdout
    assert (home / "wakeword-det.png").read_bytes().startswith(PNG)


def test_a_wake_word_among_the_negatives_is_a_false_wake_and_an_absent_one_a_miss(recordings: Path) -> None:
    negatives = recordings / "negatives"
    (recordings / "positives" / f"{Path(POSITIVES[0]).stem}.flac").rename(negatives / "a.flac")
    (negatives / f"{Path(NEGATIVES[0]).stem}.flac").rename(recordings / "positives" / "b.flac")

    result = wakeword("evaluate", recordings, "--json", "--plot", "det.png")

    told = json.loads(result.stdout)
    word = told["words"]["hey_jarvis"]
    assert (word["positives"], word["missed"], word["false_wakes"]) == (5, 1, 1)
    assert word["false_wakes_per_24_h"]["low"] < word["false_wakes_per_24_h"]["value"]
    assert [Path(path).name for path in told["missed"] + told["woke_falsely"]] == ["b.flac", "a.flac"]
    assert len(word["curve"]) == 22


def test_skipped_recordings_are_reported(recordings: Path) -> None:
    soundfile.write(recordings / "something.wav", recording(NEGATIVES[0]), 16_000)
    soundfile.write(recordings / "pos_alexa.wav", recording(NEGATIVES[0]), 16_000)
    (recordings / "negatives" / "broken.flac").write_bytes(b"fLaC")
    (recordings / "negatives" / "phone.mp3").write_bytes(b"ID3")

    result = wakeword("evaluate", recordings)
    left = next(line for line in result.stdout.splitlines() if line.startswith("Left out: "))

    assert left == (
        "Left out: 1 whose name and folder begin with neither pos nor neg, "
        "1 with words that are not in the settings, 1 that cannot be read."
    )
    assert "broken.flac is damaged" in result.stderr
    assert "set holds 1 .mp3 file, which cannot be read; left out." in result.stderr


def test_folders_without_recordings_are_refused_in_one_line(home: Path) -> None:
    (home / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        result = wakeword("evaluate", folder)

        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith(folder)


def test_detections_are_counted_per_noise_and_room_with_intervals(home: Path) -> None:
    hiss = np.random.default_rng(5).integers(-3000, 3000, 4 * 16_000, np.int16)
    for place in ("noises/hiss/a.wav", "noises/hiss/b.flac", "rooms/cupboard.wav"):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(home / place, hiss if "noises" in place else hiss[:800], 16_000)
    (home / "pos").mkdir()
    shutil.copy(DATA / POSITIVES[0], home / "pos")

    noisy = ("--noises", "noises", "--snr", "10", "--snr", "-20", "--distance", "2")
    result = wakeword("evaluate", "pos", *noisy, "--json")
    read = wakeword("evaluate", "pos", "--rooms", "rooms")

    assert result.exit_code == 0, result.stderr
    told = {each["condition"]: each for each in json.loads(result.stdout.splitlines()[-1])["conditions"]}
    assert list(told) == ["2 m", "hiss at 10 dB", "hiss at 10 dB, 2 m", "hiss at -20 dB", "hiss at -20 dB, 2 m"]
    assert told["hiss at 10 dB, 2 m"] == {
        "condition": "hiss at 10 dB, 2 m",
        "noise": "hiss",
        "snr_db": 10.0,
        "room": None,
        "distance_m": 2.0,
        "positives": 1,
        "missed": 0,
    }
    assert told["hiss at -20 dB"]["missed"] == 1, "nobody is heard under a noise ten times as loud"
    assert read.stdout.splitlines()[-1].split() == ["cupboard", "0", "1", "0", "(0", "to", "97.5)"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--noises", "nowhere"), "nowhere is not a folder"),
        (("--noises", "short"), "short contains no recording that lasts 3 s"),
        (("--rooms", "empty"), "empty contains no recording"),
    ],
)
def test_folders_without_noises_or_rooms_are_refused_before_any_scoring(
    home: Path, options: tuple[str, ...], problem: str
) -> None:
    (home / "empty").mkdir()
    (home / "short").mkdir()
    soundfile.write(home / "short" / "door.wav", np.ones(1600, np.int16), 16_000)

    result = wakeword("evaluate", DATA, *options)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(problem)


# --- tune ------------------------------------------------------------------------------------------------------------


def test_a_threshold_is_proposed_with_its_expected_error_rates(home: Path) -> None:
    write_log(home / "state", days=20, calls=60, again=12)

    result = wakeword("tune")

    text = result.stdout
    assert result.exit_code == 0, result.stderr
    assert text.startswith(
        "hey_jarvis: 20.0 days of listening. 60 calls heard, 12 calls heard only when said again, "
        "0 wakes without a conversation, 0 other near misses."
    )
    assert (
        "Proposal: wakeword.threshold = 0.3. Expect 0.00 (0.00 to 0.18) false wakes per day, "
        "and 0 % (0 to 5) of calls missed. Now, with 0.5: 0.00 (0.00 to 0.18) and 17 % (9 to 27)."
    ) in text
    assert "The log does not know who spoke" in text


def test_too_few_recordings_are_reported_as_too_few(home: Path) -> None:
    write_log(home / "state", days=1, calls=3)

    result = wakeword("tune")

    assert "No proposal: too little to go by: 1.0 days of listening and 3 calls" in result.stdout
    assert "Leave wakeword.threshold at 0.5." in result.stdout
    assert json.loads(wakeword("tune", "--json").stdout)["hey_jarvis"]["proposal"] is None


def test_a_program_reads_the_whole_table(home: Path) -> None:
    write_log(home / "elsewhere", days=20, calls=60, again=12)

    told = json.loads(wakeword("tune", "--json", "--folder", home / "elsewhere").stdout)["hey_jarvis"]

    assert (told["proposal"], told["calls"], told["said_again"], told["keeps_within"]) == (0.3, 60, 12, True)
    assert told["present"]["misses"]["value"] == pytest.approx(12 / 72)
    assert len(told["table"]) == 15


def test_words_with_their_own_threshold_are_reported_with_their_own_setting(home: Path) -> None:
    write_log(home / "state", days=20, calls=60, again=12)

    own = "[wakeword]\nmodel = 'alexa'\n[wakeword.words]\nhey_jarvis = {}\n"

    assert "Proposal: wakeword.words.hey_jarvis.threshold = 0.3." in wakeword("tune", settings=own).stdout


def test_the_folder_of_kept_recordings_is_named(home: Path) -> None:
    write_log(home / "state", days=1, calls=1)
    (home / "state" / CLIPS_NAME).mkdir()
    (home / "state" / CLIPS_NAME / "a.wav").touch()

    assert f"Listen to the near misses: {home / 'state' / CLIPS_NAME}" in wakeword("tune").stdout


def test_a_missing_log_is_one_line_that_names_the_services_log(home: Path) -> None:
    result = wakeword("tune")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"there is no {FILE_NAME} in {home / 'state'}. ")
    assert "--folder /var/lib/edgevoice" in line


# --- watch -----------------------------------------------------------------------------------------------------------


def test_a_missing_or_busy_microphone_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: dict[int, Exception] = {0: OSError(-9985, "Device unavailable"), 1: OSError(-9985, "Device unavailable")}
    monkeypatch.setattr(devices, "open_library", lambda: FakeLibrary(*CARDS, refused=refused))

    for name, problem in (("nobody", 'no microphone is called "nobody"'), ("mic", '"mic" does not open')):
        result = wakeword("watch", settings=f'[microphone]\ndevice = "{name}"\n')

        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith(problem)


def test_a_microphone_that_stops_is_reported_and_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(*CARDS)
    monkeypatch.setattr(devices, "open_library", lambda: library)

    result = wakeword("watch", settings='[microphone]\ndevice = "mic"\n')

    assert result.exit_code == 1
    assert result.stderr.startswith("the microphone has stopped")
    assert library.is_terminated


class Terminal:
    """A terminal in which `wakeword watch` runs."""

    def __init__(self, card: VirtualCard) -> None:
        Path("watch.toml").write_text('[microphone]\ndevice = "edgevoice_mic"\n')
        self._ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        environment = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "NO_COLOR"}}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgevoice", "wakeword", "watch", "--config", "watch.toml"],
            env=environment | dict(card.environment) | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.seen = ""

    def read_until(self, is_so: Callable[[], Any], limit_s: float = 30.0) -> None:
        deadline = time.monotonic() + limit_s
        while not is_so():
            assert time.monotonic() < deadline, self.seen[-2000:]
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._ours, 65_536).decode(errors="replace")
                except OSError:
                    # Linux raises this when the other side has closed.
                    return

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.mark.sound
def test_on_a_card_the_bar_follows_the_score_and_ctrl_c_leaves_a_clean_terminal(home: Path) -> None:
    with VirtualCard(home / "card") as card:
        terminal = Terminal(card)
        try:
            # Said once it reads the card: a process that still starts on a busy machine may lose what the card holds.
            terminal.read_until(lambda: "microphone  " in terminal.seen)
            card.speak(np.concatenate([quiet(2.0), recording(POSITIVES[0]), quiet(1.0)]))
            terminal.read_until(lambda: "hey_jarvis: heard, score" in terminal.seen)
            terminal.read_until(lambda: "1.00  peak 1.00" in terminal.seen)
            terminal.process.send_signal(signal.SIGINT)
            terminal.read_until(lambda: terminal.process.poll() is not None, 5)
            terminal.read_until(lambda: "Heard once, nearly 0 times." in terminal.seen, 5)
        finally:
            terminal.close()

    assert terminal.process.returncode == 0
    # The threshold is in the bar, the cursor is back, and no error occurred.
    assert "│" in terminal.seen
    assert terminal.seen.rfind("\x1b[?25h") > terminal.seen.rfind("\x1b[?25l") > 0
    assert "Traceback" not in terminal.seen
    assert not (home / "state").exists()


# --- the daemon's own log --------------------------------------------------------------------------------------------


@pytest.mark.sound
def test_the_daemon_writes_the_log_that_tune_reads(home: Path) -> None:
    Path("run.toml").write_text(
        '[service]\nurl = "ws://127.0.0.1:9/"\n'
        "[wakeword]\nthreshold = 0.99\nsure_threshold = 1.0\nsmoothing_frames = 5\nkeep_near_misses = 2\n"
        # Its phonemes would make it a call.
        'witness = "off"\n'
        '[microphone]\ndevice = "edgevoice_mic"\n[speaker]\ndevice = "edgevoice_dac"\n[panel]\nkind = "none"\n'
    )
    with VirtualCard(home / "card") as card:
        process = subprocess.Popen(
            [sys.executable, "-m", "edgevoice", "run", "--config", "run.toml"],
            env=dict(os.environ) | dict(card.environment),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            card.speak(np.concatenate([quiet(3.0), recording(POSITIVES[0]), quiet(2.0)]))
            log = home / "state" / FILE_NAME
            until(lambda: log.exists() and "near-miss" in log.read_text(), 40)
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=10)
        finally:
            process.kill()
            process.wait()

    assert process.returncode == 0, errors
    near = read_log(home / "state")[0]
    assert isinstance(near, NearMiss)
    assert (near.word, near.threshold, near.smoothing_frames) == ("hey_jarvis", 0.99, 5)
    assert near.peak > 0.5
    assert [clip.name for clip in (home / "state" / CLIPS_NAME).iterdir()] == [near.clip]
    result = wakeword("tune", settings='[wakeword]\nsmoothing_frames = 5\nwitness = "off"\n')
    assert "1 other near miss." in result.stdout
