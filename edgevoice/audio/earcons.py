"""Earcons: short status sounds made of sines, or prepared sentences, mixed over whatever plays."""

from collections import deque
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from edgevoice.core.lights import FAULT_EARCONS
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ

_Samples = npt.NDArray[np.int16]

# Each note: pitch in Hz (0 = rest), length in ms; all in C major, and of its five notes C, D, E, G and A, so that two
# that meet do not clash. Falling = shut, rising = open, low = trouble, a long fall = used up, the rest wakes the cook.
_TROUBLE = ((262, 160), (0, 60), (220, 260))
_NOTES: dict[Earcon, tuple[tuple[int, int], ...]] = {
    # Short, and higher than a voice.
    Earcon.AWAKE: ((784, 70), (1047, 90)),
    Earcon.DONE: ((1047, 70), (784, 90)),
    Earcon.MUTED: ((659, 90), (440, 140)),
    Earcon.UNMUTED: ((440, 90), (659, 140)),
    Earcon.ERROR: _TROUBLE,
    Earcon.TIMER: ((1047, 120), (0, 80)) * 3 + ((0, 300),) + ((1047, 120), (0, 80)) * 3,
    Earcon.VOLUME: ((523, 120),),
    Earcon.VOLUME_END: ((523, 60), (0, 40), (523, 60)),
    # Twice the same and up: a question.
    Earcon.APPROVAL: ((659, 100), (0, 40), (659, 100), (0, 40), (880, 200)),
    # Two notes of a doorbell: the box is about to say something.
    Earcon.CHIME: ((880, 160), (659, 260)),
    Earcon.FORGOTTEN: ((1047, 90), (880, 90), (784, 90), (659, 90), (587, 90), (523, 260)),
    Earcon.SESSION_SPENT: ((523, 160), (0, 40), (440, 160), (0, 40), (392, 320)),
    Earcon.BUDGET_SPENT: ((523, 160), (0, 40), (440, 160), (0, 40), (392, 160), (0, 40), (262, 480)),
    # Each is spoken where there are words for it.
    **dict.fromkeys(FAULT_EARCONS, _TROUBLE),
}
_FULL_SCALE = 0.8 * 32767
"""A ring is to wake people."""

_BELOW_SPEECH = 0.4
"""How loud the others are beside it: at one volume they are softer than a voice."""

_EDGE_MS = 8

_MOST_WAITING = 6
"""Earcons that may be queued: what somebody does with a button, or a service that fails again and again, would else be
heard for minutes. Of more, the oldest that has not begun is left out.
"""


def render(earcon: Earcon) -> _Samples:
    """Return an earcon at full volume, s16 at 24 kHz."""
    level = _FULL_SCALE * (1.0 if earcon is Earcon.TIMER else _BELOW_SPEECH)
    return np.concatenate([_note(pitch_hz, length_ms, level) for pitch_hz, length_ms in _NOTES[earcon]])


def _sounds(rendered: Mapping[Earcon, _Samples], gain: float) -> dict[Earcon, _Samples]:
    return {earcon: (sound * gain).astype(np.int16) for earcon, sound in rendered.items()}


def _note(pitch_hz: int, length_ms: int, level: float) -> _Samples:
    count = FAR_END_HZ * length_ms // 1000
    # Every note fades in and out: a sine that starts at full strength clicks.
    edge = np.minimum(1, np.arange(count) / (FAR_END_HZ * _EDGE_MS // 1000))
    wave = np.sin(2 * np.pi * pitch_hz * np.arange(count) / FAR_END_HZ) * edge * edge[::-1]
    return (wave * level).astype(np.int16)


class EarconMixer:
    """Earcons that are playing or queued, one after another; they never count as heard speech.

    ``gain``, 0 to 1, is their own volume; ``own`` has those of the owner, s16 at 24 kHz, which come before spoken ones.
    """

    def __init__(self, gain: float, own: Mapping[Earcon, _Samples] | None = None) -> None:
        self._own = frozenset(own or {})
        self._rendered = {earcon: render(earcon) for earcon in Earcon} | dict(own or {})
        self._gain = gain
        self._sounds = _sounds(self._rendered, gain)
        self._tone = self._rendered[Earcon.VOLUME]
        self._spoken: dict[Earcon, _Samples] = {}
        self._waiting: deque[_Samples] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to mix."""
        return not self._waiting

    def set_gain(self, gain: float) -> None:
        """Play what is queued from now on this loud, 0 to 1."""
        self._gain = gain
        self._sounds = _sounds(self._rendered, gain)

    def scale(self, factor: float) -> None:
        """Play what is queued already by this factor louder: the card's own control gives so much less of it."""
        self._waiting = deque(np.clip(sound * factor, -32768, 32767).astype(np.int16) for sound in self._waiting)

    def learn(self, earcon: Earcon, spoken: _Samples) -> None:
        """Speak an earcon from now on, unless the owner has one: s16 at 24 kHz, full scale, as loud as an answer."""
        if earcon not in self._own:
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
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[1]

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

    def rest(self) -> _Samples:
        """Return all that is still to be mixed, by itself."""
        return np.concatenate([*self._waiting, np.zeros(0, np.int16)])

    def mark(self) -> tuple[_Samples, ...]:
        """Return what is still to be mixed, for ``take_back``."""
        return tuple(self._waiting)

    def take_back(self, mark: tuple[_Samples, ...]) -> None:
        """Return to ``mark``: what was mixed since then is to be mixed again."""
        self._waiting = deque(mark)
