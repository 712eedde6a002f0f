"""The local service's voice: text to 24 kHz speech with hibari-tts. Only its default voice; downloads nothing."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any, Protocol, Self

import numpy as np

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.extras import how_to_add
from edgevoice.store.folders import cache_folder

SAMPLE_RATE_HZ = 24_000
# hibari's speech is at -27 dBFS with peaks near 0.39: doubled, it is as loud as the real service's voices.
_GAIN = 2.0
_QUIET = 0.004
_LEAD_FRAMES = SAMPLE_RATE_HZ * 40 // 1000
_TAIL_FRAMES = SAMPLE_RATE_HZ * 220 // 1000
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Voice(Protocol):
    """Text to speech; may take tens of milliseconds, so it is called from a thread."""

    def say(self, sentence: str, speed: float) -> bytes:
        """Return ``sentence`` spoken, as 24 kHz mono s16."""
        ...


class HibariVoice:
    """Speak with hibari-tts; threads take turns with one model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._turn = threading.Lock()

    @classmethod
    def load(cls) -> Self:
        """Load the model and its pronunciation tables; blocks for half a second, the first time for some seconds.

        Raises LocalServiceUnavailable if hibari-tts is not installed.
        """
        # Its runtime, onnxruntime, sends telemetry to its maker unless this is set before the import.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:
            with _without_scipy():
                from hibari import Hibari  # noqa: PLC0415 - optional, and much memory
        except ImportError as error:
            raise LocalServiceUnavailable(
                "The voice hibari-tts is not installed", remedy=f"Add it: {how_to_add('local')}"
            ) from error
        try:
            from edgevoice.local.speech.lean_hibari import LeanHibari  # noqa: PLC0415
            from edgevoice.local.speech.stored_network import StoredNetworks  # noqa: PLC0415
            from edgevoice.local.speech.tables import tables_in  # noqa: PLC0415

            cache = cache_folder(os.environ)
            voice = cls(LeanHibari(tables_in(cache), StoredNetworks(cache)))
        except (OSError, ValueError, ImportError):
            # Without a place for what is prepared it speaks as well, with 100 MB more.
            voice = cls(Hibari())
        # The first sentence loads the pronunciation tables; the first user should not have to wait for that.
        voice.say("Yes?", 1.0)
        return voice

    def say(self, sentence: str, speed: float) -> bytes:
        """Return ``sentence`` spoken, as 24 kHz mono s16, its silent ends trimmed."""
        with self._turn:
            # A fixed seed: the same words sound the same, so that a run can be repeated.
            spoken = np.asarray(self._model(sentence, speed=min(max(speed, 0.5), 2.0), seed=0), dtype=np.float32)
        sounding = np.flatnonzero(np.abs(spoken) > _QUIET)
        if sounding.size == 0:
            return b""
        # hibari begins with 300 ms of near silence, which would only add latency.
        first, last = max(0, int(sounding[0]) - _LEAD_FRAMES), int(sounding[-1]) + _TAIL_FRAMES
        samples: bytes = (np.clip(spoken[first:last] * _GAIN, -1.0, 1.0) * 32_767).astype("<i2").tobytes()
        return samples


@contextlib.contextmanager
def _without_scipy() -> Iterator[None]:
    """Have hibari compute with numpy, as on a box; where something else has installed scipy, that costs 10 MB."""
    is_unknown = "scipy" not in sys.modules
    if is_unknown:
        sys.modules["scipy"] = None  # type: ignore[assignment] # documented: an import of it fails
    try:
        yield
    finally:
        if is_unknown:
            del sys.modules["scipy"]


def sentences(text: str) -> list[str]:
    """Return ``text`` split into sentences, so that the first can be heard while the next is synthesised."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part]
