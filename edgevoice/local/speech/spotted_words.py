"""How well a wake word fits some part of a sound, by the phonemes that hama's network for rooms hears.

The best alignment of the word's phonemes (CTC), wherever it begins and ends, compared with the likeliest phonemes of
all in the same frames: 0 at most, and the lower, the more of its phonemes are others.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edgevoice.local.speech.phoneme_file import IN_ROOMS, read_weights
from edgevoice.local.speech.phoneme_network import PhonemeNetwork
from edgevoice.local.speech.phonemes import BLANK, WORD_END, Frames, SoundNetwork, columns_of

WAKE_WORDS: Final[Mapping[str, str]] = {
    "alexa": "AX/AH/AE/AA L EH/AE/IH K S/Z AX/AH/AA",
    "hey_jarvis": "HH EY/EH JH/CH AA/AO R V/F IH/AX/IY S/Z",
    "hey_mycroft": "HH EY/EH M AY K R AO/AA F T",
}
"""Each word's phonemes, in the ways in which they are said, or in which the network hears them."""

_LEVEL: Final = np.float32(0.05)
_MOST_GAIN: Final = np.float32(50.0)
"""Every sound is brought to this RMS level, of 1, but not amplified by more: the network knows no soft voices."""

_NEVER: Final = -1e9


class SpottedWords:
    """Looks for ``words`` in sounds; any thread may use it. Costs 5 ms of a PC's core per second, and 15 MB."""

    def __init__(self, network: SoundNetwork, words: Mapping[str, str] = WAKE_WORDS) -> None:
        self._network = network
        columns = columns_of(network)
        self._blanks = [columns[BLANK], columns[WORD_END]]
        self._phonemes = {
            word: [[columns[each] for each in phoneme.split("/")] for phoneme in phonemes.split()]
            for word, phonemes in words.items()
        }

    @classmethod
    def load(cls) -> Self:
        """Load the network. Raises LocalServiceUnavailable."""
        return cls(PhonemeNetwork(read_weights(IN_ROOMS)[1]))

    def fit(self, sound: npt.NDArray[np.int16], word: str) -> float:
        """Return how well ``word`` fits some part of ``sound``, 16 kHz mono: 0 at most."""
        samples = sound.astype(np.float32) / np.float32(32_768)
        samples *= min(_MOST_GAIN, _LEVEL / max(np.float32(1e-6), np.sqrt(np.mean(samples**2))))
        frames = self._network.frames(samples)
        return _best_alignment(self._against_likeliest(frames, self._phonemes[word]))

    def _against_likeliest(self, frames: Frames, phonemes: Sequence[Sequence[int]]) -> list[list[float]]:
        """Return, per frame, how much less likely than the likeliest each state is: phonemes, with a blank between."""
        likeliest = frames.max(axis=1)
        states = np.empty((len(frames), 2 * len(phonemes) - 1), np.float32)
        states[:, 1::2] = frames[:, self._blanks].max(axis=1, keepdims=True)
        for number, ways in enumerate(phonemes):
            states[:, 2 * number] = frames[:, ways].max(axis=1)
        listed: list[list[float]] = (states - likeliest[:, None]).tolist()
        return listed


def _best_alignment(frames: Sequence[Sequence[float]]) -> float:
    """Return the best sum over frames in a row that passes all states, of which the blanks may be skipped.

    In plain numbers: arrays this short would cost ten times as much.
    """
    best, reached = _NEVER, [_NEVER] * len(frames[0]) if frames else []
    for frame in frames:
        before = reached
        reached = [max(before[0], 0.0) + frame[0]]
        for state in range(1, len(frame)):
            way = max(before[state], before[state - 1])
            if not state % 2:
                way = max(way, before[state - 2])
            reached.append(way + frame[state])
        best = max(best, reached[-1])
    return best
