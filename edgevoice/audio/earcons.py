"""Earcons: short status sounds made of sines, or prepared sentences, mixed over whatever plays."""

from collections import deque

import numpy as np
import numpy.typing as npt

from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ

_Samples = npt.NDArray[np.int16]

# Each note: pitch in Hz (0 = rest), length in ms. Falling = shut, rising = open, low = trouble, a
# long fall = used up, the rest wakes the cook.
_NOTES: dict[Earcon, tuple[tuple[int, int], ...]] = {
    Earcon.MUTED: ((660, 90), (440, 140)),
    Earcon.UNMUTED: ((440, 90), (660, 140)),
    Earcon.TROUBLE: ((220, 160), (0, 60), (196, 260)),
    Earcon.SESSION_SPENT: ((523, 160), (0, 40), (440, 160), (0, 40), (349, 320)),
    Earcon.BUDGET_SPENT: ((523, 160), (0, 40), (440, 160), (0, 40), (349, 160), (0, 40), (262, 480)),
    # Instead of a light: short, and higher than a voice.
    Earcon.LISTENING: ((784, 70), (1175, 90)),
    Earcon.LISTENING_OVER: ((1175, 70), (784, 90)),
    # Two notes of a doorbell: the box is about to say something.
    Earcon.CHIME: ((880, 160), (698, 260)),
    Earcon.VOLUME: ((523, 120),),
    Earcon.VOLUME_END: ((523, 60), (0, 40), (523, 60)),
    Earcon.ALARM: ((988, 120), (0, 80)) * 3 + ((0, 300),) + ((988, 120), (0, 80)) * 3,
}
_FULL_SCALE = 0.8 * 32767
_EDGE_MS = 8


def render(earcon: Earcon) -> _Samples:
    """Return an earcon at full volume, s16 at 24 kHz."""
    return np.concatenate([_note(pitch_hz, length_ms) for pitch_hz, length_ms in _NOTES[earcon]])


def _sounds(gain: float) -> dict[Earcon, _Samples]:
    return {earcon: (render(earcon) * gain).astype(np.int16) for earcon in Earcon}


def _note(pitch_hz: int, length_ms: int) -> _Samples:
    count = FAR_END_HZ * length_ms // 1000
    # Every note fades in and out: a sine that starts at full strength clicks.
    edge = np.minimum(1, np.arange(count) / (FAR_END_HZ * _EDGE_MS // 1000))
    wave = np.sin(2 * np.pi * pitch_hz * np.arange(count) / FAR_END_HZ) * edge * edge[::-1]
    return (wave * _FULL_SCALE).astype(np.int16)


class EarconMixer:
    """Earcons that are playing or queued, one after another; they never count as heard speech."""

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._sounds = _sounds(gain)
        self._tone = render(Earcon.VOLUME)
        self._spoken: dict[Earcon, _Samples] = {}
        self._waiting: deque[_Samples] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to mix."""
        return not self._waiting

    def set_gain(self, gain: float) -> None:
        """Play what is queued from now on this loud, 0 to 1."""
        self._gain = gain
        self._sounds = _sounds(gain)

    def learn(self, earcon: Earcon, spoken: _Samples) -> None:
        """Speak an earcon from now on: s16 at 24 kHz, full scale, to be played as loud as an answer."""
        self._spoken[earcon] = spoken

    def play(self, earcon: Earcon, answer_gain: float = 0.0) -> None:
        """Play an earcon after those already queued; ``answer_gain`` is how loud answers are now, 0 to 1."""
        spoken = self._spoken.get(earcon)
        if earcon is Earcon.VOLUME:
            # As loud as an answer. Not after others: a knob turns faster than it can sound.
            if self.is_idle:
                self._waiting.append((self._tone * answer_gain).astype(np.int16))
        elif spoken is None:
            self._waiting.append(self._sounds[earcon])
        else:
            # Answers may be turned down to silence, but the reason why the box does not answer must be audible.
            self._waiting.append((spoken * max(answer_gain, self._gain)).astype(np.int16))

    def stop(self) -> None:
        """Silence all of them."""
        self._waiting.clear()

    def mix_into(self, samples: _Samples) -> None:
        """Add the next stretch to ``samples``, in place, clipping at full scale."""
        at = 0
        while self._waiting and at < len(samples):
            sound = self._waiting.popleft()
            piece, rest = sound[: len(samples) - at], sound[len(samples) - at :]
            mixed = samples[at : at + len(piece)].astype(np.int32) + piece
            samples[at : at + len(piece)] = np.clip(mixed, -32768, 32767)
            at += len(piece)
            if len(rest):
                self._waiting.appendleft(rest)
