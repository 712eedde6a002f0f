"""Echo stage: what stands between the microphone and everybody who listens to it, for as long as the speaker sounds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgevoice.core.messages import NearSpeechBegan, NearSpeechConfirmed, NearSpeechFaded
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples
from edgevoice.echo.reference import FarEndReference
from edgevoice.echo.speech import NearSpeech, SpeechChange

_BEFORE = 16_000 * 3 // 10
"""Samples from before the block in which speech was noticed that may be its own: 300 ms, a soft first consonant."""

_LONG_BEFORE = 16_000 * 6 // 10
"""The same from the block in which it was confirmed."""

NearSpeechFact = NearSpeechBegan | NearSpeechConfirmed | NearSpeechFaded


@dataclass(frozen=True, slots=True)
class Cancelled:
    """One block without echo: for the wake word, always ``BLOCK`` samples; for the uplink, as many as are ready."""

    for_wakeword: bytes
    for_uplink: bytes


class EchoStage:
    """Implements ``audio.microphone.Echo``: takes each block of the near-end, in the capture callback.

    ``linear`` stands before the wake word, and before the uplink where there is no ``suppressor``; without either the
    near-end passes as it is. ``near_speech`` listens for speech over the far-end and reports it with ``tell``, which is
    called in the callback's thread and must return at once. While the far-end is silent, nothing is computed.

    A suppressor is late by its ``lag``: the uplink's samples stand still for that long when it begins, and catch up
    when it ends, so that from first to last none is lost and none is sent twice.
    """

    def __init__(
        self,
        reference: FarEndReference,
        tell: Callable[[NearSpeechFact], None],
        *,
        linear: EchoCanceller | None = None,
        suppressor: EchoCanceller | None = None,
        near_speech: NearSpeech | None = None,
    ) -> None:
        self._reference = reference
        self._tell = tell
        self._linear = linear
        self._suppressor = suppressor
        self._near_speech = near_speech
        self._is_working = False

    def take(self, near: bytes, position: int) -> Cancelled:
        """Take a block whose first sample is number ``position``, mono s16 at 16 kHz."""
        far = self._reference.block(position, BLOCK)
        if far is None:
            return self._rest(near) if self._is_working else Cancelled(near, near)
        block = np.frombuffer(near, "<i2")
        cleaned = block if self._linear is None else self._linear.process(block, far)
        for_wakeword = cleaned.tobytes()
        for_uplink = for_wakeword
        suppressed: Samples | None = None
        if self._suppressor is not None:
            suppressed = self._suppressor.process(block, far)
        self._is_working = True
        if self._near_speech is not None and self._reference.is_settled:
            self._report(self._near_speech.take(block, cleaned, far, suppressed), position + BLOCK)
        return Cancelled(for_wakeword, for_uplink)

    def pause(self) -> None:
        """Take note that blocks are missing, because the microphone is muted or gone."""
        self._is_working = False
        if self._near_speech is not None:
            self._near_speech.reset()

    def _rest(self, near: bytes) -> Cancelled:
        self._is_working = False
        if self._near_speech is not None:
            self._near_speech.reset()
        return Cancelled(near, near)

    def _report(self, change: SpeechChange | None, end: int) -> None:
        match change:
            case SpeechChange.BEGAN:
                self._tell(NearSpeechBegan(end - _BEFORE))
            case SpeechChange.CONFIRMED:
                self._tell(NearSpeechConfirmed(end - _LONG_BEFORE))
            case SpeechChange.FADED:
                self._tell(NearSpeechFaded())
            case None:
                pass
