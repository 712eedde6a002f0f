"""Kernel: the library and the weights, found or made, and proven on this very processor before they are used.

The files of weights are made once for each release of the models, by a child process, from the installed ONNX files;
each holds what onnxruntime computed from the same models, and the kernel must compute the same at every start.
"""

import contextlib
import ctypes
import hashlib
import logging
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from edgevoice.errors import WakeWordUnavailable
from edgevoice.journal import tell
from edgevoice.store.files import draft_folder, drop_older
from edgevoice.store.folders import scratch_folder
from edgevoice.store.making import NotMade, make_in_child
from edgevoice.wakeword.kernel.library import KernelUnavailable, is_compiled, open_library
from edgevoice.wakeword.kernel.stages import KernelClassifier, KernelMel, KernelNetwork, KernelVoice
from edgevoice.wakeword.models.arrays import Arrays, map_arrays
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.present import find_part
from edgevoice.wakeword.models.shapes import CHUNK_FRAMES, CHUNK_SAMPLES, FRAME
from edgevoice.wakeword.models.silero import find_voice, probabilities

_log = logging.getLogger(__name__)

_RECIPE: Final = 1
"""Incremented with every change in the files of weights or how they are made, so that older ones are ignored."""

_VOICE: Final = "voice"
"""What stands for the voice model among paths of models, which are absolute."""

_MADE_AGAIN: Final = "Run scripts/setup again; until then onnxruntime computes the same."
_LARGEST_BYTES: Final = 64 << 20

_MOST_EMBEDDING_DIFFERENCE: Final = 1e-3
"""Embeddings run to some tens; the kernel's differ by 5e-5 because its sums are in another order."""

_MOST_SCORE_DIFFERENCE: Final = 1e-4


class Kernel:
    """Computes the wake word's stages in C; implements ``models.features.Stages``. Make one with `open_kernel`."""

    def __init__(self, library: ctypes.CDLL, front_end: Arrays, folder: Path) -> None:
        self._library = library
        self._front_end = front_end
        self._folder = folder
        self._words: dict[Path, Arrays | None] = {}

    def mel_bank(self) -> KernelMel:
        """Return the mel spectrogram."""
        return KernelMel(self._library, self._front_end)

    def network(self) -> KernelNetwork:
        """Return an embedding network in its first state."""
        return KernelNetwork(self._library, self._front_end)

    def classifier(self, model: Path, pair: bytes | None = None) -> KernelClassifier | Classifier:
        """Return a word's classifier: the kernel's if it computes such models, else onnxruntime's."""
        arrays = self._arrays_of(model)
        return Classifier(model, pair) if arrays is None else KernelClassifier(self._library, arrays)

    def computes(self, model: Path) -> bool:
        """Return whether the kernel computes this model itself; ``learn`` makes what is missing."""
        return self._arrays_of(model) is not None

    def voice(self) -> KernelVoice | None:
        """Return the voice model; None if its weights are not there, see ``learn``."""
        try:
            place = voice_place(self._folder)
            if not place.is_file() or not place.stat().st_size:
                return None
            return _checked_voice(KernelVoice(self._library, arrays := map_arrays(place)), arrays)
        except WakeWordUnavailable:
            return None
        except (OSError, ValueError, KeyError) as error:
            tell(_log, logging.WARNING, "wakeword-cache", problem=f"the voice model's weights cannot be used: {error}")
            return None

    def learn(self, models: Sequence[Path]) -> None:
        """Make the weights of the models, and of the voice model, that have none yet, all in one child.

        Without them onnxruntime computes.
        """
        missing = [(name, place) for name, place in self._places(models) if not place.is_file()]
        if not missing:
            return
        try:
            with draft_folder(missing[0][1]) as drafts:
                made = [drafts / place.name for _, place in missing]
                _make([each for (name, _), draft in zip(missing, made, strict=True) for each in (name, str(draft))])
                for (name, place), draft in zip(missing, made, strict=True):
                    draft.replace(place)
                    if name == _VOICE:  # of the words, each has a file of its own
                        drop_older(place)
        except (OSError, KernelUnavailable) as error:
            why = error.line() if isinstance(error, KernelUnavailable) else error.strerror
            tell(_log, logging.WARNING, "wakeword-cache", problem=f"onnxruntime computes the models: {why}")

    def _places(self, models: Sequence[Path]) -> Iterator[tuple[str, Path]]:
        for model in models:
            if (place := word_place(model, self._folder)) is not None:
                yield str(model), place
        with contextlib.suppress(WakeWordUnavailable, OSError):
            yield _VOICE, voice_place(self._folder)

    def _arrays_of(self, model: Path) -> Arrays | None:
        if model not in self._words:
            self._words[model] = self._proven(model)
        return self._words[model]

    def _proven(self, model: Path) -> Arrays | None:
        place = word_place(model, self._folder)
        try:
            # An empty file stands for a model of another kind.
            if place is None or not place.is_file() or not place.stat().st_size:
                return None
            return _checked_word(self._library, map_arrays(place))
        except (OSError, ValueError, KeyError) as error:
            tell(_log, logging.WARNING, "wakeword-cache", problem=f"{place} cannot be used: {error}")
            return None


