"""What the recogniser listens for: an n-gram model and a dictionary, made of the vocabulary, and kept in a folder.

``python -m edgevoice.local.language FOLDER`` makes them there beforehand: that takes ten times as long as loading the
recogniser (0.57 and 0.05 s on a PC), and a small Pi many seconds.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgevoice.errors import StorageUnavailable
from edgevoice.local import vocabulary
from edgevoice.store.files import draft_folder
from edgevoice.store.folders import scratch_places

_RECIPE = "commands 1"
"""Changed with how the files are made, so that those of another recipe are made anew."""


@dataclass(frozen=True, slots=True)
class Language:
    """The two files that pocketsphinx takes: the model (ARPA), and how its words are pronounced."""

    model: Path
    dictionary: Path


@contextlib.contextmanager
def language(cache: Path | None) -> Iterator[Language]:
    """Give the files while the context lasts: those that ``cache`` keeps, made first if need be.

    Without a folder, or with one that cannot be written, they are made for this once. Raises ImportError where
    pocketsphinx is not installed, and StorageUnavailable where no folder takes them.
    """
    written = vocabulary.sentences()
    kept = cache / f"commands-{_fingerprint(written)}" if cache is not None else None
    if kept is not None and (kept.is_dir() or _keep(kept, written)):
        yield _in(kept)
        return
    folder = _make_for_once(written)
    try:
        yield _in(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def forget(language: Language) -> None:
    """Remove files that turned out to be of no use, so that they are made anew."""
    shutil.rmtree(language.model.parent, ignore_errors=True)


def _in(folder: Path) -> Language:
    return Language(folder / "commands.arpa", folder / "commands.dict")


def _fingerprint(written: list[str]) -> str:
    parts = (_RECIPE, importlib.metadata.version("pocketsphinx"), *vocabulary.EXTRA_PRONUNCIATIONS.items(), *written)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def _keep(place: Path, written: list[str]) -> bool:
    """Make the files at ``place``, whole or not at all; tell whether they are there now."""
    try:
        with draft_folder(place) as folder:
            _make(folder, written)
            folder.replace(place)
    except OSError:
        # A cache that cannot be written costs time, never an answer; and another may have been quicker.
        return place.is_dir()
    return True


def _make_for_once(written: list[str]) -> Path:
    """Make the files in the first folder that takes them: a full /tmp is no reason to understand nothing."""
    problem = "no folder takes what the speech recogniser reads"
    for place in scratch_places():
        folder = None
        try:
            folder = Path(tempfile.mkdtemp(prefix="edgevoice-local-", dir=place))
            _make(folder, written)
        except OSError as error:
            problem = f"no folder takes what the speech recogniser reads; {place}: {error.strerror}"
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        else:
            return folder
    raise StorageUnavailable(problem)


def _make(folder: Path, written: list[str]) -> None:
    import pocketsphinx  # noqa: PLC0415 - an optional package, and 65 MB of memory
    from pocketsphinx.lm import ArpaBoLM  # noqa: PLC0415

    made = _in(folder)
    model = ArpaBoLM(text="\n".join(written), add_start=True)
    model.compute()
    model.write_file(str(made.model))
    words = {word for sentence in written for word in sentence.split()}
    known = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    made.dictionary.write_text(_pronunciations(known, words), encoding="utf-8")
    # A power cut must not leave files that are there and empty.
    for path in (made.model, made.dictionary):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _pronunciations(dictionary: Path, words: set[str]) -> str:
    with dictionary.open(encoding="utf-8") as lines:
        known = [line for line in lines if line.split(" ", 1)[0].split("(", 1)[0] in words]
    return "".join(known) + "".join(f"{word} {said}\n" for word, said in vocabulary.EXTRA_PRONUNCIATIONS.items())


def main(arguments: Sequence[str]) -> int:
    """Make the files in the folder that is named; return the exit status."""
    try:
        with language(Path(arguments[0])):
            return 0
    except StorageUnavailable as error:
        print(error.line(), file=sys.stderr)  # noqa: T201 - for whoever installs it
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
