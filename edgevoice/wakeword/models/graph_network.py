"""The embedding network as a streaming graph, run by onnxruntime with its states kept in place."""

from typing import Any

import numpy as np

from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.shapes import CHUNK_FRAMES, EMBEDDING_SIZE, MEL_BANDS, PRIMING_CHUNKS, Floats


class GraphNetwork:
    """The streaming graph with its states, kept in place: each run reads one set of states and fills the other."""

    def __init__(self, graph: bytes) -> None:
        self._session: Any = open_session(graph)
        shapes = {each.name: each.shape for each in self._session.get_inputs() if each.name != "mel"}
        self._names = list(shapes)
        self._states = [[np.zeros(shape, np.float32) for shape in shapes.values()] for _ in range(2)]
        self._mels = [np.zeros((1, 1, count * CHUNK_FRAMES, MEL_BANDS), np.float32) for count in (1, 2)]
        self._embeddings: list[Floats] = [np.zeros((count, EMBEDDING_SIZE), np.float32) for count in (1, 2)]
        self._bindings = [[self._bound(read, 1 - read, count) for read in (0, 1)] for count in (1, 2)]
        self._newest = 0

    def step(self, mel: Floats) -> Floats:
        """Return the (n, 96) embeddings of the windows that end with these 8 n mel frames, n = 1 or 2.

        Valid until the next call.
        """
        which = len(mel) // CHUNK_FRAMES - 1
        self._mels[which][0, 0] = mel
        self._session.run_with_iobinding(self._bindings[which][self._newest])
        self._newest = 1 - self._newest
        return self._embeddings[which]

    def prime(self, chunk: Floats) -> Floats:
        """Continue as if this chunk had been repeated forever; return a copy of its (96,) embedding."""
        embedding: Floats = self.catch_up(np.tile(chunk, (PRIMING_CHUNKS, 1)))[-1].copy()
        return embedding

    def catch_up(self, mel: Floats) -> Floats:
        """Restart with (8 n, 32) mel frames; return (n, 96) embeddings, valid from the first full window on."""
        feeds = {name: np.zeros_like(state) for name, state in zip(self._names, self._states[0], strict=True)}
        made, *states = self._session.run(None, feeds | {"mel": np.ascontiguousarray(mel[None, None])})
        for kept, state in zip(self._states[self._newest], states, strict=True):
            kept[:] = state
        embeddings: Floats = made
        return embeddings

    def _bound(self, read: int, filled: int, count: int) -> Any:
        binding = self._session.io_binding()
        names = [each.name for each in self._session.get_outputs()]
        for name, array in zip(["mel", *self._names], [self._mels[count - 1], *self._states[read]], strict=True):
            bind_input(binding, name, array)
        for name, array in zip(names, [self._embeddings[count - 1], *self._states[filled]], strict=True):
            bind_output(binding, name, array)
        return binding


def bind_input(binding: Any, name: str, array: Floats) -> None:
    """Let a model read ``array`` in place at every run; it must be contiguous and outlive the binding."""
    binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)


def bind_output(binding: Any, name: str, array: Floats) -> None:
    """Let a model write into ``array``."""
    binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