def open_kernel(folder: Path) -> Kernel:
    """Return the kernel, proven; what is missing is made in ``folder``. Raises ``KernelUnavailable``.

    Takes some milliseconds; the first time, 3 s, of which a compiler takes 2.
    """
    library = open_library(folder)
    place = _front_end_place(folder)
    try:
        if place.is_file():
            try:
                return Kernel(library, _checked(library, map_arrays(place)), folder)
            except (OSError, ValueError, KeyError) as error:
                tell(_log, logging.WARNING, "wakeword-cache", problem=f"{place} is made again: {error}")
        return Kernel(library, _checked(library, _made(place)), folder)
    except (OSError, ValueError, KeyError) as error:
        raise KernelUnavailable(f"the wake word's kernel cannot be used: {error}") from error


def _checked(library: ctypes.CDLL, arrays: Arrays) -> Arrays:
    """Return the arrays if the kernel makes of the proof's sound what onnxruntime made of it; else ``ValueError``."""
    mel, network = KernelMel(library, arrays), KernelNetwork(library, arrays)
    sound, expected = arrays["proof.sound"], arrays["proof.embeddings"]
    sounds = np.lib.stride_tricks.sliding_window_view(sound, CHUNK_SAMPLES)[::FRAME]
    made = network.catch_up(mel.chunks(sounds).reshape(len(sounds) * CHUNK_FRAMES, -1))
    difference = float(np.abs(made[-len(expected) :] - expected).max())
    if not difference <= _MOST_EMBEDDING_DIFFERENCE:
        raise ValueError(f"its embeddings differ by {difference:g}")
    return arrays


def word_place(model: Path, folder: Path) -> Path | None:
    """Return where a model's weights are kept; None for what cannot be a model, which is reported elsewhere."""
    try:
        if model.stat().st_size > _LARGEST_BYTES:
            return None
        digest = _digest(model)
    except OSError:
        return None
    return folder / f"wakeword-kernel-word-{digest}.npy"


def voice_place(folder: Path) -> Path:
    """Return where the voice model's weights are kept. Without the model: ``WakeWordUnavailable``."""
    return folder / f"wakeword-kernel-voice-{_digest(find_voice())}.npy"


def is_made(folder: Path) -> bool:
    """Return whether everything is there that `open_kernel` would otherwise make first, which takes seconds."""
    return is_compiled(folder) and _front_end_place(folder).is_file()


def _front_end_place(folder: Path) -> Path:
    return folder / f"wakeword-kernel-{_fingerprint()}.npy"


def _fingerprint() -> str:
    return _digest(find_part("melspectrogram"), find_part("embedding_model"))


def _digest(*files: Path) -> str:
    """Return a value of the files' content. Raises ``OSError``."""
    marks = [(each, status.st_size, status.st_mtime_ns) for each in files for status in [each.stat()]]
    return _digest_of(*marks)


@cache
def _digest_of(*marks: tuple[Path, int, int]) -> str:
    # Read once in a process: on a slow Pi, 4 MB take a tenth of a second.
    digest = hashlib.sha256(f"recipe {_RECIPE}".encode())
    for file, _, _ in marks:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _made(place: Path) -> Arrays:
    """Make the front end's file and return its arrays; where it cannot be kept, they are made at every start."""
    try:
        with draft_folder(place) as drafts:
            draft = drafts / place.name
            _make(["-", str(draft)])
            draft.replace(place)
        drop_older(place)
        return map_arrays(place)
    except OSError as error:
        tell(_log, logging.WARNING, "wakeword-cache", problem=f"{place.parent} cannot be written: {error.strerror}")
    with scratch_folder("edgevoice-kernel-") as scratch:
        _make(["-", str(scratch / place.name)])
        # Mapped, it stays when its name is gone.
        return map_arrays(scratch / place.name)


def _make(asked: Sequence[str]) -> None:
    """Have a child write files of weights: of each model, ``-`` for the front end, to the path that follows it."""
    try:
        make_in_child("the wake word's weights", "edgevoice.wakeword", "--kernel", *asked)
    except NotMade as error:
        # What the machine lacks, the child has said with what helps.
        raise KernelUnavailable(str(error), remedy="" if error.can_pass else _MADE_AGAIN) from error


def _checked_word(library: ctypes.CDLL, arrays: Arrays) -> Arrays:
    """Return the arrays if the kernel gives the proof's windows onnxruntime's scores; else ``ValueError``."""
    classifier = KernelClassifier(library, arrays)
    made: list[float] = []
    for window in arrays["proof.windows"]:
        classifier.listen_to(window)
        made += classifier.scores(1)
    difference = float(np.abs(np.array(made, np.float32) - arrays["proof.scores"]).max())
    if not difference <= _MOST_SCORE_DIFFERENCE:
        raise ValueError(f"its scores differ by {difference:g}")
    return arrays


def _checked_voice(voice: KernelVoice, arrays: Arrays) -> KernelVoice:
    difference = float(np.abs(probabilities(voice, arrays["proof.sound"]) - arrays["proof.probabilities"]).max())
    if not difference <= _MOST_SCORE_DIFFERENCE:
        raise ValueError(f"its probabilities differ by {difference:g}")
    return voice


def weights_for(model: str) -> bytes:
    """Return the file of weights of a model, of the front end for ``-``, of the voice for ``voice``; for the child.

    Raises ``WakeWordUnavailable``.
    """
    # Imported only there: onnxruntime takes 35 MB.
    from edgevoice.wakeword.kernel.make_weights import front_end_file, voice_file, word_file  # noqa: PLC0415

    if model == _VOICE:
        return voice_file()
    if model != "-":
        return word_file(Path(model))
    try:
        return front_end_file()
    except ValueError as error:
        raise WakeWordUnavailable(f"this release of openwakeword is not known: {error}") from error
