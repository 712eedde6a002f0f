"""Listen to an uplink: turns by voice activity, words by the recogniser. Uses only audio time, never the clock."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.extras import how_to_add
from edgevoice.local.mind.brain import is_complete
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.session import PREFIX_PADDING_MS, SemanticVad, ServerVad
from edgevoice.local.speech.recogniser import SAMPLE_RATE_HZ, Recogniser, Unsure
from edgevoice.local.turns import FRAME_MS, EndpointingDelays, TurnDetector, TurnEvent

_FRAME_BYTES = SAMPLE_RATE_HZ * FRAME_MS // 1000 * 2
_BYTES_PER_MS = SAMPLE_RATE_HZ // 1000 * 2
_COMPLETE_AFTER_MS = 500
# Over an answer, a sound without words ends after the shortest silence that is not a stop within a word.
_NOISE_OVER_MS = 300
# The wake word may be followed by a breath of up to a second; the wait for more must be longer.
_PATIENCE_MS = {"low": 2000, "medium": 1500, "auto": 1500, "high": 1000}
# What the recogniser gets around the voiced part: enough for soft consonants, too little to hear words in the hiss.
_MARGIN_MS = 100
# Doubling, so that the interim hypotheses cost no more than the final one.
_FIRST_HYPOTHESIS_MS = 800
_KEPT_WHILE_IDLE_MS = 10_000
_LONGEST_BY_HAND_MS = 120_000
_SHORTEST_COMMIT_MS = 100


@dataclass(frozen=True, slots=True)
class UserSpeechStarted:
    """The user began to speak at ``start_ms`` of the uplink, including prefix padding."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Everything that the user seems to have said so far."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """A turn ended at ``end_ms`` of the uplink; ``text`` is what was said in ``duration_ms``, empty if unknown.

    Unless ``is_sure`` it may have been something else.
    """

    end_ms: int
    duration_ms: int
    text: str
    is_sure: bool = True

    @classmethod
    def of(cls, end_ms: int, duration_ms: int, words: str) -> "TurnHeard":
        """Return the turn in which a recogniser heard these words."""
        return cls(end_ms, duration_ms, str(words), is_sure=not isinstance(words, Unsure))


Heard = UserSpeechStarted | Hypothesis | TurnHeard


class InputAudioBuffer:
    """The audio since the last commit as 16 kHz frames; ``end_ms`` counts from the first sample of the session."""

    def __init__(self) -> None:
        self._rate_hz = 0
        self._resampler: Any = None
        self._carry = b""
        self._kept = bytearray()
        self._dropped_bytes = 0

    @property
    def end_ms(self) -> int:
        """Audio time now."""
        return (self._dropped_bytes + len(self._kept)) // _BYTES_PER_MS

    @property
    def duration_ms(self) -> int:
        """How much is kept."""
        return len(self._kept) // _BYTES_PER_MS

    def append(self, pcm: bytes, rate_hz: int) -> None:
        """Add mono s16 at ``rate_hz``; an odd byte waits for its other half."""
        pcm = self._carry + pcm
        whole = len(pcm) & ~1
        pcm, self._carry = pcm[:whole], pcm[whole:]
        if rate_hz != self._rate_hz:
            self._rate_hz = rate_hz
            # In float: with integers soxr dithers each piece separately, so the result would depend on how the sound is
            # split.
            self._resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="LQ")
        if rate_hz != SAMPLE_RATE_HZ:
            resampled = self._resampler.resample_chunk(np.frombuffer(pcm, "<i2").astype(np.float32))
            pcm = np.clip(np.rint(resampled), -32_768, 32_767).astype("<i2").tobytes()
        self._kept += pcm

    def frame(self, number: int) -> bytes | None:
        """Return the 20 ms frame with that number since the session began, None if it has not arrived yet."""
        start = number * _FRAME_BYTES - self._dropped_bytes
        return bytes(self._kept[start : start + _FRAME_BYTES]) if start + _FRAME_BYTES <= len(self._kept) else None

    def between(self, start_ms: int, end_ms: int) -> bytes:
        """Return what is kept of that span."""
        start = max(0, start_ms * _BYTES_PER_MS - self._dropped_bytes)
        return bytes(self._kept[start : max(start, end_ms * _BYTES_PER_MS - self._dropped_bytes)])

    def keep(self, newest_ms: int) -> None:
        """Discard all but the newest."""
        surplus = max(0, len(self._kept) - newest_ms * _BYTES_PER_MS)
        # In whole frames, or the frame grid would shift.
        surplus -= surplus % _FRAME_BYTES
        del self._kept[:surplus]
        self._dropped_bytes += surplus


