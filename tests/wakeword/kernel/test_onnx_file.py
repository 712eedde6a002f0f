"""The reader of ONNX files, compared with the package `onnx`, and with files that are none."""

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgevoice.wakeword.kernel.onnx_file import NotOnnx, read_graph
from edgevoice.wakeword.models.present import find_part, words_present
from edgevoice.wakeword.models.silero import find_voice

FILES = [*words_present().values(), find_part("embedding_model"), find_part("melspectrogram"), find_voice()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nodes_and_constants_are_those_that_the_package_onnx_reads(path: Path) -> None:
    model = path.read_bytes()

    graph, theirs = read_graph(model), onnx.load_model_from_string(model).graph

    assert [node.kind for node in graph.nodes] == [node.op_type for node in theirs.node if node.op_type != "Constant"]
    assert list(graph.inputs) == [each.name for each in theirs.input]
    assert list(graph.outputs) == [each.name for each in theirs.output]
    for tensor in theirs.initializer:
        assert np.array_equal(graph.constants[tensor.name], numpy_helper.to_array(tensor))
    for node, other in zip(graph.nodes, [each for each in theirs.node if each.op_type != "Constant"], strict=True):
        assert (list(node.inputs), list(node.outputs)) == (list(other.input), list(other.output))
        for attribute in other.attribute:
            value = helper.get_attribute_value(attribute)
            if isinstance(value, (int, float)) or (isinstance(value, list) and value):
                assert node.attributes[attribute.name] == value


def test_numbers_that_are_written_one_by_one_or_negative_are_read() -> None:
    values = helper.make_tensor("c", TensorProto.INT64, [3], [-1, 0, 1 << 40])
    floats = helper.make_tensor("f", TensorProto.FLOAT, [2], [0.5, -2])
    half = helper.make_tensor("h", TensorProto.FLOAT16, [1], [0.5])
    node = helper.make_node("Odd", ["x"], ["y"], axes=[-1, 2], alpha=0.25)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    graph = helper.make_graph([node], "g", inputs, outputs, [values, floats, half])

    read = read_graph(helper.make_model(graph).SerializeToString())

    assert read.constants["c"].tolist() == [-1, 0, 1 << 40]
    assert read.constants["f"].tolist() == [0.5, -2]
    assert "h" not in read.constants
    assert read.nodes[0].attributes == {"axes": [-1, 2], "alpha": 0.25}


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"\x08\x07", b"\x3a\xff\xff\xff\xff\x0f", b"\xff" * 40])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(NotOnnx):
        read_graph(content)


@given(at=st.integers(0, 4999), byte=st.integers(0, 255), end=st.integers(0, 5000))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(at: int, byte: int, end: int) -> None:
    content = bytearray(FILES[-1].read_bytes()[-5000:] if at % 2 else FILES[0].read_bytes()[:5000])
    content[at] = byte

    with contextlib.suppress(NotOnnx):
        read_graph(bytes(content[:end]))
