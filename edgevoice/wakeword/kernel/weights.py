"""Weights: what the kernel needs of openWakeWord's ONNX files, as arrays. A network of another kind is refused.

Layers are named by their number: ``3.weights``; a classifier's verifier by ``verifier.0.weights``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from edgevoice.wakeword.kernel.onnx_file import Graph, Node, read_graph
from edgevoice.wakeword.models.arrays import Array, Arrays
from edgevoice.wakeword.models.shapes import (
    CHUNK_FRAMES,
    EMBEDDING_SIZE,
    MEL_BANDS,
    TRANSFORM,
    Floats,
)

PANEL: Final = 24
BLOCK: Final = 32
"""Columns that the kernel computes together, in convolutions and in dense layers (kernel.h)."""

_MOST_LAYERS: Final = 32
_MOST_UNITS: Final = 128
_MOST_DENSE: Final = 8
"""Limits of the kernel (kernel.h), and of what openWakeWord's training makes."""

VOICE_LAYERS: Final = ((256, 288), (387, 128), (384, 64), (192, 64), (192, 128), (256, 512), (128, 1))
"""Inputs and outputs of the voice model's layers (kernel.h)."""

_BINS = TRANSFORM // 2 + 1


class OtherKind(ValueError):
    """A network is built differently from those that the kernel computes; the text says in what."""


def front_end_weights(melspectrogram: bytes, embedding_model: bytes) -> dict[str, Array]:
    """Return the mel spectrogram's constants and the embedding network's layers. Raises ``ValueError``."""
    with _of_a_known_kind():
        window, mel = mel_constants(read_graph(melspectrogram).constants)
        arrays: dict[str, Array] = {"window": window, "mel": mel}
        for number, layer in enumerate(_convolutions(read_graph(embedding_model))):
            arrays |= {f"{number}.{name}": array for name, array in layer.items()}
        check_front_end(arrays)
    return arrays


def mel_constants(constants: Mapping[str, Array]) -> tuple[Floats, Floats]:
    """Return the window and the matrix from bins to bands; the transform is stored as convolutions with cosines."""
    by_shape: dict[tuple[int, ...], list[Array]] = {}
    for array in constants.values():
        by_shape.setdefault(array.shape, []).append(array)
    transforms, matrices = by_shape.get((_BINS, 1, TRANSFORM), []), by_shape.get((_BINS, MEL_BANDS), [])
    if len(transforms) != 2 or len(matrices) != 1:
        raise OtherKind("its mel spectrogram holds other constants")
    # At 0 Hz the cosine is 1 throughout, so its row is the bare window; the sine's part is 0.
    window = max((each[0, 0] for each in transforms), key=lambda row: float(np.abs(row).sum()))
    return np.ascontiguousarray(window, np.float32), np.ascontiguousarray(matrices[0], np.float32)


def word_weights(model: bytes) -> dict[str, Array]:
    """Return the layers of a wake word's classifier, and of its verifier if it has one. Raises ``ValueError``."""
    with _of_a_known_kind():
        graph = read_graph(model)
        chain, rest, score = _dense(graph.nodes, graph.constants, graph.inputs[0])
        arrays = {f"{number}.{name}": array for number, layer in enumerate(chain) for name, array in layer.items()}
        if rest:
            least, verifier = _verifier(rest, graph, score)
            arrays["verifier.least"] = least
            for number, layer in enumerate(verifier):
                arrays |= {f"verifier.{number}.{name}": array for name, array in layer.items()}
        check_word(arrays)
    return arrays


@contextmanager
def _of_a_known_kind() -> Iterator[None]:
    """Raise ``OtherKind`` for a graph that lacks what a step needs: a constant, an attribute or an input."""
    try:
        yield
    except (KeyError, IndexError, TypeError, StopIteration) as error:
        raise OtherKind(f"a step lacks something: {error}") from error


