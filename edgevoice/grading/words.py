"""Comparing words: what was heard with what was said, what was answered with what was expected. Pure."""

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from edgevoice.errors import EdgevoiceError
from edgevoice.extras import how_to_add


class WordErrorsUnavailable(EdgevoiceError, ImportError):
    """The package that counts word errors is not installed."""

    code = "word-errors-unavailable"

    def __init__(self) -> None:
        super().__init__("the scorer word_error_rate needs the package jiwer", remedy=f"Add it: {how_to_add('eval')}")


def plain(text: str) -> str:
    """Return the words of a text in lower case, without punctuation; "what's" becomes "whats"."""
    bare = re.sub(r"['\u2019]", "", text.casefold())
    return " ".join(re.sub(r"[^\w]+", " ", bare).split())


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Words that are wrong, missing or too many, of so many that were said."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        """Errors per word that was said; above 1 if more was heard than said."""
        return self.errors / self.words if self.words else 0.0

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(self.errors + other.errors, self.words + other.words)


def word_errors(spellings: Iterable[str], heard: str) -> WordErrors:
    """Compare what was heard with the closest spelling of what was said.

    Raises ``WordErrorsUnavailable`` if jiwer is not installed.
    """
    library = _jiwer()
    counted = [_compared(library, plain(said), plain(heard)) for said in spellings if plain(said)]
    return min(counted, key=lambda each: each.rate, default=WordErrors(0, 0))


def require_word_errors() -> None:
    """Raise ``WordErrorsUnavailable`` if word errors cannot be counted here."""
    _jiwer()


def _jiwer() -> Any:
    try:
        # Not a dependency of the box: only people who choose a model or a voice count word errors.
        return importlib.import_module("jiwer")
    except ImportError:
        raise WordErrorsUnavailable from None


def _compared(library: Any, said: str, heard: str) -> WordErrors:
    found = library.process_words(said, heard)
    return WordErrors(found.substitutions + found.deletions + found.insertions, len(said.split()))


def dice(one: str, other: str) -> float:
    """Return how similar two texts are, 0 to 1: Dice's coefficient of their pairs of letters, case and spaces aside."""
    first, second = (_pairs(plain(text).replace(" ", "")) for text in (one, other))
    size = sum(first.values()) + sum(second.values())
    if not size:
        return float(plain(one) == plain(other))
    return 2 * sum((first & second).values()) / size


def _pairs(letters: Sequence[str] | str) -> Counter[str]:
    return Counter("".join(letters[at : at + 2]) for at in range(len(letters) - 1))
