"""hibari-tts with its tables and its network prepared on disk: the same sound with half of the memory.

It replaces what `Hibari` and its `G2P` load in their constructors, and how they compute samples, of release 0.2.1, to
which the package is pinned.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from hibari import Hibari
from hibari.g2p import G2P, Lexicon, Tagger, Tokenizer
from hibari.g2p.oov import OOV
from hibari.tts import ASSETS
from hibari.voices import DEFAULT, voice_path

from edgevoice.local.speech.spectrum import Floats, samples_of
from edgevoice.local.speech.stored_network import StoredNetworks
from edgevoice.local.speech.tables import StoredTables

_KEPT_WORDS = 1000


class LeanHibari(Hibari):  # type: ignore[misc] # the package has no types
    """Speaks as ``Hibari()`` does. Raises ``OSError`` and ``ValueError`` if a network cannot be read."""

    def __init__(self, tables: StoredTables, networks: StoredNetworks) -> None:
        self.voice = DEFAULT
        self.model_path = voice_path(DEFAULT)
        self.sess = networks.open("spectrum")
        self.vocab = json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8"))
        self._g2p = _LeanG2P(tables, networks)

    def from_ids(self, ids: Sequence[int], speed: float = 1.0, rng: np.random.Generator | None = None) -> Floats:
        """Return the sound of phonemes, 24 kHz."""
        if len(ids) < 3:  # nothing between the marks of beginning and end
            return np.zeros(0, np.float32)
        self._g2p.oov.rest()
        given = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([speed], np.float32)}
        bands, pitch_hz = self.sess.run(None, given)
        return samples_of(bands[0], pitch_hz[0], rng or np.random.default_rng())


class _LeanG2P(G2P):  # type: ignore[misc] # the package has no types
    def __init__(self, tables: StoredTables, networks: StoredNetworks) -> None:
        self.lexicon = Lexicon(tables["gold"], tables["silver"], british=False)
        self.tokenizer = Tokenizer(json.loads(Path(ASSETS, "tokenizer_exceptions.json").read_text(encoding="utf-8")))
        self.tagger = _tagger(tables)
        self._oov = _UnknownWords(networks)
        self.unk = ""
        self.british = False


class _UnknownWords:
    """Pronounces words that the tables lack, by a network that is loaded for a sentence with such a word, in 20 ms."""

    def __init__(self, networks: StoredNetworks) -> None:
        self._networks = networks
        self._network: Any = None
        self._known = lru_cache(_KEPT_WORDS)(self._pronounced)

    def __call__(self, word: str) -> str | None:
        """Return phonemes, ``None`` if the word has no letter."""
        return self._known(word)

    def rest(self) -> None:
        """Free the network, 3 MB."""
        self._network = None

    def _pronounced(self, word: str) -> str | None:
        if self._network is None:
            self._network = OOV(session=self._networks.open("unknown words"))
        phonemes: str | None = self._network(word)
        return phonemes


def _tagger(tables: StoredTables) -> Any:
    # Its constructor would make a Python set of the vocabulary.
    tagger = Tagger({"tagdict": tables["tagdict"], "tags": tables["tags"]["tags"], "weights": tables["weights"]})
    try:
        tagger.vocab = tables["vocab"]
    except KeyError:
        tagger.vocab = None
    return tagger
