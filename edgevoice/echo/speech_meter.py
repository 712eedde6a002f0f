"""Speech meter: how the speech of a turn sounds, and the room before and between it. Decides nothing."""

import numpy as np

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.core.sound.whisper import SpeechSound
from edgevoice.echo.voicing import WINDOW, is_voiced

_TRANSFORM = 1024
_SPEECH_HZ, _LOW_HZ = (100, 4000), (100, 600)

_ROOM_SHARE = 20
"""The percentile of the pieces that are the room: people pause for that much of their turn and what precedes it."""

_OVER_ROOM_DB = 9.0
_MOST_PIECES = 10 * NEAR_END_HZ // WINDOW
"""Pieces that are kept, 10 s: the end of a long turn is as much a whisper as its beginning."""

_MOST_AT_ONCE = 3 * NEAR_END_HZ
"""Samples that are measured at once, 3 s: that takes 5 ms on a PC."""

_HANN = np.hanning(WINDOW).astype(np.float32)
_FREQUENCIES = np.arange(_TRANSFORM // 2 + 1) * NEAR_END_HZ / _TRANSFORM
_LOW, _SPEECH = (slice(*(round(hz * _TRANSFORM / NEAR_END_HZ) for hz in band)) for band in (_LOW_HZ, _SPEECH_HZ))
_PIECE_S = WINDOW / NEAR_END_HZ


class SpeechMeter:
    """Measures one turn as it comes: mono s16 at 16 kHz, in any pieces."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)
        self._pieces = np.zeros((0, 4))

    def add(self, pcm: bytes) -> None:
        """Take what was heard next."""
        samples = np.concatenate([self._rest, np.frombuffer(pcm, "<i2")])[-_MOST_AT_ONCE:]
        count = len(samples) // WINDOW
        self._rest = samples[count * WINDOW :]
        if not count:
            return
        pieces = samples[: count * WINDOW].reshape(count, WINDOW).astype(np.float32)
        pieces = pieces[pieces.any(axis=1)]  # a muted microphone is no room: beside zeros any noise would be speech
        spectrum = np.fft.rfft(pieces * _HANN, _TRANSFORM)
        power = spectrum.real**2 + spectrum.imag**2
        # Weighted by frequency, or the rumble of a room would hide what is said.
        level_db = 10 * np.log10((power * _FREQUENCIES)[:, _SPEECH].sum(axis=1) + 1)
        voiced = [is_voiced(piece) for piece in pieces]
        measured = np.column_stack([level_db, power[:, _LOW].sum(axis=1), power[:, _SPEECH].sum(axis=1), voiced])
        self._pieces = np.concatenate([self._pieces, measured])[-_MOST_PIECES:]

    def sound(self) -> SpeechSound:
        """Return how what was heard so far sounds."""
        if not len(self._pieces):
            return SpeechSound(0.0, 0.0, 0.0, 0.0, 0.0)
        level_db = self._pieces[:, 0]
        room_db = float(np.percentile(level_db, _ROOM_SHARE))
        is_speech = level_db > room_db + _OVER_ROOM_DB
        if not is_speech.any():
            return SpeechSound(0.0, 0.0, 0.0, 0.0, 0.0)
        speech, room = self._pieces[is_speech], self._pieces[level_db <= room_db]
        # The room's own power is in both.
        low, whole = (max(0.0, float(speech[:, at].mean() - room[:, at].mean())) for at in (1, 2))
        loud_db = 10 * float(np.log10(np.mean(10 ** (speech[:, 0] / 10))))
        return SpeechSound(
            speech_s=len(speech) * _PIECE_S,
            level_db=loud_db,
            above_room_db=loud_db - room_db,
            voiced_share=float(speech[:, 3].mean()),
            low_share=low / whole if whole else 1.0,
        )
