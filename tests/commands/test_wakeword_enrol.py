"""`edgevoice wakeword enrol`: its prompts, what it stores about a person, and how that is listed and removed."""

import io
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.commands.wakeword_enrol import NotEnrolled, ask
from edgevoice.settings import file as settings_file
from edgevoice.store.folders import cache_folder
from edgevoice.wakeword.household import VoiceVerifier
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.front_end import parts_of
from edgevoice.wakeword.models.present import find_model
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.tuning.enrolment import LEAST_CALLS, LEAST_SPEECH_S, Learner
from edgevoice.wakeword.voices import FOLDER
from tests.wakeword.sounds import DATA, NEGATIVES, POSITIVES, parts, quiet, recording

SLT = next(name for name in POSITIVES if "slt" in name)


LEARN = Learner.learn
LEARNT: dict[tuple[object, ...], VoiceVerifier] = {}


def learn_once(
    learner: Learner, name: str, word: str, calls: Sequence[Samples], speech: Sequence[Samples]
) -> VoiceVerifier:
    """Learn from the same recordings once: they give the same verifier, in two seconds."""
    key = (name, word, *(len(each) for each in (calls, speech)), *(sound.tobytes() for sound in (*calls, *speech)))
    if key not in LEARNT:
        LEARNT[key] = LEARN(learner, name, word, calls, speech)
    return LEARNT[key]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(Learner, "learn", learn_once)
    monkeypatch.setenv("CACHE_DIRECTORY", str(cache_folder(os.environ)))
    parts_of(cache_folder(os.environ))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def enrol(*arguments: str, settings: str = "") -> Result:
    Path("edgevoice.toml").write_text(settings, encoding="utf-8")
    return CliRunner().invoke(app, ["wakeword", "enrol", *arguments, "--config", "edgevoice.toml"])


def recordings(home: Path, *, calls: int = 3, speech: int = 14) -> Path:
    """Lay out recordings of one person; the same call several times is enough here."""
    folder = home / "anna"
    for kind, names, count in (("positives", [SLT], calls), ("negatives", NEGATIVES, speech)):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            shutil.copy(DATA / names[number % len(names)], folder / kind / f"{number}.wav")
    return folder


def test_a_voice_is_learnt_from_recordings_listed_and_forgotten(home: Path) -> None:
    recordings(home)

    learnt = enrol("Anna", "--from", "anna")

    assert learnt.exit_code == 0, learnt.stderr
    place = home / "state" / FOLDER / "hey_jarvis--Anna.json"
    assert f"Anna is enrolled for hey_jarvis: {place}" in learnt.stdout
    assert [each.name for each in (home / "state").rglob("*") if each.is_file()] == [place.name]
    assert enrol("--list").stdout == "hey_jarvis: Anna\n"
    heard = CliRunner().invoke(app, ["wakeword", "test", str(DATA / SLT), "--config", "edgevoice.toml"])
    assert "wakes at" in heard.stdout
    forgotten = enrol("--remove", "Anna")
    assert forgotten.stdout.startswith("Anna is no longer enrolled for hey_jarvis.")
    assert not place.exists()
    assert enrol("--list").stdout == "hey_jarvis: nobody\n"


def test_enrolment_says_that_the_verifier_is_switched_off(home: Path) -> None:
    recordings(home)

    result = enrol("Anna", "--from", "anna", settings="[wakeword]\nverifier = 'off'\n")

    assert 'wakeword.verifier is "off": set it to "auto"' in result.stdout


def test_the_help_describes_the_prompts_and_the_recordings_needed() -> None:
    lines = " ".join(CliRunner().invoke(app, ["wakeword", "enrol", "--help"]).output.split())

    assert "asks for the wake word five times, then for 25 seconds" in lines
    assert f"at least {LEAST_CALLS} files" in lines
    assert f"at least {LEAST_SPEECH_S:.0f} seconds of other speech" in lines
    assert "without it, the first, or with --remove all of them" in lines
    assert "at the next start of the box" in lines


def test_the_help_names_the_settings_file_that_is_read_without_config() -> None:
    for path in (["talk"], ["doctor"], ["wakeword", "watch"], ["config", "check"], ["run"]):
        lines = " ".join(CliRunner().invoke(app, [*path, "--help"]).output.split())
        assert "/etc/edgevoice/edgevoice.toml, else ~/.config/edgevoice/edgevoice.toml" in lines, path


@pytest.mark.parametrize(
    ("calls", "speech", "problem"),
    [
        (2, 14, "anna holds 2 calls; it takes at least 3. Put recordings of one person into it"),
        (3, 1, "s of other speech; it takes at least 10 s. Put recordings of one person into it"),
    ],
)
def test_too_few_recordings_are_refused_with_the_number_needed(
    home: Path, calls: int, speech: int, problem: str
) -> None:
    recordings(home, calls=calls, speech=speech)

    result = enrol("Anna", "--from", "anna")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert problem in line
    assert not (home / "state").exists()


