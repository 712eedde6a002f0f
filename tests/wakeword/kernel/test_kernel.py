"""The kernel in C compared with onnxruntime: the same sound, every frame from the first; and how its files are made."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.engine import kernel_at_hand
from edgevoice.wakeword.kernel import kernel as kernel_module
from edgevoice.wakeword.kernel.kernel import Kernel, is_made, open_kernel, word_place
from edgevoice.wakeword.kernel.library import KernelUnavailable
from edgevoice.wakeword.kernel.stages import KernelClassifier
from edgevoice.wakeword.models.arrays import map_arrays
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.models.silero import find_voice, probabilities
from edgevoice.wakeword.scorer import StreamingScorer
from tests.wakeword.sounds import NEGATIVES, POSITIVES, Scores, frames_of, heard, parts, quiet, recording

pytestmark = pytest.mark.long

NAMES = ("hey_jarvis", "alexa", "hey_marvin", "hey_mycroft")
"""With a verifier, without normalisation, with it, and of a kind that onnxruntime computes."""
MODELS = [words_present()[name] for name in NAMES]
THRESHOLD = 0.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "edgevoice"


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Kernel:
    made = open_kernel(folder)
    made.learn(MODELS)
    return made


@pytest.fixture(scope="module")
def expected() -> list[Scores]:
    # Two at once cost half, and score the same: tests/wakeword/test_scorer.py.
    return heard(StreamingScorer(MODELS, parts()), 2)


@pytest.mark.parametrize(("at_once", "best"), [(1, 1), (2, 1), (2, 0)])
def test_over_four_minutes_scores_agree_within_0_0001_with_equal_decisions_on_any_processor(
    kernel: Kernel, expected: list[Scores], at_once: int, best: int
) -> None:
    kernel._library.kernel_choose(best)
    ours = np.concatenate(heard(StreamingScorer(MODELS, kernel), at_once))
    kernel._library.kernel_choose(1)

    theirs = np.concatenate(expected)
    assert len(ours) * FRAME / RATE_HZ >= 240
    assert np.abs(ours - theirs).max() <= 1e-4
    assert np.array_equal(ours >= THRESHOLD, theirs >= THRESHOLD)
    # Otherwise the comparison would prove little.
    assert (theirs[:, 0] >= THRESHOLD).sum() > 50


def test_behind_the_gate_it_catches_up_to_the_same_scores(kernel: Kernel) -> None:
    ours = heard(StreamingScorer(MODELS, kernel, EnergyGate()), 2, most=2)
    theirs = heard(StreamingScorer(MODELS, parts(), EnergyGate()), 2, most=2)

    assert np.abs(np.concatenate(ours) - np.concatenate(theirs)).max() <= 1e-4


def test_each_model_is_computed_by_the_kernel_if_it_is_of_its_kind(kernel: Kernel) -> None:
    kinds = [type(kernel.classifier(model)) for model in MODELS]

    assert kinds == [KernelClassifier, KernelClassifier, KernelClassifier, Classifier]
    assert [kernel.computes(model) for model in MODELS] == [True, True, True, False]


def test_files_are_private_made_once_and_then_read(
    folder: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", refuse)

    again = open_kernel(folder)
    again.learn(MODELS)

    assert again.computes(MODELS[0])
    assert {path.stat().st_mode & 0o077 for path in folder.glob("*.npy")} == {0}


@pytest.mark.parametrize("damage", ["cut short", "other numbers", "empty", "another file"])
def test_damaged_weights_are_noticed_and_made_again(
    tmp_path: Path, folder: Path, kernel: Kernel, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = front_end_in(folder)
    whole = bytearray(place.read_bytes())
    monkeypatch.setattr(kernel_module, "open_library", lambda _folder: kernel._library)
    monkeypatch.setattr(kernel_module, "_make", lambda asked: Path(asked[1]).write_bytes(whole))
    broken = bytearray(whole)
    match damage:
        case "cut short":
            del broken[-5000:]
        case "other numbers":
            broken[len(broken) // 2 : len(broken) // 2 + 4000] = bytes(4000)
        case "empty":
            broken.clear()
        case _:
            broken[:] = b"something else" * 1000
    (tmp_path / place.name).write_bytes(broken)

    open_kernel(tmp_path)

    assert (tmp_path / place.name).read_bytes() == whole


def test_a_word_whose_weights_give_other_scores_is_left_to_onnxruntime(
    tmp_path: Path, folder: Path, kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    place = word_place(MODELS[0], folder)
    assert place is not None
    arrays = map_arrays(place)
    broken = bytearray(place.read_bytes())
    at = broken.find(arrays["1.bias"].tobytes())
    broken[at : at + 512] = np.full(128, 3, np.float32).tobytes()
    (tmp_path / place.name).write_bytes(broken)

    with caplog.at_level(logging.WARNING):
        assert isinstance(Kernel(kernel._library, kernel._front_end, tmp_path).classifier(MODELS[0]), Classifier)

    (problem,) = [record.__dict__["fields"]["problem"] for record in caplog.records]
    assert "its scores differ by" in problem


def test_without_a_place_to_keep_them_weights_are_made_at_every_start(
    tmp_path: Path, folder: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = front_end_in(folder)
    monkeypatch.setattr(kernel_module, "_make", lambda asked: Path(asked[1]).write_bytes(place.read_bytes()))
    monkeypatch.setattr(kernel_module, "open_library", lambda _folder: kernel._library)
    (tmp_path / "file").touch()

    made = open_kernel(tmp_path / "file" / "cache")
    made.learn(MODELS)

    assert not made.computes(MODELS[0])
    assert made.network().step(np.ones((8, 32), np.float32)).shape == (1, 96)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (subprocess.CalledProcessError(1, "python", stderr=b"much\nat last the reason"), "at last the reason"),
        (subprocess.CalledProcessError(-9, "python", stderr=b""), "no reason given"),
        (subprocess.TimeoutExpired("python", 120), "it took longer than 120 s"),
    ],
)
def test_a_failed_child_is_one_error_with_its_last_line(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str
) -> None:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise failure

    monkeypatch.setattr(kernel_module, "open_library", lambda _folder: kernel._library)
    monkeypatch.setattr(subprocess, "run", fail)

    with pytest.raises(KernelUnavailable, match=words):
        open_kernel(tmp_path)
    Kernel(kernel._library, kernel._front_end, tmp_path).learn(MODELS)


def test_with_the_kernel_a_box_that_listens_and_answers_never_imports_onnxruntime(folder: Path, kernel: Kernel) -> None:
    script = """if True:
        import sys
        import numpy as np
        import edgevoice.box.daemon
        from edgevoice.settings.wakeword import WakewordSettings
        from edgevoice.wakeword.opening import open_detector, open_voice
        from edgevoice.wakeword.words import wake_words
        settings = WakewordSettings()
        detector = open_detector(
            settings, wake_words(settings), print, is_speaking=bool, near_misses=None, far_end=lambda take: None
        )
        scorer = detector._load()
        detector._own_voice.far_end.open()
        for _ in range(9):
            scores = scorer.score(np.ones(1280, np.int16))
        probability = open_voice().take(np.ones(640, np.int16))
        print(type(scorer).__name__, len(scores[0]), *{"onnxruntime", "onnx", "openwakeword"} & set(sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"CACHE_DIRECTORY": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout.split() == ["StreamingScorer", "1"], done.stderr


def test_the_voice_model_gives_onnxruntimes_probabilities(kernel: Kernel) -> None:
    sound = np.concatenate([recording(name) for name in (*POSITIVES, *NEGATIVES)])
    voice = kernel.voice()
    assert voice is not None

    theirs = probabilities(open_session(find_voice()), sound)
    for best in (0, 1):
        kernel._library.kernel_choose(best)
        assert np.abs(probabilities(voice, sound) - theirs).max() <= 1e-4
    assert theirs.max() > 0.9
    assert theirs.min() < 0.1


def test_a_box_that_was_just_installed_does_not_wait_for_the_kernel_to_hear_a_voice(
    tmp_path: Path, folder: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_made(folder)
    assert not is_made(tmp_path)
    assert kernel_at_hand(tmp_path) is None
    assert Kernel(kernel._library, kernel._front_end, tmp_path).voice() is None


def test_two_scorers_of_one_kernel_do_not_disturb_each_other(kernel: Kernel) -> None:
    alone, one, other = (StreamingScorer(MODELS[:1], kernel) for _ in range(3))
    frames = frames_of(quiet(1.0), recording("pos_hey_jarvis__flite_slt_1.1.wav"), quiet(0.5))

    for frame in frames:
        other.score(frames[7])
        assert one.score(frame) == alone.score(frame)


def front_end_in(folder: Path) -> Path:
    (place,) = [
        path
        for path in folder.glob("wakeword-kernel-*.npy")
        if "-word-" not in path.name and "-voice-" not in path.name
    ]
    return place


def refuse(*_arguments: object, **_options: object) -> None:
    raise AssertionError("it is there already")
