"""Enrolment: from a person's calls and other speech to a verifier of their voice. No files, no clock, no randomness.

Five calls near a box in a quiet room say little about a call from the next room with the tap running. So every call is
heard again from further away and in noise, as `wakeword evaluate` does; that raised the calls in noise that the
verifier knows from one in four to three in four (docs/wake-word.md has the figures).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edgevoice.wakeword.household import VoiceVerifier
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.features import FrontEnd, Stages
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Floats, Samples
from edgevoice.wakeword.tuning.conditions import (
    Sound,
    as_samples,
    heard_through,
    level,
    response_at,
    with_noise,
)
from edgevoice.wakeword.tuning.logistic import fit

LEAST_CALLS: Final = 3
LEAST_SPEECH_S: Final = 10.0

LEAST_SCORE: Final = 0.05
"""A call that scores less is not a call, or was said too far away to learn from."""

_MOST_OTHER_SCORE: Final = 0.3
"""Other speech that scores this much may hold the wake word itself."""

_INVERSE_PENALTY: Final = 0.01
"""Ten times openWakeWord's value: there are ten times as many samples, by distance and noise."""

_NEAR_PEAK: Final = 0.5
"""Share of a call's highest score above which a frame counts as the call, as in openWakeWord."""

_LEAST_SHARE: Final = 0.03
"""Power relative to the loud parts: 15 dB below them."""

_OUT_OF_ROOM: Final = 2.0
"""Power relative to the quietest frames: 3 dB above them."""

_MOST_CALL_WINDOWS: Final = 200
_MOST_OTHER_WINDOWS: Final = 600

_LEAD_FRAMES: Final = 20
_TAIL: Final = FRAME * 6
_LEVEL: Final = 0.05 * 32_768
"""Everything is learned at -26 dBFS; the models hardly depend on the level."""

_AWAY_M: Final = 2.5
_VOICES_OF_MURMUR: Final = 5

_CALL_CONDITIONS: Final = (
    (None, "", 0.0),
    (_AWAY_M, "", 0.0),
    (None, "hiss", 12.0),
    (_AWAY_M, "hiss", 8.0),
    (None, "murmur", 10.0),
    (_AWAY_M, "murmur", 8.0),
    (None, "murmur", 4.0),
)
"""Distance in metres, or as recorded; noise; and its level in dB below the voice."""

_SPEECH_CONDITIONS: Final = (_CALL_CONDITIONS[0], _CALL_CONDITIONS[1], _CALL_CONDITIONS[2], _CALL_CONDITIONS[5])


@dataclass(frozen=True, slots=True)
class Heard:
    """The model's view of a sound: ``windows`` (frames, N * 96), and the ``scores`` that belong to them."""

    windows: Floats
    scores: Floats

    @property
    def peak(self) -> float:
        """Return the highest score."""
        return float(self.scores.max())


class Learner:
    """Listens to a person and makes their verifier of one wake word; ``model`` is the word's, loaded."""

    def __init__(self, stages: Stages, model: Classifier) -> None:
        self._front_end = FrontEnd(stages, model.embeddings_seen)
        self._model = model
        model.listen_to(self._front_end.embeddings)

    def hear(self, sound: Samples) -> Heard:
        """Listen to a sound, s16 mono at 16 kHz, after a second and a half of a quiet room."""
        self._front_end.reset()
        # The noise of a room: digital silence does not occur in one.
        lead = np.random.default_rng(4).integers(-12, 13, _LEAD_FRAMES * FRAME, np.int16)
        padded = np.concatenate([lead, sound, np.zeros(-len(sound) % FRAME, np.int16)])
        windows, scores = list[Floats](), list[float]()
        for number, frame in enumerate(padded.reshape(-1, FRAME)):
            self._front_end.step(frame)
            if number >= self._model.embeddings_seen - 1:
                windows.append(self._front_end.embeddings.reshape(-1).copy())
                scores += self._model.scores(1)
        return Heard(np.array(windows), np.array(scores, np.float32))

    def is_call(self, sound: Samples) -> bool:
        """Return whether the word can be heard in a recorded call."""
        return self.hear(sound).peak >= LEAST_SCORE

    def is_other(self, sound: Samples) -> bool:
        """Return whether speech holds no wake word."""
        return self.hear(sound).peak < _MOST_OTHER_SCORE

    def learn(self, name: str, word: str, calls: Sequence[Samples], speech: Sequence[Samples]) -> VoiceVerifier:
        """Return the verifier; ``calls`` hold the word once each, ``speech`` is anything else that the person said."""
        chance = np.random.default_rng(11)
        murmur = _murmur([each.astype(np.float64) for each in speech], chance)
        wanted: list[Floats] = []
        for sound in _laid(calls, _CALL_CONDITIONS, murmur, chance):
            heard = self.hear(sound)
            wanted.append(heard.windows[heard.scores >= _NEAR_PEAK * heard.peak])
        unwanted = [self.hear(sound).windows for sound in _laid(speech, _SPEECH_CONDITIONS, murmur, chance)]
        weights, bias = fit(
            _some(np.concatenate(wanted), _MOST_CALL_WINDOWS, chance),
            _some(np.concatenate(unwanted), _MOST_OTHER_WINDOWS, chance),
            inverse_penalty=_INVERSE_PENALTY,
        )
        return VoiceVerifier(name, word, weights.astype(np.float32), bias)


def sounding_s(sound: Samples) -> float:
    """Return how many seconds of a recording are speech: nearly as loud as the loud parts, and above the noise."""
    whole = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    if not len(whole):
        return 0.0
    powers = (whole**2).mean(axis=1)
    # Steady noise is always as loud as its loud parts; talk has pauses, in which the room is heard.
    least = max(_LEAST_SHARE * level(sound.astype(np.float64)) ** 2, _OUT_OF_ROOM * float(np.quantile(powers, 0.05)))
    return float((powers > least).sum() * FRAME / RATE_HZ)


def _laid(
    sounds: Sequence[Samples],
    conditions: Sequence[tuple[float | None, str, float]],
    murmur: Sound,
    chance: np.random.Generator,
) -> Iterator[Samples]:
    """Yield every sound under every condition."""
    for number, each in enumerate(sounds):
        for distance_m, noise, snr_db in conditions:
            sound = np.pad(each.astype(np.float64), (0, _TAIL))
            if distance_m is not None:
                sound = heard_through(sound, response_at(distance_m, number))
            if noise:
                size = len(sound) + 4 * RATE_HZ
                sound = with_noise(sound, murmur if noise == "murmur" else _hiss(size, chance), snr_db, chance)
            yield as_samples(sound * (_LEVEL / level(sound)) + chance.integers(-12, 13, len(sound)))


def _hiss(size: int, chance: np.random.Generator) -> Sound:
    """Return pink noise, which falls by 3 dB per octave like the sounds of a home."""
    spectrum = np.fft.rfft(chance.standard_normal(size))
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    hiss: Sound = np.fft.irfft(spectrum, size)
    hiss *= 1000 / hiss.std()
    return hiss


def _murmur(speech: Sequence[Sound], chance: np.random.Generator) -> Sound:
    """Return the murmur of many people, made from one person's speech overlaid on itself."""
    whole = np.concatenate(speech)
    murmur: Sound = np.zeros(len(whole))
    for _ in range(_VOICES_OF_MURMUR):
        murmur += np.roll(whole, int(chance.integers(len(whole)))) * chance.choice([-1.0, 1.0])
    return murmur


def _some(
    windows: Floats, most: int, chance: np.random.Generator
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Return at most this many of the windows, in a random order."""
    return windows[chance.permutation(len(windows))[:most]].astype(np.float64)