@pytest.mark.parametrize(
    ("place", "name", "problem"),
    [
        ("positives/9.wav", NEGATIVES[0], "the wake word cannot be heard in anna/positives/9.wav. Take it out"),
        ("negatives/9.wav", SLT, "anna/negatives/9.wav sounds like the wake word. Take it out"),
    ],
)
def test_a_recording_in_the_wrong_folder_is_named(home: Path, place: str, name: str, problem: str) -> None:
    shutil.copy(DATA / name, recordings(home) / place)

    assert enrol("Anna", "--from", "anna").stderr.startswith(problem)


@pytest.mark.parametrize(
    ("arguments", "settings", "problem"),
    [
        (("a/b", "--from", "anna"), "", "'a/b' cannot be a name here. Take up to 40 letters"),
        (("Anna", "--from", "nowhere"), "", "nowhere is not a folder. Put recordings"),
        (("Anna", "--word", "alexa"), "", "alexa is not a wake word in the settings. Take one of these: hey_jarvis."),
        (
            ("Anna",),
            "[wakeword]\nengine = 'microwakeword'\n",
            'the engine microwakeword does not ask verifiers. Set wakeword.engine = "streaming"',
        ),
        (("--remove", "Ben"), "", "nobody is enrolled as Ben. `edgevoice wakeword enrol --list` shows who is."),
    ],
)
def test_an_impossible_request_is_one_line(arguments: tuple[str, ...], settings: str, problem: str) -> None:
    result = enrol(*arguments, settings=settings)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(problem)


@pytest.mark.parametrize("arguments", [(), ("Anna", "--list"), ("--list", "--remove", "Anna")])
def test_only_one_action_at_a_time_is_accepted(arguments: tuple[str, ...]) -> None:
    result = enrol(*arguments)

    assert result.exit_code == 2
    assert "give the NAME of a person, or --list, or --remove NAME" in " ".join(result.stderr.split())


def test_an_unreadable_or_unwritable_folder_is_one_line(home: Path) -> None:
    recordings(home)
    (home / "state").write_text("no folder")

    assert enrol("--list").stderr.startswith(f"{home / 'state'} cannot be read: Not a directory.")
    assert enrol("Anna", "--from", "anna").stderr.startswith(f"{home / 'state'} cannot be written: ")


# --- from the microphone ---------------------------------------------------------------------------------------------


class Person:
    """Answers each prompt with the next sound; the microphone hears a quiet room before and after."""

    def __init__(self, *sounds: Samples) -> None:
        self._sounds = list(sounds)
        self.shown = io.StringIO()

    def frames(self) -> Iterator[tuple[bytes, int]]:
        room = quiet(0.08)
        seen = 0
        while True:
            text = self.shown.getvalue()
            if len(text) > seen and text.rstrip().endswith(("of 5", "…")):
                seen = len(text)
                if not self._sounds:
                    return
                sound = self._sounds.pop(0)
                for frame in np.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME):
                    yield frame.tobytes(), 0
            yield room.tobytes(), 0

    def asked(self) -> list[str]:
        console = Console(file=self.shown, width=200)
        said = ask(console, self.frames(), "hey Jarvis", Learner(parts(), Classifier(find_model("hey_jarvis"))))
        assert (len(said.calls), len(said.speech)) == (5, 1)
        return self.shown.getvalue().splitlines()


def talk() -> Samples:
    return np.concatenate([recording(name) for name in NEGATIVES * 3])[: 20 * 16_000]


def test_enrolment_asks_for_five_wake_words_and_some_speech() -> None:
    lines = Person(*[recording(SLT)] * 5, talk()).asked()

    assert lines[0] == 'Say "hey Jarvis" now … 1 of 5'
    assert lines[4] == 'Say "hey Jarvis" as you would from the next room now … 5 of 5'
    assert lines[5].startswith('Now talk for 25 seconds about anything, or read something aloud, without saying "hey J')
    assert len(lines) == 6


def test_a_prompt_is_repeated_when_nothing_was_heard() -> None:
    lines = Person(quiet(1.0), *[recording(SLT)] * 5, quiet(1.0), talk()).asked()

    assert lines[1] == 'I did not hear "hey Jarvis". Once more, please.'
    assert lines[0] == lines[2]
    assert lines[-2] == 'I heard too little, or "hey Jarvis" in it. Once more, please.'


def test_prompts_stop_after_continued_silence() -> None:
    with pytest.raises(NotEnrolled, match='I did not hear "hey Jarvis", 3 times'):
        Person(*[quiet(1.0)] * 3).asked()


def test_an_interrupted_enrolment_stores_nothing() -> None:
    with pytest.raises(NotEnrolled, match="interrupted; nothing was kept"):
        Person(recording(SLT)).asked()
