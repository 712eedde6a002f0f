"""Graph: openWakeWord's embedding network rewritten to keep state instead of computing everything again.

The network sees 76 mel frames and runs every 8, so 89 % of each window was seen before. All its convolutions and
poolings are VALID along time with a total stride of 8 frames, hence each convolution over three frames needs only the
last two frames of its previous input: eleven small states make 8 new frames as good as all 76. Needs the package
`onnx`, and is run once for each release of the models; the daemon itself never imports this module.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference

from edgevoice.wakeword.models.shapes import CHUNK_FRAMES, EMBEDDING_SIZE, MEL_BANDS

_REACH = 3
"""Frames that a convolution along time sees; two of them are from before."""

_POINTWISE = {"Relu", "LeakyRelu", "BatchNormalization", "Max", "Clip", "Identity", "Cast"}
"""Operators that treat each frame separately, and can stay as they are."""


class GraphUnknown(ValueError):
    """The embedding network is built differently from those that can be rewritten."""


def streaming_graph(embedding_model: bytes) -> bytes:
    """Return the network as a graph of ``mel`` and states to ``embedding`` and states.

    ``mel`` is (1, 1, 8 n, 32), any n; ``embedding`` is (n, 96); each ``state_k`` has its successor in ``next_k``.
    Raises ``GraphUnknown`` for a network of another kind.
    """
    model = onnx.load_model_from_string(embedding_model)
    builder = _Builder(shape_inference.infer_shapes(model))
    for node in model.graph.node:
        builder.take(node)
    graph: bytes = builder.finish(model).SerializeToString()
    return graph


def constants_of(model: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the name and the array of every constant that is stored in a model's graph."""
    for tensor in onnx.load_model_from_string(model).graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)


class _Builder:
    """The new graph as it grows, node by node in the order of the old one."""

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._widths = {
            value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
            for value in graph.value_info
        }
        self._renamed = {graph.input[0].name: "mel"}
        self._head_padding = [0, 0]
        self._nodes: list[NodeProto] = []
        self._states: list[list[int]] = []
        self._time_strides: list[int] = []
        self._output = ""

    def take(self, node: NodeProto) -> None:
        """Append the node in the form that it needs to run on new frames alone."""
        if self._output:
            raise GraphUnknown(f"{node.op_type} comes after the end of the embedding network")
        if not node.input:
            raise GraphUnknown(f"the embedding network has a step {node.op_type}, which takes nothing")
        source = self._renamed.get(node.input[0], node.input[0])
        if source == "mel" and node.op_type in {"Pad", "Reshape"}:
            self._leave_out_head(node)
            return
        taken = NodeProto()
        taken.CopyFrom(node)
        taken.input[0] = source
        match node.op_type:
            case "Conv":
                self._take_convolution(taken)
            case "MaxPool":
                self._take_pooling(taken)
            case "Reshape":
                self._output = source
            case kind if kind in _POINTWISE:
                self._nodes.append(taken)
            case kind:
                raise GraphUnknown(f"the embedding network has a step {kind}, of which nothing is known along time")

    def _leave_out_head(self, node: NodeProto) -> None:
        """Leave out the part that turns (n, frames, bands, 1) into (n, 1, frames, bands), and remember its padding."""
        if node.op_type == "Pad":
            pads = [int(pad) for pad in numpy_helper.to_array(self._tensors[node.input[1]])]
            if len(pads) != 8 or any(pads[axis] for axis in (0, 1, 3, 4, 5, 7)):
                raise GraphUnknown(f"the embedding network is padded along time: {pads}")
            self._head_padding = [pads[2], pads[6]]
        self._renamed[node.output[0]] = "mel"

    def _take_convolution(self, node: NodeProto) -> None:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        reach, _ = attributes["kernel_shape"]
        pads = list(attributes.get("pads", [0, 0, 0, 0]))
        is_plain = attributes.get("strides", [1, 1])[0] == attributes.get("dilations", [1, 1])[0] == 1
        if reach not in {1, _REACH} or pads[0] or pads[2] or not is_plain:
            raise GraphUnknown("a convolution of the embedding network moves along time in an unknown way")
        if node.input[0] == "mel":
            for attribute in [each for each in node.attribute if each.name == "pads"]:
                node.attribute.remove(attribute)
            node.attribute.append(helper.make_attribute("pads", [0, self._head_padding[0], 0, self._head_padding[1]]))
        if reach == _REACH:
            node.input[0] = self._remember(node.input[0], channels=self._tensors[node.input[1]].dims[1])
        self._nodes.append(node)

    def _remember(self, source: str, *, channels: int) -> str:
        """Prepend the last two previous frames to ``source``; return the name of the concatenation."""
        number = len(self._states)
        bands = MEL_BANDS if source == "mel" else self._widths[source][3]
        self._states.append([1, channels, _REACH - 1, bands])
        joined = f"joined_{number}"
        self._nodes += [
            helper.make_node("Concat", [f"state_{number}", source], [joined], axis=2),
            helper.make_node("Slice", [joined, "from_last_two", "to_end", "along_time"], [f"next_{number}"]),
        ]
        return joined

    def _take_pooling(self, node: NodeProto) -> None:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        reach, stride = attributes["kernel_shape"][0], attributes.get("strides", [1, 1])[0]
        if reach != stride or any(attributes.get("pads", [])):
            raise GraphUnknown("a pooling of the embedding network overlaps along time")
        self._time_strides.append(stride)
        self._nodes.append(node)

    def finish(self, model: ModelProto) -> ModelProto:
        """Return the complete graph, after checking its overall structure."""
        if not self._output or prod(self._time_strides) != CHUNK_FRAMES:
            raise GraphUnknown(f"the embedding network does not make one step in {CHUNK_FRAMES} frames")
        self._nodes += [
            helper.make_node("Transpose", [self._output], ["by_time"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["by_time", "one_each"], ["embedding"]),
        ]
        integers = {
            "from_last_two": [1 - _REACH],
            "to_end": [2**31 - 1],
            "along_time": [2],
            "one_each": [-1, EMBEDDING_SIZE],
        }
        used = {name for node in self._nodes for name in node.input}
        tensors = [tensor for name, tensor in self._tensors.items() if name in used]
        tensors += [
            helper.make_tensor(name, TensorProto.INT64, [len(values)], values) for name, values in integers.items()
        ]
        states = [
            (helper.make_tensor_value_info(f"{name}_{number}", TensorProto.FLOAT, shape))
            for name in ("state", "next")
            for number, shape in enumerate(self._states)
        ]
        count = len(self._states)
        graph = helper.make_graph(
            self._nodes,
            "edgevoice_streaming_embedding",
            [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, 1, "frames", MEL_BANDS]), *states[:count]],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", EMBEDDING_SIZE]), *states[count:]],
            tensors,
        )
        built = helper.make_model(graph, opset_imports=model.opset_import, ir_version=max(model.ir_version, 7))
        onnx.checker.check_model(built)
        return built
