"""Streaming front end: sound in, embeddings out, each value computed once. No threads, no clock, no files.

Its embeddings equal openWakeWord's from the first frame on: the library begins with a window of ones after ten seconds
of digital silence, and so does this. (A history of ones in place of the silence once scored 0.57.)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from edgevoice.wakeword.models.shapes import (
    CHUNK_FRAMES,
    CHUNK_SAMPLES,
    EMBEDDING_SIZE,
    FRAME,
    LOOKBACK,
    MEL_BANDS,
    WINDOW_CHUNKS,
    Floats,
    Samples,
)


class MelStage(Protocol):
    """Makes mel frames of sound, s16."""

    def chunk(self, sound: Samples) -> Floats:
        """Return the mel frames of one or two frames of 80 ms, preceded by 30 ms of context: (8, 32) or (16, 32).

        Valid until the next call.
        """
        ...

    def chunks(self, sounds: Samples) -> Floats:
        """Return (n, 8, 32) mel frames of (n, 1760) samples."""
        ...

    def first_frames(self, frame: Samples) -> Floats:
        """Return the (5, 32) mel frames of the very first 1280 samples, which have no predecessor."""
        ...


class NetworkStage(Protocol):
    """Makes embeddings of mel frames, and keeps what the next ones need."""

    def step(self, mel: Floats) -> Floats:
        """Return the (n, 96) embeddings of the windows that end with these 8 n mel frames, n = 1 or 2.

        Valid until the next call.
        """
        ...

    def prime(self, chunk: Floats) -> Floats:
        """Continue as if this chunk had been repeated forever; return a copy of its (96,) embedding."""
        ...

    def catch_up(self, mel: Floats) -> Floats:
        """Restart with (8 n, 32) mel frames; return (n, 96) embeddings, valid from the first full window on."""
        ...


class ClassifierStage(Protocol):
    """Makes one word's scores of the last ``embeddings_seen`` embeddings."""

    embeddings_seen: int

    def listen_to(self, embeddings: Floats) -> None:
        """Read the last rows of ``embeddings`` from now on, in place; the array must not be moved."""
        ...

    def scores(self, count: int) -> Sequence[float]:
        """Return the scores, from 0 to 1, of the embeddings as they were after each of the last frames, 1 or 2."""
        ...


class Stages(Protocol):
    """What computes: onnxruntime or the kernel in C, which give the same scores."""

    def mel_bank(self) -> MelStage:
        """Return a mel spectrogram."""
        ...

    def network(self) -> NetworkStage:
        """Return an embedding network in its first state."""
        ...

    def classifier(self, model: Path, pair: bytes | None = None) -> ClassifierStage:
        """Return a word's classifier; ``pair`` is the same model, made to take two windows at once."""
        ...


class FrontEnd:
    """Keeps the last ``history`` embeddings in ``embeddings``, (history, 96) float32, the newest last.

    The array is never replaced, so models may be bound to its memory. A frame has 1280 samples, s16; two frames may be
    taken at once, at three quarters of what they cost one by one.
    """

    def __init__(self, stages: Stages, history: int) -> None:
        self._bank = stages.mel_bank()
        self._network = stages.network()
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
        return history + WINDOW_CHUNKS - 1

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
