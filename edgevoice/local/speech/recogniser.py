"""Speech to text for a closed vocabulary, with models from wheels; downloads nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, Self

import numpy as np

from edgevoice.local.mind.intents import Intent, VolumeWish, Wish, understand
from edgevoice.local.speech import grammar
from edgevoice.local.speech.dereverberation import dereverberated
from edgevoice.local.speech.lattice import Lattice, Path
from edgevoice.local.speech.phoneme_file import IN_ROOMS, read_weights
from edgevoice.local.speech.phoneme_network import RATE_HZ, PhonemeNetwork
from edgevoice.local.speech.phonemes import BLANK, WORD_END, Frames, SoundNetwork, columns_of
from edgevoice.local.speech.pronunciations import SPELLING

SAMPLE_RATE_HZ = RATE_HZ
# Fewer phonemes are a cough, a door, or the end of the box's own answer.
_FEWEST_PHONEMES = 2
# A command is sure if every other meaning is at least this much less likely, as a logarithm,
_SURE_MARGIN = 3.0
# and if its phonemes fit the sound: by how much less likely they may be than the likeliest phonemes of all, per
# phoneme. If they fit worse, the box asks; if they fit much worse, they are other words (docs/decisions/recogniser.md).
_SURE_FIT = -1.45
_WORST_FIT = -2.4
# Stray sounds that do not make a command foreign: a breath, a click.
_MOST_STRAY = 2
# And if the network is sure itself: its probability of each phoneme that it heard, on average. In noise no phoneme fits
# well, so that every command fits nearly as well as the likeliest phonemes of all.
_SURE_HEARING = 0.5
# And if it is likelier by this than anything that people say to one another: "turn it over" is no "turn it up". A
# single word that fits perfectly is likelier by 3. Less is enough for what sets and cancels nothing, as the answer
# shows what was heard: a question, and what the next word takes back.
_SURE_LEAD = 2.9
_SURE_LEAD_OF_QUESTION = 1.0
_SURE_LEAD_OF_MILD = 0.0
_QUESTIONS = (Wish.TIME, Wish.DATE, Wish.STORY, Wish.JOKE, Wish.HELP)
_MILD = (Wish.GOODBYE, Wish.HELLO, Wish.THANKS, Wish.REPEAT)
# If other words are likelier by this, it is not even asked about.
_WORST_LEAD = -5.0
# In doubt, the network as it was trained for rooms is asked as well. It confirms a command if its best path means the
# same, both margins together are twice the margin, and it is surer than the first would have to be.
_CONFIRMED_FIT = -0.5
_CONFIRMED_LEAD = 1.0


class Unsure(str):
    """Words that may have been other words, with another meaning."""

    __slots__ = ()


class Recogniser(Protocol):
    """Speech to text; may take tenths of a second, so it is called from a thread."""

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), in lower case, empty if nothing was.

        The result is `Unsure` if another meaning is possible.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a network made of a sound: its phonemes as they are spelled, the words, and what these mean.

    ``margin`` is by how much every other meaning is less likely, and ``lead`` what people say to one another; ``fit``
    is that of a phoneme, and ``hearing`` how likely the likeliest one is. See the limits above.
    """

    spelled: str
    text: str
    wanted: Sequence[Intent] = ()
    margin: float = np.inf
    fit: float = 0.0
    hearing: float = 1.0
    lead: float = np.inf

    @property
    def needed_lead(self) -> float:
        """By how much the command must be likelier than other words."""
        return max(map(_sure_lead, self.wanted), default=-np.inf)

    @property
    def is_sure(self) -> bool:
        """Whether nothing else is possible."""
        is_clear = self.fit > _SURE_FIT and self.hearing > _SURE_HEARING
        return self.margin > _SURE_MARGIN and is_clear and self.lead >= self.needed_lead


