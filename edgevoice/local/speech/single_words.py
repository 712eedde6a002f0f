"""How well a short sound fits one word and nothing else, by the phonemes that hama's network hears. No vocabulary.

The sum over all alignments of the word's phonemes (CTC), compared with the likeliest phonemes of all: near 0 for the
word, and lower by some 5 for each phoneme that differs, is missing, or is said beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edgevoice.local.speech.phoneme_file import read_weights
from edgevoice.local.speech.phoneme_network import PhonemeNetwork
from edgevoice.local.speech.phonemes import BLANK, WORD_END, Frames, SoundNetwork, columns_of

STOP_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "stop": ("S T AA P", "S T AO P", "S D AA P"),
    "snooze": ("S N UW Z", "S N UW S", "S N UH Z", "S N OW Z", "S UW Z"),
}
"""Each word in the ways in which it is said, and in which the network hears it: often without the "n"."""

_NEVER: Final = -1e9


class SingleWords:
    """Scores words of ``ways``; any thread may use it. Costs 6 ms of a PC's core per second of sound, and 14 MB."""

    def __init__(self, network: SoundNetwork, ways: Mapping[str, Sequence[str]] = STOP_WORDS) -> None:
        self._network = network
        columns = columns_of(network)
        blank, word_end = columns[BLANK], columns[WORD_END]
        self._states = {
            word: [
                _states((*before, *(columns[phoneme] for phoneme in way.split()), *after), blank)
                for way in said
                for before, after in (((), ()), ((), (word_end,)), ((word_end,), (word_end,)))
            ]
            for word, said in ways.items()
        }

    @classmethod
    def load(cls) -> Self:
        """Load the network. Raises LocalServiceUnavailable."""
        return cls(PhonemeNetwork(*read_weights()))

    def fit(self, sound: npt.NDArray[np.int16], word: str) -> float:
        """Return by how much less likely the word is than the likeliest phonemes of all, as a logarithm, 16 kHz."""
        frames = self._network.frames(sound.astype(np.float32) / np.float32(32_768))
        if not len(frames):
            return _NEVER
        likeliest = float(frames.max(axis=1).sum())
        return max(_likelihood(frames, states) for states in self._states[word]) - likeliest


def _states(phonemes: Sequence[int], blank: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the columns of a word's states, with a blank around each phoneme, and which may skip the blank before."""
    columns = np.full(2 * len(phonemes) + 1, blank)
    columns[1::2] = phonemes
    skips = np.zeros(len(columns), bool)
    skips[3::2] = columns[3::2] != columns[1:-2:2]
    return columns, skips


def _likelihood(frames: Frames, states: tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]) -> float:
    """Return the logarithm of the sum over all ways through the states, frame by frame."""
    columns, skips = states
    reached = np.full(len(columns), _NEVER)
    reached[:2] = frames[0, columns[:2]]
    for frame in frames[1:]:
        ahead = reached.copy()
        ahead[1:] = np.logaddexp(ahead[1:], reached[:-1])
        ahead[2:] = np.where(skips[2:], np.logaddexp(ahead[2:], reached[:-2]), ahead[2:])
        reached = ahead + frame[columns]
    return float(np.logaddexp(reached[-1], reached[-2]))
