"""Classifier: one wake word's model, from the last embeddings to a score.

It refuses files that hold another kind of model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.refusals import refusal_of
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE, Floats

_MOST_EMBEDDINGS = 116
"""The history with which openWakeWord begins; a model that needs more fails there too."""

_LARGEST_BYTES = 64 << 20
"""The library's own words have 0.5 to 1.7 MB."""

_EXPECTED = f"a wake word model takes (1, N, {EMBEDDING_SIZE}) with N from 1 to {_MOST_EMBEDDINGS}, and gives (1, 1)"

_FLOAT = "tensor(float)"
_EXPORT_FLOAT = "Export the model again in float32: without half precision, and without quantised inputs or outputs."


class Classifier:
    """A loaded model; ``embeddings_seen`` is the length of its window. Raises ``WakeWordUnavailable``.

    ``pair`` is the same model, made to take two windows at once.
    """

    def __init__(self, path: Path, pair: bytes | None = None) -> None:
        self._session = _open(path) if pair is None else open_session(pair)
        self._input, self.embeddings_seen = _input_of(path, self._session)
        self._score = np.zeros((1, 1), np.float32)
        self._bindings: list[Any] = []
        self._pair: _Pair | None = None
        self._takes_two = False
        # A model may fail only when it is used: that must happen now, and not at night.
        self.listen_to(np.zeros((self.embeddings_seen, EMBEDDING_SIZE), np.float32))
        try:
            score = self._score_at(0)
        except Exception as error:
            # onnxruntime raises its own exceptions, which share no base class.
            why = refusal_of(path, error)
            raise WakeWordUnavailable(f"{path} cannot be used: {why.found}", remedy=why.remedy) from error
        if not 0 <= score <= 1:
            raise WakeWordUnavailable(f"{path} is not a wake word model: its score is {score:g}, not between 0 and 1")
        self._takes_two = _takes_two(self._session, self.embeddings_seen)

    def listen_to(self, embeddings: Floats) -> None:
        """Read the last rows of ``embeddings`` from now on, in place; the array must not be moved."""
        self._embeddings = embeddings  # keeps the memory alive
        ends = range(len(embeddings), self.embeddings_seen - 1, -1)
        windows = [embeddings[end - self.embeddings_seen : end] for end in ends]
        self._bindings = [self._bound(window[None], self._score) for window in windows]
        if len(windows) > 1 and self._takes_two:
            self._pair = self._paired(windows[1], windows[0])

    def scores(self, count: int) -> list[float]:
        """Return the scores, from 0 to 1, of the embeddings as they were after each of the last frames, 1 or 2."""
        if count == 2 and self._pair is not None:
            return self._pair.scores(self._session)
        return [self._score_at(ago) for ago in reversed(range(count))]

    def _score_at(self, ago: int) -> float:
        self._session.run_with_iobinding(self._bindings[ago])
        return float(self._score[0, 0])

    def _paired(self, before: Floats, now: Floats) -> "_Pair":
        both, scores = np.zeros((2, *now.shape), np.float32), np.zeros((2, 1), np.float32)
        return _Pair((before, now), both, scores, self._bound(both, scores))

    def _bound(self, windows: Floats, scores: Floats) -> Any:
        binding = self._session.io_binding()
        binding.bind_input(self._input, "cpu", 0, np.float32, windows.shape, windows.ctypes.data)
        output = self._session.get_outputs()[0].name
        binding.bind_output(output, "cpu", 0, np.float32, scores.shape, scores.ctypes.data)
        return binding


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two windows for a model that takes both at once: for a recurrent one that is three quarters of the work."""

    windows: tuple[Floats, Floats]
    both: Floats
    made: Floats
    binding: Any

    def scores(self, session: Any) -> list[float]:
        """Return the scores of both."""
        self.both[0], self.both[1] = self.windows
        session.run_with_iobinding(self.binding)
        return [float(self.made[0, 0]), float(self.made[1, 0])]


def _takes_two(session: Any, seen: int) -> bool:
    """Check that a model which claims to take any number of windows scores two as it scores each alone."""
    asked = session.get_inputs()[0]
    if asked.shape[0] == 1:
        return False
    windows = np.random.default_rng(3).normal(0, 20, (2, seen, EMBEDDING_SIZE)).astype(np.float32)
    try:
        (together,) = session.run(None, {asked.name: windows})
        each = [session.run(None, {asked.name: window[None]})[0][0] for window in windows]
    except Exception:  # noqa: BLE001 - onnxruntime's own classes share no base; one by one it works, as just seen
        return False
    return together.shape == (2, 1) and bool(np.allclose(together, each, rtol=0, atol=1e-5))


def _open(path: Path) -> Any:
    if path.stat().st_size > _LARGEST_BYTES:
        raise WakeWordUnavailable(f"{path} is not a wake word model: it is larger than {_LARGEST_BYTES >> 20} MiB")
    try:
        return open_session(path)
    except Exception as error:
        # onnxruntime raises its own exceptions, which share no base class.
        why = refusal_of(path, error)
        raise WakeWordUnavailable(f"{path} cannot be loaded: {why.found}", remedy=why.remedy) from error


def _input_of(path: Path, session: Any) -> tuple[str, int]:
    """Return the name of the one input and the length of its window, if the model has the shape of a wake word's."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    match [each.shape for each in inputs], [each.shape for each in outputs]:
        case [[first, int(seen), int(size)]], [[_, 1]] if (
            (
                first in {1, None} or isinstance(first, str)  # a batch of any size
            )
            and size == EMBEDDING_SIZE
            and 1 <= seen <= _MOST_EMBEDDINGS
        ):
            if {inputs[0].type, outputs[0].type} == {_FLOAT}:
                return inputs[0].name, seen
            numbers = f"takes {_number(inputs[0])} and gives {_number(outputs[0])}, and both must be float32"
            raise WakeWordUnavailable(f"{path} cannot be used: it {numbers}", remedy=_EXPORT_FLOAT)
    found = f"this one takes {_shapes(inputs)} and gives {_shapes(outputs)}"
    raise WakeWordUnavailable(f"{path} is not a wake word model: {_EXPECTED}; {found}")


def _shapes(values: Sequence[Any]) -> str:
    return " and ".join(f"({', '.join(str(size) for size in each.shape)})" for each in values) or "nothing"


def _number(value: Any) -> str:
    """Return the type of a model's numbers by numpy's name for it."""
    name = str(value.type).removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(name, name)
