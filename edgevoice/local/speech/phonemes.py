"""The phonemes that a network hears, by our names, and what a network is to be like. Pure."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.float32]
"""Log-likelihoods, one row per frame, one column per phoneme of the network."""

BLANK: Final = "<blank>"
WORD_END: Final = "<wb>"

# Our names of phonemes, and the network's, which are in the International Phonetic Alphabet.
_NAMES = {
    "AA": "\u0251",
    "AE": "\xe6",
    "AX": "\u0259",
    "AH": "\u028c",
    "AO": "\u0254",
    "AW": "a\u028a",
    "AY": "a\u026a",
    "B": "b",
    "CH": "t\u0361\u0283",
    "D": "d",
    "DH": "\xf0",
    "EH": "\u025b",
    "ER": "\u025d",
    "EY": "e\u026a",
    "F": "f",
    "G": "g",
    "HH": "h",
    "IH": "\u026a",
    "IY": "i",
    "JH": "d\u0361\u0292",
    "K": "k",
    "L": "l",
    "M": "m",
    "N": "n",
    "NG": "\u014b",
    "OW": "o\u028a",
    "OY": "\u0254\u026a",
    "P": "p",
    "R": "\u0279",
    "S": "s",
    "SH": "\u0283",
    "T": "t",
    "TH": "\u03b8",
    "UH": "\u028a",
    "UW": "u",
    "V": "v",
    "W": "w",
    "Y": "j",
    "Z": "z",
    "ZH": "\u0292",
}


class SoundNetwork(Protocol):
    """Sound to phonemes."""

    @property
    def names(self) -> Sequence[str]:
        """Return the name of each column's phoneme."""
        ...

    def frames(self, samples: Frames) -> Frames:
        """Return the logarithm of how likely each phoneme is in each frame, (frames, columns).

        ``samples`` are at 16 kHz, within 1; there are no frames of less than a tenth of a second.
        """
        ...


def columns_of(network: SoundNetwork) -> dict[str, int]:
    """Return the network's column for each phoneme, by our names, and for `BLANK` and `WORD_END`."""
    names = {**_NAMES, BLANK: BLANK, WORD_END: WORD_END}
    return {phoneme: network.names.index(name) for phoneme, name in names.items()}