class TurnListener:
    """Listens for one connection.

    Without ``hears_turns`` it never detects a turn; it keeps the audio for a commit. ``is_over_answer`` says that the
    current turn began over an answer: if it has no words after 300 ms of silence it was a cough, and ends then, so that
    the answer can continue. In any other turn this may be a breath before the words.
    """

    def __init__(self, recogniser: Recogniser, *, hears_turns: bool = True) -> None:
        self._recogniser = recogniser
        self._hears_turns = hears_turns
        self._uplink = InputAudioBuffer()
        self._detection: ServerVad | SemanticVad | None = None
        self._turns: TurnDetector | None = None
        self._vad: Any = None
        self._first_frame = 0
        self._next_frame = 0
        self._next_hypothesis_ms = 0
        self.is_over_answer = False

    @property
    def end_ms(self) -> int:
        """Audio time now."""
        return self._uplink.end_ms

    @property
    def is_speaking(self) -> bool:
        """Whether a turn has begun and not ended."""
        return self._turns is not None and self._turns.is_speaking

    def configure(self, detection: ServerVad | SemanticVad | None) -> None:
        """Detect turns like this from the next frame on; None leaves them to the client. Drops the current turn."""
        if detection == self._detection:
            return
        self._detection = detection
        self._vad = _voice_activity(detection) if detection is not None and self._hears_turns else None
        self._restart()

    async def hear(self, pcm: bytes, rate_hz: int) -> AsyncGenerator[Heard]:
        """Take uplink audio (mono s16) and yield its events; raise RequestRefused for too much without a commit."""
        if self._detection is None and self._uplink.duration_ms > _LONGEST_BY_HAND_MS:
            raise RequestRefused("input_audio_buffer_full", "Too much audio without a commit")
        self._uplink.append(pcm, rate_hz)
        while self._turns is not None and (frame := self._uplink.frame(self._next_frame)) is not None:
            self._next_frame += 1
            event = self._turns.frame(is_voiced=self._vad.is_speech(frame, SAMPLE_RATE_HZ))
            async for heard in self._follow(event, self._turns):
                yield heard
        if self._detection is not None and not self.is_speaking:
            self._uplink.keep(_KEPT_WHILE_IDLE_MS)

    async def commit(self) -> TurnHeard:
        """End the user's turn by a commit; raise RequestRefused if there is less than 100 ms of audio."""
        duration_ms = self._uplink.duration_ms
        if duration_ms < _SHORTEST_COMMIT_MS:
            # OpenAI's wording, which existing clients search for.
            message = (
                f"Error committing input audio buffer: buffer too small. Expected at least {_SHORTEST_COMMIT_MS}ms of "
                f"audio, but buffer only has {duration_ms:.2f}ms of audio."
            )
            raise RequestRefused("input_audio_buffer_commit_empty", message)
        end_ms = self._uplink.end_ms
        text = await self._all_words(self._uplink.between(end_ms - duration_ms, end_ms))
        heard = TurnHeard.of(end_ms, duration_ms, text)
        self.clear()
        return heard

    async def words_of(self, pcm: bytes, rate_hz: int) -> TurnHeard:
        """Return what is said in a recording (mono s16) that is not part of the uplink.

        Raises RequestRefused if it is longer than a committed turn may be.
        """
        if len(pcm) > _LONGEST_BY_HAND_MS * rate_hz // 1000 * 2:
            raise RequestRefused("invalid_value", f"More than {_LONGEST_BY_HAND_MS // 1000} seconds of audio")
        recording = InputAudioBuffer()
        recording.append(pcm, rate_hz)
        end_ms = recording.end_ms
        return TurnHeard.of(end_ms, end_ms, await self._all_words(recording.between(0, end_ms)))

    async def _all_words(self, audio: bytes) -> str:
        speech = await asyncio.to_thread(_voiced_part, audio)
        # If turns come from outside, so do the words, whatever the sound is.
        has_words = bool(speech) or not self._hears_turns
        return await asyncio.to_thread(self._recogniser.words, speech) if has_words else ""

    def clear(self) -> None:
        """Discard the audio since the last commit, and the turn in it."""
        self._uplink.keep(0)
        self._restart()

    def _restart(self) -> None:
        self._first_frame = self._next_frame = self._uplink.end_ms // FRAME_MS
        detection = self._detection if self._hears_turns else None
        self._turns = TurnDetector(_patience(detection)) if detection is not None else None

    async def _follow(self, event: TurnEvent | None, turns: TurnDetector) -> AsyncGenerator[Heard]:
        if event is TurnEvent.STARTED:
            self._next_hypothesis_ms = _FIRST_HYPOTHESIS_MS
            self.is_over_answer = False
            yield UserSpeechStarted(self._start_ms(turns))
        elif event is TurnEvent.PAUSED:
            text = await self._words(turns)
            if text:
                yield Hypothesis(str(text))
            if is_complete(text):
                turns.end()
                yield self._turn_heard(turns, text)
        elif self.is_over_answer and turns.is_speaking and turns.silent_ms == _NOISE_OVER_MS:
            if not await self._words(turns):
                turns.end()
                yield self._turn_heard(turns, "")
        elif event is TurnEvent.ENDED:
            yield self._turn_heard(turns, await self._words(turns))
        elif turns.is_speaking and self._voiced_ms(turns) >= self._next_hypothesis_ms:
            self._next_hypothesis_ms *= 2
            if text := await self._words(turns):
                yield Hypothesis(str(text))

    def _start_ms(self, turns: TurnDetector) -> int:
        padding_ms = self._detection.prefix_padding_ms if isinstance(self._detection, ServerVad) else PREFIX_PADDING_MS
        return max(0, (self._first_frame + turns.onset_frame) * FRAME_MS - padding_ms)

    def _voiced_ms(self, turns: TurnDetector) -> int:
        return (turns.voiced_until_frame - turns.onset_frame) * FRAME_MS

    async def _words(self, turns: TurnDetector) -> str:
        start_ms = (self._first_frame + turns.onset_frame) * FRAME_MS - _MARGIN_MS
        end_ms = (self._first_frame + turns.voiced_until_frame) * FRAME_MS + _MARGIN_MS
        end_ms = min(end_ms, self._next_frame * FRAME_MS)
        return await asyncio.to_thread(self._recogniser.words, self._uplink.between(start_ms, end_ms))

    def _turn_heard(self, turns: TurnDetector, text: str) -> TurnHeard:
        end_ms = self._next_frame * FRAME_MS
        heard = TurnHeard.of(end_ms, end_ms - self._start_ms(turns), text)
        # Audio after the end of the turn belongs to the next one.
        self._uplink.keep(max(0, self._uplink.end_ms - end_ms))
        return heard


