"""Streaming front end: sound in, embeddings out, each value computed once. No threads, no clock, no files.

Its embeddings equal openWakeWord's from the first frame on: the library begins with a window of ones after ten seconds
of digital silence, and so does this. (A history of ones in place of the silence once scored 0.57.)
"""

from typing import Any

import numpy as np

from edgevoice.wakeword.models.front_end import FrontEndParts
from edgevoice.wakeword.models.mel import MelBank
from edgevoice.wakeword.models.onnx_session import open_session
from edgevoice.wakeword.models.shapes import (
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    EMBEDDING_SIZE,
    FRAME,
    LOOKBACK,
    MEL_BANDS,
    WINDOW_FRAMES,
    Floats,
    Samples,
)

_WINDOW_CHUNKS = -(-WINDOW_FRAMES // CHUNK_FRAMES)
"""Chunks of 8 mel frames that hold a window of 76: 10."""


class FrontEnd:
    """Keeps the last ``history`` embeddings in ``embeddings``, (history, 96) float32, the newest last.

    The array is never replaced, so models may be bound to its memory. A frame has 1280 samples, s16; two frames may be
    taken at once, at three quarters of what they cost one by one.
    """

    def __init__(self, parts: FrontEndParts, history: int) -> None:
        self._bank = MelBank(parts.window, parts.mel)
        self._network = _Network(parts.graph)
        # Filled to its end, then restarted with what is still needed: not a ring, and moved only rarely.
        self._context = LOOKBACK + self.context_frames(history) * FRAME
        self._sound = np.zeros(8 * self._context // FRAME * FRAME, np.int16)
        self._end = self._context
        self._heard = 0
        self._behind = 0
        self.embeddings = np.zeros((history, EMBEDDING_SIZE), np.float32)
        silence = self._network.prime(self._bank.chunk(np.zeros(CHUNK_SAMPLES, np.int16)))
        self._silence = np.broadcast_to(silence, self.embeddings.shape)
        self._ones = np.ones((CHUNK_FRAMES, MEL_BANDS), np.float32)
        self.reset()

    @staticmethod
    def context_frames(history: int) -> int:
        """Return how many frames of sound the last ``history`` embeddings depend on: 25 for 16."""
        return history + _WINDOW_CHUNKS - 1

    @property
    def has_context(self) -> bool:
        """Whether enough was heard since the start that all embeddings come from sound, and can be recomputed."""
        return self._heard > self.context_frames(len(self.embeddings))

    def reset(self) -> None:
        """Forget everything, as if nothing had been heard yet."""
        self._heard = self._behind = 0
        self._network.prime(self._ones)
        self.embeddings[:] = self._silence

    def skip(self, sound: Samples) -> None:
        """Take one or two frames without computing anything; the next ``step`` catches up with what is needed.

        Only allowed once ``has_context`` is true.
        """
        self._keep(sound)
        self._behind += len(sound) // FRAME

    def step(self, sound: Samples) -> None:
        """Take one or two frames and bring the embeddings up to date; the very first frame must come alone."""
        self._keep(sound)
        if self._behind:
            self._catch_up()
        elif self._heard == 1:
            # The first frame has no predecessor: it has only five mel frames, preceded by the window's ones.
            mel = self._bank.first_frames(sound)
            self._append(self._network.step(np.concatenate([self._ones[len(mel) :], mel])))
        else:
            self._append(
                self._network.step(self._bank.chunk(self._sound[self._end - LOOKBACK - len(sound) : self._end]))
            )

    def _keep(self, sound: Samples) -> None:
        if self._end + len(sound) > len(self._sound):
            self._sound[: self._context] = self._sound[self._end - self._context : self._end]
            self._end = self._context
        self._sound[self._end : self._end + len(sound)] = sound
        self._end += len(sound)
        self._heard += len(sound) // FRAME

    def _append(self, embeddings: Floats) -> None:
        self.embeddings[: -len(embeddings)] = self.embeddings[len(embeddings) :]
        self.embeddings[-len(embeddings) :] = embeddings

    def _catch_up(self) -> None:
        """Compute all embeddings from the sound that was kept, in one run of the network: 3 ms for two seconds."""
        sound = self._sound[self._end - self._context : self._end]
        sounds = np.lib.stride_tricks.sliding_window_view(sound, CHUNK_SAMPLES)[::FRAME]
        made = self._network.catch_up(self._bank.chunks(sounds).reshape(-1, MEL_BANDS))
        self.embeddings[:] = made[-len(self.embeddings) :]
        self._behind = 0


class _Network:
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
        embedding: Floats = self.catch_up(np.tile(chunk, (_WINDOW_CHUNKS + 1, 1)))[-1].copy()
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
