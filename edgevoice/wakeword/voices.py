"""Voices on disk: one file for each person and wake word in the state folder; plain numbers, private to their owner.

A file holds no sound. It is checked when it is read: a file that is not a verifier, or is one for another model, is
refused.
"""

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta, Struct

from edgevoice.errors import EdgevoiceError
from edgevoice.journal import tell
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.store.files import DAMAGED, write_whole
from edgevoice.wakeword.household import HouseholdVoices, VoiceVerifier
from edgevoice.wakeword.models.present import find_part
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE
from edgevoice.wakeword.words import WakeWord

_log = logging.getLogger(__name__)

FOLDER: Final = "voices"
"""Relative to the state folder."""

_FORMAT: Final = 1
_LARGEST_BYTES: Final = 1 << 20
_LARGEST_WEIGHT: Final = 1e3
"""Embeddings are some tens; a larger value is not a weight."""

_NAME: Final = re.compile(r"\w[\w -]{0,39}")
"""A person's name: it becomes part of a file's name, so it contains no slash and no dot."""


class VoiceRefused(EdgevoiceError, ValueError):
    """A file of an enrolled voice cannot be used."""

    code = "wakeword-voice"
    remedy = "Enrol the voice again, or remove it: `edgevoice wakeword enrol --remove NAME`."


class _Kept(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    format: int
    name: Annotated[str, Meta(pattern=rf"^{_NAME.pattern}$")]
    word: Annotated[str, Meta(max_length=200)]
    model: Annotated[str, Meta(max_length=64)]
    calls: Annotated[int, Meta(ge=1)]
    bias: float
    weights: Annotated[list[float], Meta(min_length=EMBEDDING_SIZE, max_length=116 * EMBEDDING_SIZE)]


def is_name(name: str) -> bool:
    """Return whether a person may be enrolled by this name."""
    return _NAME.fullmatch(name) is not None


def fingerprint_of(model: Path) -> str:
    """Return a value that identifies this model, and the release of the front end before it."""
    digest = hashlib.sha256()
    for path in (find_part("melspectrogram"), find_part("embedding_model"), model):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def keep(voice: VoiceVerifier, model: Path, folder: Path, *, calls: int) -> Path:
    """Write a voice into ``folder``, the state folder, replacing an earlier one of that name; return its path.

    ``calls`` is how many calls it was made from. Raises ``OSError``.
    """
    kept = _Kept(
        format=_FORMAT,
        name=voice.name,
        word=voice.word,
        model=fingerprint_of(model),
        calls=calls,
        bias=voice.bias,
        # float32 has no more than seven significant digits.
        weights=[float(f"{weight:.7g}") for weight in voice.weights.tolist()],
    )
    place = folder / FOLDER / f"{voice.word}--{voice.name}.json"
    write_whole(place, msgspec.json.encode(kept), is_durable=True)
    return place


def files_of(folder: Path, word: str) -> list[Path]:
    """Return the files of the voices enrolled for a word, by name; raises ``OSError`` if they cannot be listed."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(each for each in (folder / FOLDER).iterdir() if _parts(each)[0] == word)
    return []


def name_of(file: Path) -> str:
    """Return the person whose voice a file holds, from the file's name."""
    return _parts(file)[1]


def _parts(file: Path) -> tuple[str, str]:
    word, _, name = file.stem.rpartition("--")
    return (word, name) if file.suffix == ".json" and is_name(name) else ("", "")


def read(file: Path, word: str, model: Path, seen: int) -> VoiceVerifier:
    """Return the voice in a file, for a word's model that sees ``seen`` embeddings. Raises ``VoiceRefused``."""
    try:
        with file.open("rb") as opened:
            kept = msgspec.json.decode(opened.read(_LARGEST_BYTES), type=_Kept)
    except OSError as error:
        raise VoiceRefused(
            f"{file} cannot be read: {error.strerror}", remedy="Let the user of the box read it."
        ) from error
    except DAMAGED as error:
        raise VoiceRefused(f"{file} is not an enrolled voice, or is damaged: {error}") from error
    if kept.format != _FORMAT or kept.word != word:
        raise VoiceRefused(f"{file} is format {kept.format} for the word {kept.word}; expected {_FORMAT} for {word}")
    if kept.model != fingerprint_of(model) or len(kept.weights) != seen * EMBEDDING_SIZE:
        raise VoiceRefused(f"{file} was made for another model of {word}, or another release of openwakeword")
    weights = np.array(kept.weights, np.float32)
    if not np.isfinite([kept.bias]).all() or not (np.abs(weights) <= _LARGEST_WEIGHT).all():
        raise VoiceRefused(f"{file} contains invalid weights")
    return VoiceVerifier(kept.name, kept.word, weights, kept.bias)


def household_for(
    settings: WakewordSettings, words: Sequence[WakeWord], folder: Path
) -> Callable[[Sequence[int]], HouseholdVoices | None]:
    """Return a function that loads the verifiers enrolled for the words, given the windows of their models.

    A voice that cannot be used is left out, and the log says so: without any voice a box hears as well as before.
    """

    def load(seen: Sequence[int]) -> HouseholdVoices | None:
        if settings.verifier == "off":
            return None
        voices = [list(_readable(word.name, word.model, size, folder)) for word, size in zip(words, seen, strict=True)]
        return HouseholdVoices(voices, threshold=settings.verifier_threshold) if any(voices) else None

    return load


def scale_of(settings: WakewordSettings, word: WakeWord, folder: Path) -> str:
    """Return which models make a word's scores, for the log of near misses: known voices have their own scale."""
    if settings.engine != "streaming" or settings.verifier == "off":
        return word.scale
    try:
        return f"{word.scale}, voices" if files_of(folder, word.name) else word.scale
    except OSError:
        return word.scale


def _readable(word: str, model: Path, seen: int, folder: Path) -> Iterator[VoiceVerifier]:
    try:
        files = files_of(folder, word)
    except OSError as error:
        tell(_log, logging.WARNING, "wakeword-voices", problem=f"{folder / FOLDER}: {error.strerror}")
        return
    for file in files:
        try:
            yield read(file, word, model, seen)
        except VoiceRefused as error:
            tell(_log, logging.WARNING, "wakeword-voices", code=error.code, problem=error.line())
