"""The kernel's weights: which networks it computes, and what it refuses before C code would trust it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgevoice.wakeword.kernel import make_weights
from edgevoice.wakeword.kernel.make_weights import word_file
from edgevoice.wakeword.kernel.weights import (
    OtherKind,
    check_front_end,
    check_voice,
    check_word,
    front_end_weights,
    voice_weights,
    word_weights,
)
from edgevoice.wakeword.models.present import find_part, words_present
from edgevoice.wakeword.models.silero import find_voice

MEL = find_part("melspectrogram").read_bytes()
EMBEDDING = find_part("embedding_model").read_bytes()


def changed(model: bytes, change: Callable[[ModelProto], object]) -> bytes:
    made = onnx.load_model_from_string(model)
    change(made)
    return bytes(made.SerializeToString())


def attribute(kind: str, name: str, value: object) -> Callable[[ModelProto], object]:
    """Return what gives the first node of this kind another attribute."""

    def change(model: ModelProto) -> None:
        node = next(node for node in model.graph.node if node.op_type == kind)
        kept = [each for each in node.attribute if each.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def other_kind(kind: str, new: str) -> Callable[[ModelProto], object]:
    def change(model: ModelProto) -> None:
        next(node for node in model.graph.node if node.op_type == kind).op_type = new

    return change


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (attribute("Conv", "strides", [2, 1]), "moves in an unknown way"),
        (attribute("Conv", "dilations", [1, 2]), "moves in an unknown way"),
        (attribute("Conv", "pads", [1, 1, 1, 1]), "moves in an unknown way"),
        (attribute("LeakyRelu", "alpha", 1.5), "leaks 1.5"),
        (attribute("MaxPool", "strides", [1, 1]), "overlaps"),
        (attribute("MaxPool", "pads", [0, 1, 0, 1]), "overlaps"),
        (other_kind("LeakyRelu", "Elu"), "a step Elu where none is known"),
        (other_kind("Relu", "Identity"), "a step Identity where none is known"),
        (lambda model: model.graph.node.pop(), "embedding"),
    ],
)
def test_an_embedding_network_of_another_kind_is_refused(change: Callable[[ModelProto], object], problem: str) -> None:
    if problem == "embedding":
        assert len(front_end_weights(MEL, changed(EMBEDDING, change))) > 100
        return
    with pytest.raises(OtherKind, match=problem):
        front_end_weights(MEL, changed(EMBEDDING, change))


def test_another_mel_spectrogram_is_refused() -> None:
    with pytest.raises(OtherKind, match="mel spectrogram holds other constants"):
        front_end_weights(EMBEDDING, EMBEDDING)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (attribute("Gemm", "alpha", 2.0), "multiplies in an unknown way"),
        (attribute("Gemm", "transA", 1), "multiplies in an unknown way"),
        (attribute("ReduceMean", "axes", [0]), "normalised in an unknown way"),
        (other_kind("Relu", "Tanh"), "a step Tanh among its dense layers"),
        (other_kind("Sigmoid", "Tanh"), "a step Tanh among its dense layers"),
        (other_kind("Flatten", "Reshape"), "does not begin with a dense layer"),
        (other_kind("GreaterOrEqual", "Less"), "a step Less after its score"),
    ],
)
def test_a_word_of_another_kind_is_refused(change: Callable[[ModelProto], object], problem: str) -> None:
    with pytest.raises(OtherKind, match=problem):
        word_weights(changed(words_present()["hey_jarvis"].read_bytes(), change))


def test_the_words_of_the_package_are_computed_except_the_recurrent_one() -> None:
    kinds = {}
    for name, path in words_present().items():
        try:
            kinds[name] = check_word(word_weights(path.read_bytes()))
        except OtherKind:
            kinds[name] = 0

    assert kinds == {"alexa": 16, "hey_jarvis": 16, "hey_marvin": 16, "hey_mycroft": 0}


def without(arrays: dict[str, Any], name: str, new: object = None) -> dict[str, Any]:
    left = {key: value for key, value in arrays.items() if key != name}
    return left if new is None else left | {name: new}


def test_sizes_that_do_not_fit_together_never_reach_the_kernel() -> None:
    front_end = front_end_weights(MEL, EMBEDDING)
    word = word_weights(words_present()["hey_jarvis"].read_bytes())
    voice = voice_weights(find_voice().read_bytes())
    small = np.zeros(3, np.float32)
    for name in front_end:
        with pytest.raises(OtherKind):
            check_front_end(without(front_end, name, small))
    for name in word:
        with pytest.raises((OtherKind, IndexError)):
            check_word(without(word, name, small))
    for name in voice:
        with pytest.raises(OtherKind):
            check_voice(without(voice, name, small))
    shape = front_end["4.shape"].copy()
    shape[5] = 4
    with pytest.raises(OtherKind, match="reaches elsewhere"):
        check_front_end(without(front_end, "4.shape", shape))


def dense_model(path: Path, sizes: list[int], *, last: str = "Sigmoid") -> Path:
    """Write a model of dense layers with these numbers of units."""
    chance = np.random.default_rng(2)
    nodes, constants, value = [helper.make_node("Flatten", ["sound"], ["flat"])], [], "flat"
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        constants += [
            numpy_helper.from_array(chance.normal(0, 0.05, (inputs, outputs)).astype(np.float32), f"w{number}"),
            numpy_helper.from_array(np.zeros(outputs, np.float32), f"b{number}"),
        ]
        nodes.append(helper.make_node("Gemm", [value, f"w{number}", f"b{number}"], [f"y{number}"]))
        value = f"score{number}"
        kind = "Relu" if number < len(sizes) - 2 else last
        nodes.append(helper.make_node(kind, [f"y{number}"], [value]))
    sound = helper.make_tensor_value_info("sound", TensorProto.FLOAT, [1, sizes[0] // 96, 96])
    score = helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, 1])
    graph = helper.make_graph(nodes, "word", [sound], [score], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_a_word_of_ones_own_training_is_computed_too_and_what_is_no_word_has_no_weights(tmp_path: Path) -> None:
    own = dense_model(tmp_path / "own.onnx", [28 * 96, 32, 20, 1])
    large = dense_model(tmp_path / "large.onnx", [16 * 96, 256, 1])
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"not a model")

    assert check_word(word_weights(own.read_bytes())) == 28
    assert word_file(own)
    assert [word_file(path) for path in (large, junk, find_part("embedding_model"))] == [b"", b"", b""]


def test_another_voice_model_has_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_weights, "find_voice", lambda: words_present()["alexa"])

    assert make_weights.voice_file() == b""