def require_voice_activity() -> None:
    """Raise LocalServiceUnavailable if webrtcvad is not installed."""
    _voice_activity(ServerVad())


def _voice_activity(detection: ServerVad | SemanticVad) -> Any:
    try:
        import webrtcvad  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise LocalServiceUnavailable(
            "The voice activity detector webrtcvad is not installed", remedy=f"Add it: {how_to_add('local')}"
        ) from error
    threshold = detection.threshold if isinstance(detection, ServerVad) else 0.5
    # Its aggressiveness ranges from 0 to 3; the protocol has a threshold from 0 to 1.
    return webrtcvad.Vad(min(3, int(threshold * 4)))


def _voiced_part(audio: bytes) -> bytes:
    vad = _voice_activity(ServerVad())
    starts = range(0, len(audio) - _FRAME_BYTES + 1, _FRAME_BYTES)
    voiced = [start for start in starts if vad.is_speech(audio[start : start + _FRAME_BYTES], SAMPLE_RATE_HZ)]
    if not voiced:
        return b""
    margin = _MARGIN_MS * _BYTES_PER_MS
    return audio[max(0, voiced[0] - margin) : voiced[-1] + _FRAME_BYTES + margin]


def _patience(detection: ServerVad | SemanticVad) -> EndpointingDelays:
    if isinstance(detection, ServerVad):
        return EndpointingDelays(detection.silence_duration_ms, detection.silence_duration_ms)
    return EndpointingDelays(_COMPLETE_AFTER_MS, _PATIENCE_MS[detection.eagerness])
