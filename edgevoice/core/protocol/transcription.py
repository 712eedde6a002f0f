"""Transcription: the user's words as the service transcribes them, in either of two dialects. No I/O, no clock.

At OpenAI each delta is an increment; at Inworld each delta holds all the words so far, rewritten. The dialect is known
for those two services and guessed for any other, where the evidence in the deltas decides.
"""

from dataclasses import dataclass

from edgevoice.core.protocol.transcript import LONGEST
from edgevoice.core.recent import Recent

_MOST_ITEMS = 8
"""Turns that are transcribed at once: one, or two if words arrive late."""

_HEAD = 200
"""Leading characters by which two texts are compared: the work for a delta must not grow with the text before it."""

_ALIKE = 4
"""Leading letters that two texts do not share by chance; one letter of a script without spaces counts as two."""

_FIRST_OF_SUCH = "\u2e80"

_STRANGE = 3
"""After this many deltas that begin unlike the one before, they are treated as increments."""


@dataclass(slots=True)
class _Turn:
    """The deltas of one item.

    ``joined``: all deltas concatenated; ``first`` and ``last``: the first and last with words; ``count``: how many had
    words; ``strange``: how many of the latest begin unlike the one before.
    """

    joined: str = ""
    first: str = ""
    last: str = ""
    count: int = 0
    strange: int = 0


class Transcription:
    """The user's words in one session; ``rewrites`` is the dialect to expect."""

    def __init__(self, *, rewrites: bool) -> None:
        self._rewrites = rewrites
        self._turns = Recent[str, _Turn](_MOST_ITEMS)

    def add(self, item_id: str, delta: str) -> str:
        """Take a delta and return the item's words so far."""
        turn = self._turns.get(item_id)
        if turn is None:
            turn = self._turns[item_id] = _Turn()
        is_rewrite = _is_rewrite(turn, delta)
        if is_rewrite is not None:
            if is_rewrite:
                turn.joined = ""
            self._rewrites = is_rewrite
        delta = delta[:LONGEST]
        turn.joined = (turn.joined + delta)[:LONGEST]
        if _letters(delta):
            turn.first = turn.first or delta
            turn.last = delta
            turn.count += 1
        return (delta if self._rewrites else turn.joined).strip()

    def complete(self, item_id: str, words: str) -> str:
        """Record all of an item's words; if this happens more than once, the last one counts."""
        words = words[:LONGEST]
        turn = self._turns.get(item_id)
        if turn is not None and turn.count > 1:
            joined, last = _likeness(turn.joined, words), _likeness(turn.last, words)
            if joined != last:
                self._rewrites = last > joined
        self._turns[item_id] = _Turn(words, words, words, count=1)
        return words.strip()


def _is_rewrite(turn: _Turn, delta: str) -> bool | None:
    """Return whether a delta replaces the text before it; ``None`` if that cannot be decided from this delta."""
    before, after = _letters(turn.last), _letters(delta)
    if not before or not after:
        return None
    if delta[0].isspace() and not turn.first[0].isspace():
        return False  # a word to be appended to others
    if before == after:
        return None  # repeated, or rewritten unchanged
    alike = _common(before, after)
    # A single word may recur as the beginning of another, so it is evidence only if nothing came before it.
    is_telling = turn.count == 1 or " " in turn.last.strip()
    is_alike = _weight(before[:alike]) >= _ALIKE and alike >= min(len(before), len(after)) // 2
    if (is_telling and is_alike) or delta.strip().startswith(f"{turn.last.strip()} "):
        return True
    if turn.last[-1].isspace():
        return False  # the space is for the next word
    turn.strange = turn.strange + 1 if alike == 0 else 0
    return False if turn.strange >= _STRANGE else None


def _likeness(text: str, words: str) -> float:
    """Return how much two texts have in common from their beginning, from 0 to 1."""
    one, other = _letters(text), _letters(words)
    return _common(one, other) / max(len(one), len(other))


def _letters(text: str) -> str:
    """Return the part of a text's beginning that a rewrite preserves: no case, no spaces, no full stops."""
    return "".join(letter for letter in text[:_HEAD].casefold() if letter.isalnum())


def _weight(letters: str) -> int:
    return sum(2 if letter >= _FIRST_OF_SUCH else 1 for letter in letters)


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
