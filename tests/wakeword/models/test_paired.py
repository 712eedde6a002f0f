"""Models that take two windows at once: equal scores, made once, and optional for models that cannot be widened."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.paired import pair_models
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.models.widen import widened
from edgevoice.wakeword.scorer import StreamingScorer
from tests.wakeword.sounds import POSITIVES, frames_of, parts, quiet, recording

WORDS = ("hey_jarvis", "alexa", "hey_marvin", "hey_mycroft")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "edgevoice"


def test_every_word_of_the_package_scores_the_same_in_pairs_as_singly_with_verifiers_too(cache: Path) -> None:
    models = [words_present()[name] for name in WORDS]
    made = pair_models(models, cache)
    assert all(made)
    alone, paired = StreamingScorer(models, parts()), StreamingScorer(models, parts(), None, made)

    best = 0.0
    for name in POSITIVES:
        frames = frames_of(quiet(1.0), recording(name), quiet(0.5))
        for at in range(0, len(frames) // 2 * 2, 2):
            two = frames[at : at + 2]
            expected = np.concatenate([alone.score(frame) for frame in two])
            best = max(best, float(expected.max()))
            assert np.array(paired.score(two.reshape(-1))) == pytest.approx(expected, abs=1e-4)
    # hey_jarvis runs its verifier from 0.5 on: below that, the branch would not have been taken.
    assert best > 0.9


def test_one_of_two_windows_may_need_the_verifier_and_the_other_not() -> None:
    model = words_present()["hey_jarvis"]
    wide = widened(model.read_bytes())
    assert wide is not None
    scorer = StreamingScorer([model], parts())
    windows, scores = [], []
    for frame in frames_of(quiet(1.0), recording(POSITIVES[0]), quiet(0.5)):
        scores.append(scorer.score(frame)[0][0])
        windows.append(scorer._front_end.embeddings[1:].copy())
    loud, silent = int(np.argmax(scores)), 10

    both = Classifier(model, wide)
    for first, second in ((loud, silent), (silent, loud)):
        made = both._session.run(None, {both._input: np.stack([windows[first], windows[second]])})[0]
        assert made[:, 0] == pytest.approx([scores[first], scores[second]], abs=1e-4)


def test_paired_models_are_made_once_and_then_read_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = words_present()["alexa"]
    (first,) = pair_models([model], tmp_path)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("they are there already")

    monkeypatch.setattr(subprocess, "run", refuse)

    assert pair_models([model], tmp_path) == [first]
    assert first is not None


def odd_model(path: Path) -> Path:
    """Write a model whose operators are fixed to one window."""
    steps = [
        helper.make_node("ReduceSum", ["sound"], ["sum"], keepdims=0),
        helper.make_node("Sigmoid", ["sum"], ["flat"]),
        helper.make_node("Constant", [], ["shape"], value=helper.make_tensor("s", TensorProto.INT64, [2], [1, 1])),
        helper.make_node("Reshape", ["flat", "shape"], ["score"]),
    ]
    graph = helper.make_graph(
        steps,
        "word",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, [1, 16, 96])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [1, 1])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_a_model_that_cannot_be_widened_is_used_unchanged_and_not_tried_again(tmp_path: Path) -> None:
    odd, junk = odd_model(tmp_path / "odd.onnx"), tmp_path / "junk.onnx"
    junk.write_bytes(b"this is not a model" * 100)

    assert pair_models([odd, junk, tmp_path / "absent.onnx"], tmp_path / "cache") == [None, None, None]

    kept = sorted((tmp_path / "cache").iterdir())
    assert [place.stat().st_size for place in kept] == [0, 0]


def test_without_onnx_or_a_writable_folder_models_are_used_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = words_present()["alexa"]
    (tmp_path / "file").touch()
    assert pair_models([model], tmp_path / "file" / "cache") == [None]

    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert pair_models([model], tmp_path / "cache") == [None]


def test_the_daemon_never_imports_the_code_that_makes_them(tmp_path: Path) -> None:
    script = f"""if True:
        import sys
        from pathlib import Path
        from edgevoice.wakeword.models.present import find_model
        from edgevoice.wakeword.models.paired import pair_models
        print(len(pair_models([find_model("alexa")], Path({str(tmp_path)!r}))), "onnx" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.split() == ["1", "False"]
