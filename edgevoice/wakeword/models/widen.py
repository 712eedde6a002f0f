"""Widening: rewrites a wake word's model for one window to take two at once. Its weights are read once for both.

Needs the package `onnx`; imported by the process that rewrites, never by the daemon. A model that cannot be rewritten,
or whose copy does not give the same scores in an immediate check, is left as it is.
"""

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE

_MOST_DIFFERENCE = 1e-5
_PROOFS = 8


def widened(model: bytes) -> bytes | None:
    """Return a model of (n, N, 96) to (n, 1) that scores each window as ``model`` does; None if it cannot be made."""
    try:
        made = onnx.load_model_from_string(model)
        _widen(made)
        onnx.checker.check_model(made)
        wide: bytes = made.SerializeToString()
        return wide if _is_the_same(model, wide) else None
    except Exception:  # noqa: BLE001 - anybody's file, two libraries with classes of their own, and one answer to all
        return None


def _widen(model: ModelProto) -> None:
    graph = model.graph
    for value in (graph.input[0], graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = "windows"
    # Shapes that were computed for one window.
    del graph.value_info[:]
    nodes: list[NodeProto] = []
    for node in graph.node:
        nodes += _for_each_window(node) if node.op_type == "If" else [node]
    kept = list(nodes)
    del graph.node[:]
    graph.node.extend(kept)


def _for_each_window(node: NodeProto) -> list[NodeProto]:
    """Compute a branch if any window needs it, and use it only for those windows: openWakeWord's verifiers.

    This requires the other branch to be a value that exists already; else ``ValueError``.
    """
    branches: dict[str, GraphProto] = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    wanted, other = branches["then_branch"], branches["else_branch"]
    (condition,) = node.input
    match list(other.node):
        case [NodeProto(op_type="Identity", input=[value])]:
            pass
        case _:
            raise ValueError("the model decides between two branches that are both computed")
    name = wanted.output[0].name
    wanted.node.append(helper.make_node("Where", [condition, name, value], [f"{name}_where_wanted"]))
    wanted.output[0].name = f"{name}_where_wanted"
    for branch in (wanted, other):
        branch.output[0].type.tensor_type.ClearField("shape")
    taken = NodeProto()
    taken.CopyFrom(node)
    taken.input[0] = f"{condition}_of_any"
    del taken.attribute[:]
    taken.attribute.extend(_branch(name, branch) for name, branch in branches.items())
    return [
        helper.make_node("Cast", [condition], [f"{condition}_as_number"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", [f"{condition}_as_number"], [f"{condition}_highest"], keepdims=0),
        helper.make_node("Cast", [f"{condition}_highest"], [f"{condition}_of_any"], to=TensorProto.BOOL),
        taken,
    ]


def _branch(name: str, graph: GraphProto) -> AttributeProto:
    return helper.make_attribute(name, graph)


def _is_the_same(model: bytes, wide: bytes) -> bool:
    one, many = open_session(model), open_session(wide)
    (asked,) = one.get_inputs()
    chance = np.random.default_rng(11)
    for number in range(_PROOFS):
        shape = (2, asked.shape[1], EMBEDDING_SIZE)
        windows = chance.normal(0, 2.0 ** (number - 1), shape).astype(np.float32)
        (together,) = many.run(None, {asked.name: windows})
        each = np.concatenate([one.run(None, {asked.name: window[None]})[0] for window in windows])
        if together.shape != (2, 1) or not np.abs(together - each).max() <= _MOST_DIFFERENCE:
            return False
    return True
