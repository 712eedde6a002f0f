"""Speech to text for a closed vocabulary: models from inside wheels, nothing fetched."""

import threading
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol, Self

import numpy as np

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local import grammar
from edgevoice.local.intents import understand
from edgevoice.local.lattice import BLANK, WORD_END, Frames, Lattice, Path

SAMPLE_RATE_HZ = 16_000
# Our names of phonemes, and the network's: it writes the International Phonetic Alphabet.
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
# Fewer phonemes are a cough, a door, the end of the box's own answer.
_FEWEST_PHONEMES = 2
# A command is sure when every other meaning is at least this much less likely, as a logarithm. Of 540 commands by 27
# voices this left one wrong and sure, and 22 right ones in doubt.
_SURE_MARGIN = 3.0


class Unsure(str):
    """Words that may have been others, with another meaning."""

    __slots__ = ()


class Recogniser(Protocol):
    """Speech to text; may take tenths of a second, so it is called from a thread."""

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), lower case, empty when nothing was.

        It is `Unsure` where the meaning may have been another.
        """
        ...


class PhonemeRecogniser:
    """Recognise the vocabulary by its phonemes, with hama's network; one network, which threads take in turn.

    The network names phonemes and knows no words, so that a voice it never heard costs a phoneme here and there; the
    grammar makes up for it. Measured with 27 voices of eight makers: 528 of 540 commands understood, 31 of them after a
    question, and none of 324 foreign sentences obeyed. Costs 45 ms of a PC's core per second of speech,
    and 33 MB of memory.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        names = {**_NAMES, BLANK: BLANK, WORD_END: WORD_END}
        columns = {phoneme: model.decoder_tokens.index(name) for phoneme, name in names.items()}
        self._silent = (columns[BLANK], columns[WORD_END])
        self._lattice = Lattice(grammar.commands(), columns)
        self._turn = threading.Lock()

    @classmethod
    def load(cls) -> Self:
        """Load the network and lay out the grammar; blocks for some tenths of a second.

        Raises LocalServiceUnavailable when hama is not installed, or brings no library for this machine.
        """
        try:
            from hama.asr import ASRModel  # noqa: PLC0415 - an optional package
        except ImportError as error:
            raise LocalServiceUnavailable("The speech recogniser hama is not installed") from error
        try:
            return cls(ASRModel())
        except RuntimeError as error:
            raise LocalServiceUnavailable("The speech recogniser hama does not run on this machine") from error

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), empty when nothing was; `Unsure` in doubt."""
        samples = np.frombuffer(speech, "<i2").astype(np.float32) / np.float32(32_768)
        with self._turn:
            frames = self._frames(samples)
        heard = [column for column, _ in groupby(frames.argmax(axis=1).tolist()) if column not in self._silent]
        if len(heard) < _FEWEST_PHONEMES:
            return ""
        return _likeliest(self._lattice.search(frames))

    def _frames(self, samples: Frames) -> Frames:
        if samples.size < SAMPLE_RATE_HZ // 10:
            return np.zeros((0, len(self._model.decoder_tokens)), np.float32)
        given = {"waveform": samples[None], "waveform_lengths": np.array([samples.size])}
        scores, lengths = self._model.session.run(["log_probs", "out_lengths"], given)
        frames: Frames = scores[0, : int(lengths[0])]
        return frames


def _likeliest(paths: Sequence[Path]) -> str:
    """Return the likeliest words; `Unsure` where a likely rival means something else."""
    if not paths:
        return ""
    text = _text(paths[0])
    meaning = understand(text)
    for rival in paths[1:]:
        if rival.score < paths[0].score - _SURE_MARGIN:
            break
        if meaning != (other := understand(_text(rival))) and other:
            # A command that a stray sound spoils is still the likeliest command.
            return Unsure(text if meaning else _text(rival))
    return text


def _text(path: Path) -> str:
    """Return the words of a path; foreign sounds as they would be written, those of one word together."""
    text, is_open = "", False
    for said in path.said:
        text += said.word if is_open and said.is_foreign else f" {said.word}"
        is_open = said.is_foreign and not said.ends_word
    return text.strip()
