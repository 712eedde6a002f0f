"""Consent: whether the words of a turn agree to what was asked. Pure; reads words, and never a model's opinion of them.

Only a clear yes counts. Whatever is unclear, hesitates, sets conditions, or is about something else is none.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Consent(StrEnum):
    """What a turn says to a question that is answered by yes or no."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


MOST_WORDS: Final = 8
"""The longest yes, in words: who says more is telling something else."""


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a language, in lower case: a yes contains one of ``yes``, and neither ``no`` nor ``but``.

    ``beside`` may come before it. Each is one word, or several in this order.
    """

    yes: tuple[str, ...]
    no: tuple[str, ...]
    but: tuple[str, ...]
    beside: tuple[str, ...]


_LANGUAGES: Final = {
    "en": _Words(
        yes=(
            "yes", "yeah", "yep", "yup", "sure", "okay", "ok", "certainly", "absolutely", "definitely", "go ahead",
            "do it", "do that", "please do", "of course", "by all means", "i agree", "i approve", "that is fine",
            "that's fine", "all right", "alright",
        ),
        no=(
            "no", "nope", "nah", "not", "never", "don't", "do not", "can't", "won't", "stop", "cancel", "leave it",
            "forget it", "decline",
        ),
        but=(
            "but", "wait", "maybe", "perhaps", "if", "unless", "except", "later", "first", "instead", "or", "think",
            "what", "why", "how", "who", "which", "when", "where", "only",
        ),
        beside=("oh", "well", "um", "uh", "hmm", "please", "so", "and", "ah", "hey"),
    ),
    "de": _Words(
        yes=(
            "ja", "jawohl", "jap", "jo", "klar", "gerne", "gern", "sicher", "natürlich", "selbstverständlich", "okay",
            "ok", "einverstanden", "mach das", "mach es", "mach's", "mach ruhig", "mach mal", "tu das", "tu es",
            "bitte mach", "auf jeden fall", "in ordnung", "passt", "freilich",
        ),
        no=(
            "nein", "ne", "nee", "nö", "nicht", "niemals", "nie", "kein", "keine", "keinen", "stopp", "stop", "halt",
            "abbrechen", "lass es", "lass das", "lass mal", "vergiss es", "auf keinen fall",
        ),
        but=(
            "aber", "warte", "moment", "vielleicht", "wenn", "falls", "außer", "später", "erst", "oder", "stattdessen",
            "lieber", "was", "warum", "wieso", "wie", "wer", "welche", "wann", "wo", "nur", "jein",
        ),
        beside=("ach", "also", "na", "ähm", "äh", "hm", "bitte", "und", "so", "oh", "doch"),
    ),
    "fr": _Words(
        yes=("oui", "ouais", "d'accord", "bien sûr", "vas-y", "allez-y", "volontiers", "ok", "okay", "certainement"),
        no=("non", "pas", "jamais", "arrête", "annule", "stop"),
        but=("mais", "attends", "peut-être", "si", "sauf", "plus tard", "d'abord", "ou", "plutôt", "quoi", "pourquoi"),
        beside=("ah", "eh", "euh", "bon", "ben", "alors", "s'il te plaît", "s'il vous plaît", "et"),
    ),
    "es": _Words(
        yes=("sí", "claro", "vale", "de acuerdo", "por supuesto", "adelante", "hazlo", "ok", "okay", "desde luego"),
        no=("no", "nunca", "jamás", "cancela", "alto"),
        but=("pero", "espera", "quizás", "quizá", "si", "salvo", "luego", "primero", "o", "mejor", "qué", "cómo"),
        beside=("ah", "eh", "pues", "bueno", "por favor", "y"),
    ),
    "it": _Words(
        yes=("sì", "certo", "va bene", "d'accordo", "fallo", "fai pure", "procedi", "ok", "okay", "certamente"),
        no=("no", "non", "mai", "ferma", "annulla", "stop"),
        but=("ma", "aspetta", "forse", "se", "tranne", "dopo", "prima", "o", "invece", "cosa", "perché", "come"),
        beside=("ah", "eh", "beh", "allora", "per favore", "e"),
    ),
    "nl": _Words(
        yes=("ja", "jazeker", "zeker", "natuurlijk", "prima", "doe maar", "doe het", "graag", "akkoord", "ok", "oké"),
        no=("nee", "neen", "niet", "nooit", "geen", "stop", "annuleer", "laat maar"),
        but=("maar", "wacht", "misschien", "als", "tenzij", "behalve", "later", "eerst", "of", "liever", "wat", "hoe"),
        beside=("ah", "oh", "nou", "eh", "alsjeblieft", "graag", "en"),
    ),
}  # fmt: skip

_APOSTROPHES: Final = {ord("\u2019"): "'", ord("\u02bc"): "'", ord("`"): "'"}


def consent_of(text: str, language: str) -> Consent:
    """Return what the words of a turn say, in the language of the settings, such as "en" or "de-DE".

    A language without words of its own is read as English: people say "okay" in many.
    """
    words = _LANGUAGES.get(language.partition("-")[0].lower(), _LANGUAGES["en"])
    said = re.findall(r"[\w'-]+", unicodedata.normalize("NFC", text).translate(_APOSTROPHES).lower())
    agreed, rest = _agreed(said, words)
    # What follows the yes may take it back: "okay, wait"; but the yes itself may contain such a word: "doe maar".
    if _holds(rest, words.no):
        return Consent.NO
    if len(said) > MOST_WORDS or _holds(rest, words.but) or "?" in text:
        return Consent.UNCLEAR
    return Consent.YES if agreed else Consent.UNCLEAR


def _agreed(said: list[str], words: _Words) -> tuple[bool, list[str]]:
    """Return whether it begins with a yes, and what else was said."""
    agreed, place = False, 0
    while place < len(said):
        length = _begins(said[place:], words.yes)
        agreed = agreed or bool(length)
        length = length or _begins(said[place:], words.beside)
        if not length:
            break
        place += length
    return agreed, said[place:]


def _holds(said: list[str], phrases: tuple[str, ...]) -> bool:
    return any(_begins(said[place:], phrases) for place in range(len(said)))


def _begins(said: list[str], phrases: tuple[str, ...]) -> int:
    """Return how many words of what was said one of the phrases begins it with; 0 for none."""
    return max((len(parts) for parts in map(str.split, phrases) if said[: len(parts)] == parts), default=0)
