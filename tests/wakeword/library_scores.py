"""The library's scores of `sounds.rooms`, kept in tests/data: computing them takes 13 s.

They are kept with a digest of all that they depend on: the sound, the models, the versions of the library and of its
runtime, and the code that asks it. Where any of these differs, they are computed as before; then make the file again:

    python -m tests.wakeword.library_scores
"""

import hashlib
import inspect
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from edgevoice.wakeword import scorer
from edgevoice.wakeword.models.present import find_part, words_present
from edgevoice.wakeword.scorer import LibraryScorer
from tests.wakeword.sounds import DATA, Scores, heard, rooms

FILE = DATA / "library-scores.npz"
NAMES = ("hey_jarvis", "alexa", "hey_mycroft")


def library_scores() -> list[Scores]:
    """Return the scores of every frame, (frames, words) for each stretch of sound."""
    with np.load(FILE) as kept:
        if str(kept["digest"]) == digest():
            return [kept[f"stretch_{number}"].astype(np.float64) for number in range(len(kept) - 1)]
    return computed()


def computed() -> list[Scores]:
    """Ask the library."""
    return heard(LibraryScorer([words_present()[name] for name in NAMES]))


def digest() -> str:
    """Return a digest of all that the scores depend on."""
    models = [words_present()[name] for name in NAMES]
    parts = [find_part(name) for name in ("melspectrogram", "embedding_model")]
    digested = hashlib.sha256()
    for stretch in rooms():
        digested.update(stretch.tobytes())
    for file in (*models, *parts):
        digested.update(file.read_bytes())
    code = [inspect.getsource(each) for each in (LibraryScorer, scorer._load, scorer._forget, heard)]
    for text in (*code, *map(version, ("openwakeword", "onnxruntime"))):
        digested.update(text.encode())
    return digested.hexdigest()


def keep(scores: Sequence[Scores]) -> None:
    """Write the file."""
    stretches = {f"stretch_{number}": each.astype(np.float32) for number, each in enumerate(scores)}
    np.savez_compressed(FILE, allow_pickle=False, digest=np.array(digest()), **stretches)


if __name__ == "__main__":
    keep(computed())