class PhonemeRecogniser:
    """Recognise the vocabulary by its phonemes, with hama's network; any thread may call it.

    The network recognises phonemes, not words, so with an unfamiliar voice it gets a phoneme wrong here and there, and
    the grammar makes up for it. Measured with 27 voices of eight makers: of 540 commands 486 were understood at once
    and 42 after a question, and one was taken for another; none of 324 foreign sentences was obeyed. Late reverberation
    is lowered first. Costs 32 ms of a PC's core per second of speech, 55 ms in doubt, and 15 MB of memory.

    ``in_rooms`` is asked in doubt about a command, so its mistakes should be others than those of ``network``.
    """

    def __init__(self, network: SoundNetwork, in_rooms: SoundNetwork) -> None:
        self._network = network
        self._in_rooms = in_rooms
        columns = columns_of(network)
        self._blank, self._word_end = columns[BLANK], columns[WORD_END]
        self._spelling = defaultdict(str, {columns[phoneme]: spelled for phoneme, spelled in SPELLING.items()})
        self._lattice = Lattice(grammar.commands(), columns)
        self._others = Lattice(grammar.other_words(), columns)

    @classmethod
    def load(cls) -> Self:
        """Load the network and lay out the grammar; blocks for some tenths of a second.

        Raises LocalServiceUnavailable if hama is not installed, or brings another network.
        """
        return cls(*map(PhonemeNetwork, read_weights(IN_ROOMS)))

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), empty if nothing was; `Unsure` in doubt."""
        samples = dereverberated(np.frombuffer(speech, "<i2").astype(np.float32) / np.float32(32_768))
        reading = self._read(self._network.frames(samples))
        if reading is None:
            return ""
        if reading.wanted and (reading.fit <= _WORST_FIT or reading.lead < _WORST_LEAD):
            return Unsure(reading.spelled)
        is_sure = reading.is_sure or (bool(reading.wanted) and self._is_confirmed(reading, samples))
        return reading.text if is_sure else Unsure(reading.text)

    def _read(self, frames: Frames) -> "_Reading | None":
        """Return what a network made of a sound, None if it heard nothing."""
        heard = [column for column, _ in groupby(frames.argmax(axis=1).tolist()) if column != self._blank]
        phonemes = sum(column != self._word_end for column in heard)
        if phonemes < _FEWEST_PHONEMES:
            return None
        spelled = "".join(" " if column == self._word_end else self._spelling[column] for column in heard).strip()
        paths = self._lattice.search(frames)
        if not paths:
            return _Reading(spelled, spelled)
        chosen, margin = _chosen(paths)
        text = _text(chosen)
        fit = (chosen.score - float(frames.max(axis=1).sum())) / phonemes
        lead = np.inf
        if wanted := understand(text):
            lead = chosen.score - max((path.score for path in self._others.search(frames)), default=-np.inf)
        return _Reading(spelled, text, wanted, margin, fit, self._hearing(frames), lead)

    def _is_confirmed(self, reading: "_Reading", samples: Frames) -> bool:
        """Return whether the other network is sure of the same command."""
        other = self._read(self._in_rooms.frames(samples))
        return (
            other is not None
            and other.wanted == reading.wanted
            and min(reading.margin, other.margin) > 0.0
            and reading.margin + other.margin > 2 * _SURE_MARGIN
            and other.fit > _CONFIRMED_FIT
            and other.hearing > _SURE_HEARING
            and other.lead >= other.needed_lead + _CONFIRMED_LEAD
        )

    def _hearing(self, frames: Frames) -> float:
        """Return how likely the likeliest phoneme is, on average over the frames that have one, from 0 to 1."""
        likeliest = frames.max(axis=1)[frames.argmax(axis=1) != self._blank]
        return float(np.exp(likeliest).mean())


def _sure_lead(wanted: Intent) -> float:
    """Return by how much a command must be likelier than other words."""
    if isinstance(wanted, VolumeWish) or wanted in _MILD:
        return _SURE_LEAD_OF_MILD
    return _SURE_LEAD_OF_QUESTION if wanted in _QUESTIONS else _SURE_LEAD


def _chosen(paths: Sequence[Path]) -> tuple[Path, float]:
    """Return the likeliest path, or the command it would be without a stray sound; and by how much it is likelier.

    That is compared with the nearest path of another meaning; infinite if none is near, 0 for the command without a
    stray sound.
    """
    best = paths[0]
    meaning = understand(_text(best))
    for rival in paths[1:]:
        margin = best.score - rival.score
        if margin > 2 * _SURE_MARGIN:
            break
        if (other := understand(_text(rival))) and other != meaning:
            is_stray = sum(said.is_foreign for said in best.said) <= _MOST_STRAY
            if margin <= _SURE_MARGIN and not meaning and is_stray:
                return rival, 0.0
            return best, margin
    return best, np.inf


def _text(path: Path) -> str:
    """Return the words of a path; spell foreign sounds, with those of one word together."""
    text, is_open = "", False
    for said in path.said:
        text += said.word if is_open and said.is_foreign else f" {said.word}"
        is_open = said.is_foreign and not said.ends_word
    return text.strip()
