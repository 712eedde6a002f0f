"""hibari-tts with its tables left on disk and without onnxruntime's arenas: the same sound with 100 MB less.

It replaces what `Hibari` and its `G2P` load in their constructors, of release 0.2.1, to which the package is pinned.
"""

import json
from pathlib import Path
from typing import Any

import onnxruntime
from hibari import Hibari
from hibari.g2p import G2P, Lexicon, Tagger, Tokenizer
from hibari.g2p.oov import OOV
from hibari.tts import ASSETS
from hibari.voices import DEFAULT, voice_path

from edgevoice.local.speech.tables import StoredTables


class LeanHibari(Hibari):  # type: ignore[misc] # the package has no types
    """Speaks as ``Hibari()`` does."""

    def __init__(self, tables: StoredTables) -> None:
        self.voice = DEFAULT
        self.model_path = voice_path(DEFAULT)
        self.sess = _session(self.model_path)
        self.vocab = json.loads(Path(ASSETS, "vocab.json").read_text(encoding="utf-8"))
        self._g2p = _LeanG2P(tables)


class _LeanG2P(G2P):  # type: ignore[misc] # the package has no types
    def __init__(self, tables: StoredTables) -> None:
        self.lexicon = Lexicon(tables["gold"], tables["silver"], british=False)
        self.tokenizer = Tokenizer(json.loads(Path(ASSETS, "tokenizer_exceptions.json").read_text(encoding="utf-8")))
        self.tagger = _tagger(tables)
        self._oov = None
        self.unk = ""
        self.british = False

    @property
    def oov(self) -> Any:
        if self._oov is None:
            path = str(Path(ASSETS, "oov.onnx"))
            self._oov = OOV(path, _session(path))
        return self._oov


def _tagger(tables: StoredTables) -> Any:
    # Its constructor would make a Python set of the vocabulary.
    tagger = Tagger({"tagdict": tables["tagdict"], "tags": tables["tags"]["tags"], "weights": tables["weights"]})
    try:
        tagger.vocab = tables["vocab"]
    except KeyError:
        tagger.vocab = None
    return tagger


def _session(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # An arena keeps what the longest sentence took, for ever.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
