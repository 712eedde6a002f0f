"""The microwakeword engine, with the package's models on the recordings of tests/data, and with invalid files."""

import importlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.engine import check_models, open_scorer
from edgevoice.wakeword.listening import listen
from edgevoice.wakeword.models import micro
from edgevoice.wakeword.models.micro import MicroScorer
from edgevoice.wakeword.models.present import find_model, words_present
from edgevoice.wakeword.models.shapes import FRAME
from tests.wakeword.sounds import NEGATIVES, POSITIVES, Samples, frames_of, quiet, recording

JARVIS, ALEXA = (find_model(name, engine="microwakeword") for name in ("hey_jarvis", "alexa"))
SAID = "pos_hey_jarvis__flite_rms_1.1.wav"


def scores_of(scorer: MicroScorer, sound: Samples, at_once: int = 1) -> list[float]:
    frames = frames_of(quiet(2.0), sound, quiet(1.0))
    rows = [row for at in range(0, len(frames), at_once) for row in scorer.score(frames[at : at + at_once].reshape(-1))]
    return [row[0] for row in rows]


def test_the_names_of_the_packages_words_are_valid_in_the_settings() -> None:
    assert set(words_present("microwakeword")) == {"alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"}


def test_a_word_is_detected_at_the_default_threshold_and_other_speech_is_not() -> None:
    scorer = MicroScorer([JARVIS])

    said = listen(scorer, frames_of(recording(SAID)), [Thresholds()])
    others = [listen(scorer, frames_of(recording(name)), [Thresholds()]) for name in NEGATIVES]

    assert [heard.word for heard in said.heard] == [0]
    assert not any(each.heard for each in others)


def test_each_of_several_words_has_its_own_score() -> None:
    rows = [MicroScorer([ALEXA, JARVIS]).score(frame)[0] for frame in frames_of(quiet(1.0))]
    said = listen(MicroScorer([ALEXA, JARVIS]), frames_of(recording(SAID)), [Thresholds(), Thresholds()])

    assert {len(row) for row in rows} == {2}
    assert {heard.word for heard in said.heard} == {1}


def test_two_frames_at_once_score_the_same_as_one_by_one_and_after_a_reset() -> None:
    scorer = MicroScorer([JARVIS])
    one_by_one = scores_of(scorer, recording(SAID))
    scorer.reset()

    assert scores_of(scorer, recording(SAID), at_once=2) == one_by_one
    assert max(one_by_one) > 0.5


def test_scores_stay_zero_until_the_model_has_filled_its_window() -> None:
    loud = np.random.default_rng(1).integers(-9000, 9000, (12, FRAME), np.int16)
    scorer = MicroScorer([JARVIS])

    assert [scorer.score(frame) for frame in loud] == [[(0.0,)]] * 12
    assert scorer.score(loud[0]) != [(0.0,)]


def test_the_gate_saves_work_in_a_quiet_room_and_misses_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = MicroScorer([JARVIS], EnergyGate())
    took: list[Samples] = []
    hear = scorer._hear

    def heard(frame: Samples) -> Sequence[float]:
        took.append(frame)
        return hear(frame)

    monkeypatch.setattr(scorer, "_hear", heard)

    scorer_scores = scores_of(scorer, np.concatenate([quiet(10.0), recording(SAID)]))
    free = scores_of(MicroScorer([JARVIS]), np.concatenate([quiet(10.0), recording(SAID)]))

    assert len(took) < len(free)
    assert max(scorer_scores) == pytest.approx(max(free), abs=0.1)


def test_the_makers_cutoff_maps_to_a_score_of_one_half_and_the_mapping_is_monotonic() -> None:
    calibrated = [micro._calibrated(probability, 0.97) for probability in (0.0, 0.5, 0.97, 0.99, 1.0)]

    assert calibrated[0] == 0
    assert calibrated[2] == pytest.approx(0.5)
    assert calibrated == sorted(calibrated)
    assert calibrated[-1] == 1


def test_the_engine_in_the_settings_is_opened_and_checked(tmp_path: Path) -> None:
    scorer = open_scorer([JARVIS], engine="microwakeword", gate="energy", cache=tmp_path)

    assert isinstance(scorer, MicroScorer)
    check_models([JARVIS, ALEXA], engine="microwakeword")
    assert not [*tmp_path.iterdir()]


# --- invalid files ----------------------------------------------------------------------------------------------------


def described(folder: Path, model: bytes | None, **changes: Any) -> Path:
    if model is not None:
        (folder / "computer.tflite").write_bytes(model)
    micro_section = {"probability_cutoff": 0.9, "sliding_window_size": 5, "feature_step_size": 10} | changes
    path = folder / "computer.json"
    path.write_text(json.dumps({"model": "computer.tflite", "micro": micro_section}), encoding="utf-8")
    return path


GOOD = JARVIS.with_suffix(".tflite").read_bytes()


def refusal(path: Path) -> str:
    with pytest.raises(WakeWordUnavailable) as refused:
        MicroScorer([path])
    assert refused.value.remedy
    return str(refused.value)


def test_a_custom_model_is_loaded_by_the_path_of_its_description(tmp_path: Path) -> None:
    path = described(tmp_path, GOOD)

    assert find_model(str(path), engine="microwakeword") == path
    assert listen(MicroScorer([path]), frames_of(recording(SAID)), [Thresholds()]).heard


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (None, "which its .json names, cannot be read: No such file or directory"),
        (b"", "is not a model for microcontrollers in TensorFlow Lite"),
        (b"A letter to my aunt.", "is not a model for microcontrollers in TensorFlow Lite"),
        (GOOD[:3000], "cannot be used: it is damaged"),
        (GOOD[:8] + bytes(len(GOOD) - 8), "cannot be used: it uses operators that this TensorFlow Lite does not have"),
    ],
    ids=["missing", "empty", "text", "cut-off", "zeros"],
)
def test_a_damaged_model_gives_one_error_line_and_no_crash(tmp_path: Path, model: bytes | None, problem: str) -> None:
    assert refusal(described(tmp_path, model)).startswith(f"{tmp_path / 'computer.tflite'}")
    assert refusal(described(tmp_path, model)).endswith(problem)


