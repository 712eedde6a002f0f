"""Echo stage: sits between the microphone and everything that listens to it while the speaker sounds."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from edgevoice.core.facts import NearSpeechBegan, NearSpeechConfirmed, NearSpeechEnded, NearSpeechFaded, RoomMeasured
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples
from edgevoice.echo.postfilter import Postfilter
from edgevoice.echo.room_listener import RoomListener
from edgevoice.echo.speech import NearSpeech, SpeechChange
from edgevoice.echo.suppressor import RestingSuppressor

_BEFORE = 16_000 * 3 // 10
"""Samples before the block in which speech was noticed that may belong to it: 300 ms, a soft first consonant."""

_LONG_BEFORE = 16_000 * 6 // 10
"""The same, counted from the block in which it was confirmed."""

_MENDING_BLOCKS = 15
"""Blocks after a jump until the filter's memory, 280 ms, holds nothing from before the jump."""

NearSpeechFact = NearSpeechBegan | NearSpeechConfirmed | NearSpeechFaded | NearSpeechEnded | RoomMeasured


_SILENCE = bytes(2 * BLOCK)


class ReferenceBlocks(Protocol):
    """What sounds beside the talker; implemented by `reference.FarEndReference` and `mix.MixReference`.

    ``is_ours`` says whether any of the last block is the box's own sound. ``lookahead`` is how many blocks the near-end
    must wait for its reference.
    """

    @property
    def is_ours(self) -> bool: ...  # noqa: D102 - described above

    @property
    def lookahead(self) -> int: ...  # noqa: D102 - described above

    @property
    def is_moving(self) -> bool:
        """Whether samples have just been lost, and it is not known yet how many."""
        ...

    @property
    def is_settled(self) -> bool:
        """Whether the blocks are aligned."""
        ...

    @property
    def jumps(self) -> int:
        """How often the echo has moved against its reference."""
        ...

    def block(self, position: int, count: int) -> Samples | None:
        """Return the reference for near-end samples, s16 at 16 kHz; ``None`` if nothing sounds."""
        ...


class EchoStage:
    """Implements ``audio.microphone.Echo``: processes each block of the near-end, in the capture callback.

    ``linear`` subtracts the echo for every listener; without it the near-end passes unchanged. ``suppressor`` provides
    a second opinion for ``near_speech``, which listens for speech over the far-end and reports it through ``tell``;
    that is called in the callback's thread and must return at once. While the far-end is silent, confirmed speech is
    followed to its end; otherwise only ``room`` hears the near-end, and nothing more is computed. ``postfilter``
    receives what ``linear`` subtracts of the box's own sound.

    While the far-end is only music of other programs, ``linear`` goes on, so that the wake word is heard under it, and
    everything else is as in silence: there is no answer that speech could interrupt. With a ``lookahead`` the near-end
    is returned so many blocks late, under its new positions.

    The suppressor's own output is not used: over the first second of somebody speaking over the box it leaves 1 dB of
    them relative to what it removes, the filter 9 dB (`edgevoice.testbed.stage.room`, talker as loud as the echo).
    """

    def __init__(
        self,
        reference: ReferenceBlocks,
        tell: Callable[[NearSpeechFact], None],
        *,
        linear: EchoCanceller | None = None,
        suppressor: EchoCanceller | None = None,
        near_speech: NearSpeech | None = None,
        room: RoomListener | None = None,
        postfilter: Postfilter | None = None,
    ) -> None:
        self._reference = reference
        self._tell = tell
        self._linear = linear
        self._suppressor = RestingSuppressor(suppressor) if suppressor is not None else None
        self._near_speech = near_speech
        self._room = room
        self._postfilter = postfilter
        self._far_end: Callable[[Samples, int], None] | None = None
        self._is_working = False
        self._jumps = 0
        self._mending = 0
        self._waiting = deque([_SILENCE] * reference.lookahead)

    def give_far_end(self, take: Callable[[Samples, int], None]) -> None:
        """Call ``take`` with every block that the speaker plays, aligned with the near-end block at that position.

        It is called in the capture callback and must return at once.
        """
        self._far_end = take

    def take(self, near: bytes, position: int) -> bytes:
        """Return a block without echo; its first sample is number ``position``, mono s16 at 16 kHz."""
        if self._waiting:
            self._waiting.append(near)
            near = self._waiting.popleft()
        far = self._reference.block(position - BLOCK * len(self._waiting), BLOCK)
        if far is None:
            self._take_alone(near, position)
            return near
        if self._far_end is not None:
            self._far_end(far, position)
        block = np.frombuffer(near, "<i2")
        # With a misaligned reference the filter would unlearn the room.
        linear = None if self._reference.is_moving else self._linear
        cleaned = block if linear is None else linear.process(block, far)
        if not self._reference.is_ours:
            if self._suppressor is not None:
                self._suppressor.rest(block, far)
            near = cleaned.tobytes()
            self._take_alone(near, position)
            return near
        if linear is not None and self._postfilter is not None:
            self._postfilter.hear(np.subtract(block, cleaned, dtype=np.float32), position)
        if not self._is_working and self._near_speech is not None and self._near_speech.is_speaking:
            self._near_speech.reset()  # speech that continues over the next sound must be confirmed again
        self._is_working = True
        if self._near_speech is not None:
            self._report(self._listen(self._near_speech, block, cleaned, far), position + BLOCK)
        if self._room is not None and (measured := self._room.pass_answer()) is not None:
            self._tell(measured)
        return cleaned.tobytes()

    def pause(self) -> None:
        """Record that the next block does not continue the last one: a mute came between."""
        self._waiting = deque([_SILENCE] * len(self._waiting))
        self._rest()

    def _rest(self) -> None:
        self._is_working = False
        if self._near_speech is not None:
            self._near_speech.reset()
        if self._room is not None:
            self._room.drop()

    def _take_alone(self, near: bytes, position: int) -> None:
        """Follow confirmed speech to its end, now that the far-end is silent; then listen to the room."""
        if self._near_speech is not None and self._near_speech.is_speaking:
            self._is_working = False
            self._report(self._near_speech.take_alone(np.frombuffer(near, "<i2")), position + BLOCK)
            return
        if self._is_working:
            self._rest()
        if self._room is not None and (measured := self._room.take(near)) is not None:
            self._tell(measured)

    def _listen(self, near_speech: NearSpeech, near: Samples, cleaned: Samples, far: Samples) -> SpeechChange | None:
        if self._jumps != self._reference.jumps:
            self._jumps = self._reference.jumps
            self._mending = _MENDING_BLOCKS
            near_speech.doubt()
        if self._mending or not self._reference.is_settled:
            # Speech cannot be told from an echo that may come at any time, and the voice must not stay lowered until
            # then.
            self._mending = max(0, self._mending - 1)
            return near_speech.abandon()
        return near_speech.take(near, cleaned, far, self._suppressor)

    def _report(self, change: SpeechChange | None, end: int) -> None:
        match change:
            case SpeechChange.BEGAN:
                self._tell(NearSpeechBegan(end - _BEFORE))
            case SpeechChange.CONFIRMED:
                self._tell(NearSpeechConfirmed(end - _LONG_BEFORE))
            case SpeechChange.FADED:
                self._tell(NearSpeechFaded())
            case SpeechChange.ENDED:
                self._tell(NearSpeechEnded())
            case None:
                pass
