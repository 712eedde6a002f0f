"""Custom models: which are accepted, and which are refused with the expected shape."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword import engine
from edgevoice.wakeword.engine import open_scorer
from edgevoice.wakeword.models import classifier
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.front_end import PartsUnavailable
from edgevoice.wakeword.models.present import find_part, words_present
from edgevoice.wakeword.scorer import LibraryScorer, StreamingScorer
from tests.wakeword.sounds import POSITIVES, frames_of, parts, quiet, recording


def model_of(
    path: Path,
    shape: list[Any],
    *,
    output: list[Any] | None = None,
    kind: int = TensorProto.FLOAT,
    factor: float = 1e-3,
) -> Path:
    """Write a model that scores the sigmoid of the sum of what it sees, times ``factor``."""
    steps = [
        helper.make_node("ReduceSum", ["sound"], ["sum"], keepdims=0),
        helper.make_node("Constant", [], ["factor"], value=helper.make_tensor("f", TensorProto.FLOAT, [], [factor])),
        helper.make_node("Cast", ["sum"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["number", "factor"], ["small"]),
        helper.make_node("Sigmoid", ["small"], ["flat"])
        if factor < 1
        else helper.make_node("Abs", ["small"], ["flat"]),
        helper.make_node("Constant", [], ["shape"], value=helper.make_tensor("s", TensorProto.INT64, [2], [1, 1])),
        helper.make_node("Reshape", ["flat", "shape"], ["score"]),
    ]
    graph = helper.make_graph(
        steps,
        "word",
        [helper.make_tensor_value_info("sound", kind, shape)],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 1] if output is None else output)],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("seen", [1, 16, 28, 116])
@pytest.mark.parametrize("batch", [1, "batch"])
def test_a_model_with_its_own_window_length_scores_as_the_library_does(tmp_path: Path, seen: int, batch: Any) -> None:
    own = model_of(tmp_path / "computer.onnx", [batch, seen, 96])
    models = [words_present()["hey_jarvis"], own]
    ours, in_twos, theirs = StreamingScorer(models, parts()), StreamingScorer(models, parts()), LibraryScorer(models)

    frames = frames_of(recording(POSITIVES[0]), quiet(1.0))
    for number in range(0, len(frames) // 2 * 2, 2):
        two = frames[number : number + 2]
        expected = [row for frame in two for row in theirs.score(frame)]
        for got in ([row for frame in two for row in ours.score(frame)], in_twos.score(two.reshape(-1))):
            assert np.array(got) == pytest.approx(np.array(expected), abs=1e-3)


@pytest.mark.parametrize("word", ["hey_jarvis", "hey_mycroft"])
def test_two_windows_in_one_batch_score_as_each_does_alone(word: str) -> None:
    embeddings = np.random.default_rng(7).normal(0, 20, (17, 96)).astype(np.float32)
    both, before, now = (Classifier(words_present()[word]) for _ in range(3))
    both.listen_to(embeddings)
    before.listen_to(embeddings[:-1].copy())
    now.listen_to(embeddings[1:].copy())

    assert both.scores(2) == pytest.approx([*before.scores(1), *now.scores(1)], abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "output", "kind", "found"),
    [
        ([1, 16, 95], [1, 1], TensorProto.FLOAT, r"this one takes \(1, 16, 95\) and gives \(1, 1\)"),
        ([1, 1536], [1, 1], TensorProto.FLOAT, r"takes \(1, 1536\)"),
        ([2, 16, 96], [1, 1], TensorProto.FLOAT, r"takes \(2, 16, 96\)"),
        ([1, "any", 96], [1, 1], TensorProto.FLOAT, r"takes \(1, any, 96\)"),
        ([1, 117, 96], [1, 1], TensorProto.FLOAT, r"takes \(1, 117, 96\)"),
    ],
)
def test_a_model_of_the_wrong_shape_is_refused_and_the_error_names_the_expected_shape(
    tmp_path: Path, shape: list[Any], output: list[Any], kind: int, found: str
) -> None:
    model = model_of(tmp_path / "computer.onnx", shape, output=output, kind=kind)

    with pytest.raises(WakeWordUnavailable, match=found) as refused:
        Classifier(model)

    assert f"{model} is not a wake word model: a wake word model takes (1, N, 96)" in str(refused.value)
    assert "\n" not in refused.value.line()


def test_feature_models_and_command_models_of_the_package_are_refused_as_wake_words() -> None:
    timer = words_present()["hey_jarvis"].with_name("timer_v0.1.onnx")

    for model in (find_part("embedding_model"), find_part("melspectrogram"), timer):
        with pytest.raises(WakeWordUnavailable, match="this one takes"):
            Classifier(model)


def test_a_file_that_is_not_a_model_or_fails_at_inference_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"this is not a model" * 100)
    loud = model_of(tmp_path / "loud.onnx", [1, 16, 96], factor=2.0)
    monkeypatch.setattr("edgevoice.wakeword.models.classifier.np.zeros", np.ones)
    with pytest.raises(WakeWordUnavailable, match="its score is 3072, not between 0 and 1"):
        Classifier(loud)
    with pytest.raises(WakeWordUnavailable, match=r"junk\.onnx cannot be loaded: it is not an ONNX file"):
        Classifier(junk)
    monkeypatch.setattr(classifier, "_LARGEST_BYTES", 1000)
    with pytest.raises(WakeWordUnavailable, match="is larger than"):
        Classifier(junk)


def test_with_several_files_the_library_engine_names_the_wrong_one_and_the_expected_shape(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_text("this is not a model")
    own = model_of(tmp_path / "computer.onnx", [1, 16, 96])

    with pytest.raises(WakeWordUnavailable) as refused:
        LibraryScorer([own, junk])

    assert str(refused.value).startswith(f"{junk} cannot be loaded: it is not an ONNX file")
    assert "computer" not in str(refused.value)


def test_an_error_that_only_the_library_raises_names_the_other_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = model_of(tmp_path / "computer.onnx", [1, 16, 96])

    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("openwakeword.model.Model", fail)

    with pytest.raises(WakeWordUnavailable, match=r"cannot use all of .*: ZeroDivisionError") as refused:
        LibraryScorer([model])
    assert 'wakeword.engine = "streaming"' in refused.value.remedy


def test_without_a_front_end_or_the_library_the_error_does_not_suggest_the_engine_in_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_folder: Path) -> None:
        raise PartsUnavailable("the package onnx is not installed")

    monkeypatch.setattr(engine, "kernel_in", lambda _folder: None)
    monkeypatch.setattr(engine, "parts_of", fail)
    monkeypatch.setitem(sys.modules, "openwakeword.model", None)

    with pytest.raises(PartsUnavailable, match="onnx is not installed"):
        open_scorer([words_present()["hey_jarvis"]], engine="streaming", gate="off", cache=tmp_path)


def test_the_library_engine_refuses_two_files_with_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    models = [model_of(folder / "computer.onnx", [1, 16, 96]) for folder in (tmp_path, tmp_path / "other")]

    with pytest.raises(WakeWordUnavailable, match="files of the same name"):
        LibraryScorer(models)
    assert len(StreamingScorer(models, parts()).score(np.zeros(1280, np.int16))[0]) == 2


def test_missing_packages_of_the_library_are_named_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openwakeword.model", None)

    with pytest.raises(WakeWordUnavailable, match="lacks a package: openwakeword") as refused:
        LibraryScorer([words_present()["hey_jarvis"]])
    assert 'wakeword.engine = "streaming"' in refused.value.remedy
