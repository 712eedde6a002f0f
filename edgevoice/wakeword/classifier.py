"""Classifier: one wake word's model, from the last embeddings to a score.

Refuses files that are another kind of model.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.session import open_session
from edgevoice.wakeword.shapes import EMBEDDING_SIZE, Floats

_MOST_EMBEDDINGS = 116
"""The history that openWakeWord begins with; a model that asks for more fails there too."""

_LARGEST_BYTES = 64 << 20
"""The library's own words have 0.5 to 1.7 MB."""

_EXPECTED = f"a wake word model takes (1, N, {EMBEDDING_SIZE}) with N from 1 to {_MOST_EMBEDDINGS}, and gives (1, 1)"


class Classifier:
    """A loaded model; ``embeddings_seen`` is the length of its window. Raises ``WakeWordUnavailable``."""

    def __init__(self, path: Path) -> None:
        self._session = _open(path)
        self._input, self.embeddings_seen = _input_of(path, self._session)
        self._score = np.zeros((1, 1), np.float32)
        self._binding: Any = None
        # A model may break only when it is used: that must come out now, and not in the night.
        self.listen_to(np.zeros((self.embeddings_seen, EMBEDDING_SIZE), np.float32))
        try:
            score = self.score()
        except Exception as error:
            # onnxruntime raises classes of its own, which share no base.
            raise WakeWordUnavailable(f"{path} is not a wake word model: {type(error).__name__}") from error
        if not 0 <= score <= 1:
            raise WakeWordUnavailable(f"{path} is not a wake word model: its score is {score:g}, not between 0 and 1")

    def listen_to(self, embeddings: Floats) -> None:
        """Read the last rows of ``embeddings`` from now on, where they lie; they must not be moved."""
        window = embeddings[-self.embeddings_seen :]
        self._binding = self._session.io_binding()
        self._binding.bind_input(self._input, "cpu", 0, np.float32, (1, *window.shape), window.ctypes.data)
        output = self._session.get_outputs()[0].name
        self._binding.bind_output(output, "cpu", 0, np.float32, self._score.shape, self._score.ctypes.data)
        self._window = window  # keeps the memory alive

    def score(self) -> float:
        """Return the score, from 0 to 1, of what is in the embeddings now."""
        self._session.run_with_iobinding(self._binding)
        return float(self._score[0, 0])


def _open(path: Path) -> Any:
    if path.stat().st_size > _LARGEST_BYTES:
        raise WakeWordUnavailable(f"{path} is not a wake word model: it is larger than {_LARGEST_BYTES >> 20} MiB")
    try:
        return open_session(path)
    except Exception as error:
        # onnxruntime raises classes of its own for files that are no models; all mean the same to the owner.
        raise WakeWordUnavailable(f"{path} is not a wake word model: {type(error).__name__}") from error


def _input_of(path: Path, session: Any) -> tuple[str, int]:
    """Return the name of the one input and the length of its window, if the model's frame is a wake word's."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    match [each.shape for each in inputs], [each.shape for each in outputs]:
        case [[first, int(seen), int(size)]], [[_, 1]] if (
            (
                first in {1, None} or isinstance(first, str)  # a batch of any size
            )
            and size == EMBEDDING_SIZE
            and 1 <= seen <= _MOST_EMBEDDINGS
        ):
            if {inputs[0].type, outputs[0].type} == {"tensor(float)"}:
                return inputs[0].name, seen
    found = f"this one takes {_shapes(inputs)} and gives {_shapes(outputs)}"
    raise WakeWordUnavailable(f"{path} is not a wake word model: {_EXPECTED}; {found}")


def _shapes(values: Sequence[Any]) -> str:
    return " and ".join(f"({', '.join(str(size) for size in each.shape)})" for each in values) or "nothing"