def voice_weights(model: bytes) -> dict[str, Array]:
    """Return the layers of the voice model, Silero VAD 6 for 16 kHz. Raises ``ValueError``."""
    with _of_a_known_kind():
        constants = read_graph(model).constants
        transform = constants["model.stft.forward_basis_buffer"][:, 0].T
        spectrum = np.zeros((len(transform), VOICE_LAYERS[0][1]), np.float32)
        spectrum[:, : transform.shape[1]] = transform
        matrices = [spectrum]
        biases = [np.zeros(spectrum.shape[1], np.float32)]
        for number in range(4):
            taps = constants[f"model.encoder.{number}.reparam_conv.weight"]
            matrices.append(taps.transpose(2, 1, 0).reshape(-1, len(taps)))
            biases.append(constants[f"model.encoder.{number}.reparam_conv.bias"])
        gates = [constants[f"model.decoder.rnn.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        matrices.append(np.concatenate(gates[:2], axis=1).T)
        biases.append(gates[2] + gates[3])
        matrices.append(constants["model.decoder.decoder.2.weight"].reshape(-1, 1))
        biases.append(constants["model.decoder.decoder.2.bias"])
        arrays: dict[str, Array] = {}
        for number, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
            arrays |= {f"{number}.weights": in_blocks(matrix), f"{number}.bias": bias}
        check_voice(arrays)
    return arrays


def in_blocks(matrix: Array) -> Array:
    """Return a dense layer's matrix, (inputs, outputs), in the order in which the kernel reads it."""
    inputs, outputs = matrix.shape
    if outputs % BLOCK == 0:
        matrix = matrix.reshape(inputs, -1, BLOCK).transpose(1, 0, 2)
    return np.ascontiguousarray(matrix, np.float32)


def layers_of(arrays: Arrays, prefix: str = "") -> Iterator[Arrays]:
    """Yield the arrays of each layer under their bare names, such as ``bias``."""
    number = 0
    while f"{prefix}{number}.weights" in arrays:
        begin = f"{prefix}{number}."
        yield {name.removeprefix(begin): array for name, array in arrays.items() if name.startswith(begin)}
        number += 1


# --- what the kernel takes for granted --------------------------------------------------------------------------------


def check_front_end(arrays: Arrays) -> None:
    """Raise ``OtherKind`` unless every size is what the next part of the kernel expects: C checks nothing."""
    _expect("window", arrays, (TRANSFORM,))
    _expect("mel", arrays, (_BINS, MEL_BANDS))
    frames, bands, channels = CHUNK_FRAMES, MEL_BANDS, 1
    layers = list(layers_of(arrays))
    for layer in layers[:_MOST_LAYERS]:
        _expect("shape", layer, (7,), np.int32)
        _expect("limits", layer, (2,))
        reach_time, reach_bands, taken, made, _, pool_time, pool_bands = (int(each) for each in layer["shape"])
        if taken != channels or made % PANEL or not PANEL <= made <= EMBEDDING_SIZE:
            raise OtherKind(f"a layer of the embedding network makes {made} channels of {taken}")
        if (
            (reach_time, reach_bands) not in {(3, 3), (1, 3), (3, 1)}
            or pool_time not in {1, 2}
            or pool_bands not in {1, 2}
        ):
            raise OtherKind("a layer of the embedding network reaches elsewhere")
        if frames % pool_time or bands % pool_bands:
            raise OtherKind("a layer of the embedding network pools what is not there")
        _expect("weights", layer, (made // PANEL, reach_time * reach_bands * taken, PANEL))
        for name in ("bias", "scale", "shift"):
            _expect(name, layer, (made,))
        frames, bands, channels = frames // pool_time, bands // pool_bands, made
    if len(layers) > _MOST_LAYERS or (frames, bands, channels) != (1, 1, EMBEDDING_SIZE):
        raise OtherKind(f"the embedding network does not make one embedding in {CHUNK_FRAMES} frames")


def check_word(arrays: Arrays) -> int:
    """Return how many embeddings a classifier sees; raise ``OtherKind`` unless its sizes follow from one another."""
    seen = _check_chain(list(layers_of(arrays)))
    if "verifier.least" in arrays:
        _expect("verifier.least", arrays, (1,))
        if _check_chain(list(layers_of(arrays, "verifier."))) != seen:
            raise OtherKind("its verifier sees another window")
    return seen


def check_voice(arrays: Arrays) -> None:
    """Raise ``OtherKind`` unless the voice model's layers have the kernel's sizes."""
    layers = list(layers_of(arrays))
    if len(layers) != len(VOICE_LAYERS):
        raise OtherKind(f"the voice model has {len(layers)} layers")
    for layer, (inputs, outputs) in zip(layers, VOICE_LAYERS, strict=True):
        _expect("weights", layer, _blocks(inputs, outputs))
        _expect("bias", layer, (outputs,))


def _blocks(inputs: int, outputs: int) -> tuple[int, ...]:
    return (outputs // BLOCK, inputs, BLOCK) if outputs % BLOCK == 0 else (inputs, outputs)


def _check_chain(layers: Sequence[Arrays]) -> int:
    if not 1 <= len(layers) <= _MOST_DENSE:
        raise OtherKind(f"it has {len(layers)} layers")
    first = inputs = int(layers[0]["weights"].shape[-2])
    for layer in layers:
        outputs = len(layer["bias"])
        if outputs > _MOST_UNITS:
            raise OtherKind(f"a layer has {outputs} units")
        _expect("weights", layer, _blocks(inputs, outputs))
        _expect("bias", layer, (outputs,))
        if "gain" in layer:
            _expect("gain", layer, (outputs,))
            _expect("offset", layer, (outputs,))
            _expect("epsilon", layer, (1,))
        inputs = outputs
    if inputs != 1 or first % EMBEDDING_SIZE:
        raise OtherKind("it does not make one score of embeddings")
    return first // EMBEDDING_SIZE


def _expect(name: str, arrays: Arrays, shape: tuple[int, ...], kind: type = np.float32) -> None:
    found = arrays.get(name)
    if found is None or found.shape != shape or found.dtype != kind:
        raise OtherKind(f"{name} is {'missing' if found is None else found.shape}, and must be {shape}")


# --- from ONNX --------------------------------------------------------------------------------------------------------


def _convolutions(graph: Graph) -> Iterator[dict[str, Array]]:
    """Yield the embedding network's layers: each a convolution, and some of what may follow it, in this order."""
    nodes = list(graph.nodes)
    padding = 0
    while nodes and nodes[0].kind in {"Pad", "Reshape"}:
        node = nodes.pop(0)
        if node.kind == "Pad":
            padding = _bands_padding([int(each) for each in graph.constants[node.inputs[1]]])
    while nodes and nodes[0].kind == "Conv":
        layer, made = _convolution(nodes.pop(0), graph.constants, padding)
        padding = 0
        for kind, take in _FOLLOWING.items():
            if nodes and nodes[0].kind == kind:
                node = nodes.pop(0)
                if made not in node.inputs:
                    raise OtherKind(f"a step {kind} takes something else than the step before it")
                take(layer, node, graph.constants)
                (made,) = node.outputs
        yield layer
    if [node.kind for node in nodes] not in ([], ["Reshape"], ["Transpose"], ["Transpose", "Reshape"]):
        raise OtherKind(f"the embedding network has a step {nodes[0].kind} where none is known")


def _bands_padding(pads: Sequence[int]) -> int:
    """Return the zeros at either end of the bands of (n, frames, bands, 1)."""
    if len(pads) != 8 or any(pads[axis] for axis in (0, 1, 3, 4, 5, 7)) or pads[2] != pads[6]:
        raise OtherKind(f"the embedding network is padded in another way: {pads}")
    return pads[2]


def _convolution(node: Node, constants: Mapping[str, Array], padding: int) -> tuple[dict[str, Array], str]:
    weights = constants[node.inputs[1]]
    made, taken, reach_time, reach_bands = weights.shape
    pads = node.attributes.get("pads") or [0, padding, 0, padding]
    plain = {"strides": [1, 1], "dilations": [1, 1], "group": 1}
    zero = (reach_bands - 1) // 2
    if pads != [0, zero, 0, zero] or any(node.attributes.get(name, value) != value for name, value in plain.items()):
        raise OtherKind("a convolution of the embedding network moves in an unknown way")
    columns = weights.transpose(2, 3, 1, 0).reshape(-1, made // PANEL, PANEL)
    bias = constants[node.inputs[2]] if len(node.inputs) > 2 else np.zeros(made, np.float32)
    layer = {
        "shape": np.array([reach_time, reach_bands, taken, made, 0, 1, 1], np.int32),
        "limits": np.array([1, -np.inf], np.float32),
        "weights": np.ascontiguousarray(columns.transpose(1, 0, 2), np.float32),
        "bias": bias,
        "scale": np.ones(made, np.float32),
        "shift": np.zeros(made, np.float32),
    }
    return layer, node.outputs[0]


def _take_relu(layer: dict[str, Array], _node: Node, _constants: Mapping[str, Array]) -> None:
    layer["shape"][4] = 1


def _take_normalisation(layer: dict[str, Array], node: Node, constants: Mapping[str, Array]) -> None:
    if not layer["shape"][4]:
        raise OtherKind("a layer of the embedding network is normalised before it is rectified")
    gain, offset, mean, variance = (constants[name].astype(np.float64) for name in node.inputs[1:])
    scale = gain / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    layer["scale"], layer["shift"] = scale.astype(np.float32), (offset - mean * scale).astype(np.float32)


def _take_leak(layer: dict[str, Array], node: Node, _constants: Mapping[str, Array]) -> None:
    leak = node.attributes.get("alpha", 0.01)
    if not 0 <= leak <= 1:
        raise OtherKind(f"a layer of the embedding network leaks {leak:g}")
    layer["limits"][0] = leak


def _take_floor(layer: dict[str, Array], node: Node, constants: Mapping[str, Array]) -> None:
    (floor,) = (constants[name] for name in node.inputs if name in constants)
    layer["limits"][1] = floor.reshape(())


def _take_pool(layer: dict[str, Array], node: Node, _constants: Mapping[str, Array]) -> None:
    pool = node.attributes["kernel_shape"]
    if node.attributes.get("strides") != pool or any(node.attributes.get("pads") or []):
        raise OtherKind("a pooling of the embedding network overlaps")
    layer["shape"][5:] = pool


_FOLLOWING: Final = {
    "Relu": _take_relu,
    "BatchNormalization": _take_normalisation,
    "LeakyRelu": _take_leak,
    "Max": _take_floor,
    "MaxPool": _take_pool,
}


_NORMALISED: Final = ("ReduceMean", "Sub", "Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add")
"""Layer normalisation as opset 13 writes it."""


def _dense(
    nodes: Sequence[Node], constants: Mapping[str, Array], source: str
) -> tuple[list[dict[str, Array]], list[Node], str]:
    """Return the layers of a chain of dense ones from ``source`` to a score, what comes after it, and its name."""
    rest = list(nodes)
    if not rest or rest[0].kind != "Flatten" or rest[0].inputs[0] != source:
        raise OtherKind("it does not begin with a dense layer")
    value = rest.pop(0).outputs[0]
    layers: list[dict[str, Array]] = []
    while rest and rest[0].kind == "Gemm" and rest[0].inputs[0] == value:
        layer = _gemm(rest.pop(0), constants)
        layers.append(layer)
        if tuple(node.kind for node in rest[: len(_NORMALISED)]) == _NORMALISED:
            layer |= _normalisation(rest[: len(_NORMALISED)], constants)
            del rest[: len(_NORMALISED)]
        if rest and rest[0].kind == "Sigmoid":
            return layers, rest[1:], rest[0].outputs[0]
        if not rest or rest[0].kind != "Relu":
            break
        value = rest.pop(0).outputs[0]
    raise OtherKind(f"it has a step {rest[0].kind if rest else 'missing'} among its dense layers")


def _gemm(node: Node, constants: Mapping[str, Array]) -> dict[str, Array]:
    if any(node.attributes.get(name, 1) != 1 for name in ("alpha", "beta")) or node.attributes.get("transA"):
        raise OtherKind("a dense layer multiplies in an unknown way")
    weights = constants[node.inputs[1]]
    weights = weights.T if node.attributes.get("transB") else weights
    return {"weights": in_blocks(weights), "bias": constants[node.inputs[2]].reshape(-1)}


def _normalisation(nodes: Sequence[Node], constants: Mapping[str, Array]) -> dict[str, Array]:
    def constant(node: Node) -> Array:
        return next(constants[name] for name in node.inputs if name in constants)

    if constant(nodes[2]) != 2 or any(node.attributes.get("axes") != [-1] for node in (nodes[0], nodes[3])):
        raise OtherKind("a dense layer is normalised in an unknown way")
    epsilon, gain, offset = (constant(nodes[at]).reshape(-1).astype(np.float32) for at in (4, 7, 8))
    return {"epsilon": epsilon, "gain": gain, "offset": offset}


def _verifier(rest: Sequence[Node], graph: Graph, score: str) -> tuple[Array, list[dict[str, Array]]]:
    """Return the least score that is verified and the verifier's layers: openWakeWord's second opinion."""
    match rest:
        case [
            Node(kind="GreaterOrEqual", inputs=[compared, least]),
            Node(kind="Cast"),
            Node(kind="If", attributes={"then_branch": Graph() as verifier, "else_branch": Graph() as other}),
        ] if compared == score and [(node.kind, *node.inputs) for node in other.nodes] == [("Identity", score)]:
            constants: dict[str, Any] = {**graph.constants, **verifier.constants}
            layers, more, _ = _dense(verifier.nodes, constants, graph.inputs[0])
            if more:
                raise OtherKind("its verifier goes on after its score")
            return constants[least].reshape(-1).astype(np.float32), layers
        case _:
            raise OtherKind(f"it has a step {rest[0].kind} after its score")