def test_a_file_far_too_large_for_a_model_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro, "_LARGEST_BYTES", 1000)

    assert "is not a model for microcontrollers" in refusal(described(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"TfLiteInterpreterAllocateTensors": 1}, "damaged, or made for another TensorFlow Lite"),
        ({"TfLiteInterpreterGetInputTensorCount": 2}, "one input and one output; this one has 2 and 1"),
        ({"TfLiteTensorDim": 7}, "takes (1, n, 40) and gives one byte; this one takes (7, 7, 7)"),
        ({"TfLiteTensorByteSize": 4}, "takes (1, n, 40) and gives one byte; this one takes (1, 3, 40)"),
    ],
    ids=["tensors", "inputs", "bands", "output"],
)
def test_a_model_of_the_wrong_shape_is_refused_and_the_error_names_its_shape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, int], problem: str
) -> None:
    real = micro._tensorflow_lite

    def other(runtime: Path) -> Any:
        library = real(runtime)
        for name, answer in answers.items():
            monkeypatch.setattr(library, name, lambda *_arguments, answer=answer: answer)
        return library

    monkeypatch.setattr(micro, "_tensorflow_lite", other)

    assert problem in refusal(described(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no JSON", "does not describe a microWakeWord model: jSON is malformed"),
        ("{}", "does not describe a microWakeWord model: object missing required field `model`"),
        (
            '{"model": "computer.tflite", "micro": {"probability_cutoff": 2, "sliding_window_size": 5}}',
            "does not describe a microWakeWord model: expected `float` < 1.0 - at `$.micro.probability_cutoff`",
        ),
    ],
    ids=["text", "empty", "cutoff"],
)
def test_an_invalid_description_gives_one_line_that_names_what_is_missing(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = described(tmp_path, GOOD)
    path.write_text(text, encoding="utf-8")

    assert problem in refusal(path)


def test_an_unreadable_description_and_one_with_other_features_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing.json").endswith("nothing.json cannot be read: No such file or directory")
    changed = described(tmp_path, GOOD)
    changed.write_bytes(changed.read_bytes().replace(b"tflite", b"tflit\xff"))
    assert "does not describe a microWakeWord model: " in refusal(changed)
    assert refusal(described(tmp_path, GOOD, feature_step_size=20)).endswith("features every 20 ms, not 10")


def test_a_package_for_another_architecture_gives_one_line_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = described(tmp_path, GOOD)
    (tmp_path / "lib").mkdir()
    package = SimpleNamespace(
        __file__=str(tmp_path / "__init__.py"), MicroWakeWordFeatures=object, MicroWakeWord=object
    )
    monkeypatch.setattr(micro, "_library", lambda: package)

    assert refusal(path) == f"TensorFlow Lite is not in {tmp_path / 'lib'}"
    (tmp_path / "lib" / "libtensorflowlite_c.so").write_bytes(b"made for a mainframe")
    assert refusal(path).startswith("TensorFlow Lite cannot be loaded: ")


# --- models and engines that do not belong together -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "engine", "found", "remedy"),
    [
        ("/etc/w.onnx", "microwakeword", "not a microWakeWord model", 'Set wakeword.engine = "streaming"'),
        ("/etc/w.tflite", "microwakeword", "a model without its description", "Name the .json file"),
        (
            "/etc/w.json",
            "streaming",
            "not an ONNX model",
            'For a microWakeWord model, set wakeword.engine = "microwake',
        ),
    ],
)
def test_a_model_for_the_other_engine_is_refused_and_the_error_names_that_engine(
    name: str, engine: Any, found: str, remedy: str
) -> None:
    with pytest.raises(WakeWordUnavailable) as refused:
        find_model(name, engine=engine)

    assert str(refused.value) == f"wakeword.model is {name}, {found}"
    assert refused.value.remedy.startswith(remedy)


def test_an_unknown_word_is_refused_and_the_error_lists_this_engines_words(tmp_path: Path) -> None:
    with pytest.raises(WakeWordUnavailable, match="present: alexa, hey_jarvis, hey_mycroft, okay_nabu"):
        find_model("computer", engine="microwakeword")
    with pytest.raises(WakeWordUnavailable, match="there is no such file") as refused:
        find_model(str(tmp_path / "computer.json"), engine="microwakeword")
    assert "the path of a .json file" in refused.value.remedy


def test_without_the_package_the_error_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = described(tmp_path, GOOD)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setitem(__import__("sys").modules, "pymicro_wakeword", None)

    for refuse in (lambda: find_model("hey_jarvis", engine="microwakeword"), lambda: MicroScorer([path])):
        with pytest.raises(WakeWordUnavailable, match="needs the package pymicro-wakeword: not installed") as refused:
            refuse()
        assert "'pymicro-wakeword==" in refused.value.remedy


def test_both_engines_run_in_one_process(tmp_path: Path) -> None:
    """TensorFlow Lite is loaded with global symbols; the voice model runs in onnxruntime beside it."""
    shutil.copy(JARVIS, tmp_path)
    micro_scorer = MicroScorer([JARVIS])
    streaming = open_scorer([find_model("hey_jarvis")], engine="streaming", gate="off", cache=tmp_path)

    for scorer in (micro_scorer, streaming):
        assert listen(scorer, frames_of(recording(SAID)), [Thresholds()]).heard
    assert POSITIVES
