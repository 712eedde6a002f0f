"""What may be said, as a graph of words: commands, wake words, words that change a meaning, and anything else. Pure.

A path from `START` to `END` is one utterance. The commands of `vocabulary` share their beginnings and endings, so that
a thousand of them need only a hundred nodes. In parallel, any sequence of phonemes is allowed, with a penalty for each
phoneme: it wins if no command fits what was heard. A second graph says what people say to one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from edgevoice.local.mind import vocabulary
from edgevoice.local.speech.other_words import OTHER_WORDS
from edgevoice.local.speech.pronunciations import PRONUNCIATIONS, SPELLING, Phonemes, pronunciations

START, END = 0, 1
# The logarithm of how much less likely a phoneme outside the vocabulary is.
_FOREIGN_WEIGHT = -3.0
# And of how much less likely each word is that is said to somebody else.
_OTHER_WORD_WEIGHT = -3.0
# Phonemes that remain of a wake word at least: two may be any sound.
_SHORTEST_END = 3


@dataclass(frozen=True, slots=True)
class Arc:
    """A word between two nodes, with the ways to say it; ``weight`` is the logarithm of how likely it is.

    ``is_foreign``: a single phoneme that belongs to no word of the vocabulary, and ``word`` is its spelling; or a word
    of `other_words`.
    """

    source: int
    target: int
    word: str
    says: tuple[Phonemes, ...]
    weight: float = 0.0
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Grammar:
    """Arcs, and silent jumps: pairs of source and target, to be taken in this order."""

    nodes: int
    arcs: tuple[Arc, ...]
    jumps: tuple[tuple[int, int], ...]


def commands() -> Grammar:
    """Return the grammar of the vocabulary."""
    return _Builder().build()


def other_words() -> Grammar:
    """Return the grammar of any sequence of frequent words, those of the commands among them, and of phonemes."""
    loop = END + 1
    words = [*PRONUNCIATIONS.items(), *OTHER_WORDS.items()]
    arcs = [Arc(loop, loop, word, ways, _OTHER_WORD_WEIGHT, is_foreign=True) for word, ways in words]
    arcs += [Arc(loop, loop, spelled, ((one,),), _FOREIGN_WEIGHT, is_foreign=True) for one, spelled in SPELLING.items()]
    return Grammar(loop + 1, tuple(arcs), ((START, loop), (loop, END)))


def _ends_of(word: str) -> tuple[Phonemes, ...]:
    """Return the ways to say a word whose beginning was not heard: a turn may begin in the middle of the wake word."""
    says = pronunciations(word)
    ends = dict.fromkeys(way[at:] for way in says for at in range(len(way) - _SHORTEST_END + 1))
    return tuple(ends)


class _Builder:
    def __init__(self) -> None:
        self._nodes = 2
        self._arcs: list[Arc] = []
        self._finals: list[int] = []
        self._of_endings: dict[frozenset[tuple[str, ...]], int] = {}

    def build(self) -> Grammar:
        # Foreign sounds before a command, the node in front of it, its end, and foreign sounds after it.
        before, ready, done, after = (self._node() for _ in range(4))
        root = self._shared(frozenset(tuple(command.split()) for command in vocabulary.commands()))
        for phrase in vocabulary.WAKE_PHRASES:
            self._chain(START, ready, phrase.split())
            self._chain(before, ready, phrase.split())
            last = phrase.split()[-1]
            self._arcs.append(Arc(START, ready, last, _ends_of(last)))
        for around in vocabulary.TURNING:
            # Words after the command are heard as foreign; the words in front of it are enough to change its meaning.
            self._chain(ready, root, around.partition("{}")[0].split())
        self._chain(ready, root, ["no"])
        answers = self._shared(frozenset(tuple(answer.split()) for answer in vocabulary.answers()))
        self._word(done, done, "please")
        self._word(done, root, "and")
        for phoneme, spelled in SPELLING.items():
            for source, target in ((START, before), (before, before), (ready, after), (done, after), (after, after)):
                self._arcs.append(Arc(source, target, spelled, ((phoneme,),), _FOREIGN_WEIGHT, is_foreign=True))
        jumps = [
            *((final, done) for final in self._finals),
            (START, ready),
            (before, ready),
            (ready, root),
            (ready, answers),
        ]
        jumps += [(node, END) for node in (ready, done, after)]
        return Grammar(self._nodes, tuple(self._arcs), tuple(jumps))

    def _node(self) -> int:
        self._nodes += 1
        return self._nodes - 1

    def _word(self, source: int, target: int, word: str) -> None:
        self._arcs.append(Arc(source, target, word, pronunciations(word)))

    def _chain(self, source: int, target: int, words: Sequence[str]) -> None:
        for word in words[:-1]:
            middle = self._node()
            self._word(source, middle, word)
            source = middle
        self._word(source, target, words[-1])

    def _shared(self, endings: frozenset[tuple[str, ...]]) -> int:
        """Add a continuation once for all places where it may follow; return its first node."""
        if endings in self._of_endings:
            return self._of_endings[endings]
        node = self._of_endings[endings] = self._node()
        for word, group in groupby(sorted(endings), key=lambda words: words[:1]):
            if not word:
                self._finals.append(node)
                continue
            self._word(node, self._shared(frozenset(words[1:] for words in group)), word[0])
        return node
