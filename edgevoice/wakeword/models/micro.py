"""microWakeWord: another family of wake word models, Apache-2.0, run by the package pymicro-wakeword.

Its models are small, quantised and stateful: some 2 ms of a PC's core per second of sound. Each has its own cutoff, at
which its maker intends it to be used.
"""

import ctypes
import importlib
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from edgevoice.errors import WakeWordUnavailable
from edgevoice.store.files import DAMAGED
from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.models.present import MicroMissing
from edgevoice.wakeword.models.shapes import FRAME, Samples

_REACH_FRAMES: Final = 25
"""Frames that a score may depend on: 2 s. This many are kept while the gate is shut, and heard when it opens."""

_UNSCORED_FRAMES: Final = 12
"""Frames after a start whose scores are 0: a model without any state yet only guesses."""

_STEP_MS: Final = 10
_BANDS: Final = 40
"""The output of the package's front end: 40 bands every 10 ms."""

_LARGEST_BYTES: Final = 8 << 20
"""Largest file of a model for microcontrollers; the package's own have 50 to 80 kB."""

_REINSTALL = "Install the package pymicro-wakeword again, for this machine and this system."
_COPY = "Copy the .json and the .tflite file again from where the model was made."


class MicroScorer:
    """Implements ``Scorer``; ``models`` are the .json files that describe them.

    A score of 0.5 is the model's own cutoff, so that one threshold suits every model. With a gate, mere room noise
    scores 0 without computation. A model that cannot be used is ``WakeWordUnavailable``.
    """

    def __init__(self, models: Sequence[Path], gate: EnergyGate | None = None) -> None:
        library = _library()
        self._features = library.MicroWakeWordFeatures()
        self._words = [_Word(library, path) for path in models]
        self._gate = gate
        self._nothing = (0.0,) * len(models)
        self._unheard: deque[Samples] = deque(maxlen=_REACH_FRAMES)
        self._unscored = _UNSCORED_FRAMES

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        """Return the scores after each of the next frames."""
        return [self._take(frame) for frame in sound.reshape(-1, FRAME)]

    def reset(self) -> None:
        """Forget what was heard."""
        self._features.reset()
        for word in self._words:
            word.reset()
        self._unheard.clear()
        self._unscored = _UNSCORED_FRAMES

    def _take(self, frame: Samples) -> Sequence[float]:
        self._unheard.append(frame)
        if self._gate is not None and not self._gate.is_open(frame):
            return self._nothing
        scores: Sequence[float] = self._nothing
        while self._unheard:
            scores = self._hear(self._unheard.popleft())
        if self._unscored:
            self._unscored -= 1
            return self._nothing
        return scores

    def _hear(self, frame: Samples) -> Sequence[float]:
        """Return each word's highest score within the frame: a model scores every 30 ms."""
        heard = [[0.0] for _ in self._words]
        for features in self._features.process_streaming(frame.tobytes()):
            for scores, word in zip(heard, self._words, strict=True):
                scores.append(word.score(features))
        return [max(scores) for scores in heard]


class _Micro(msgspec.Struct):
    """How a model is to be used; ``sliding_window_size`` is the number of scores that are averaged."""

    probability_cutoff: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    sliding_window_size: Annotated[int, msgspec.Meta(ge=1, le=50)]
    feature_step_size: int = _STEP_MS


class _Description(msgspec.Struct):
    """The .json file of a model, as written by ESPHome and microWakeWord's training."""

    model: str
    micro: _Micro


class _Word:
    """One model."""

    def __init__(self, library: Any, path: Path) -> None:
        description = _described(path)
        model = path.parent / description.model
        runtime = _runtime(library)
        _require_wake_word(model, runtime)
        self._cutoff = description.micro.probability_cutoff
        self._model = library.MicroWakeWord(
            path.stem,
            wake_word=path.stem,
            tflite_model=model,
            probability_cutoff=self._cutoff,
            sliding_window_size=description.micro.sliding_window_size,
            trained_languages=[],
            libtensorflowlite_c_path=runtime,
        )

    def score(self, features: Any) -> float:
        """Take the features of the next 10 ms; return the score after them, or 0 between the model's steps."""
        return _calibrated(self._model.process_streaming_prob(features), self._cutoff)

    def reset(self) -> None:
        self._model.reset()


def _calibrated(probability: float, cutoff: float) -> float:
    """Return the score whose odds are those of the probability divided by those of the cutoff.

    Models differ in where they are confident: the package's own have cutoffs from 0.85 to 0.97.
    """
    yes, no = probability * (1 - cutoff), (1 - probability) * cutoff
    return yes / (yes + no)


def _described(path: Path) -> _Description:
    try:
        description = msgspec.json.decode(path.read_bytes(), type=_Description)
    except OSError as error:
        raise WakeWordUnavailable(f"{path} cannot be read: {error.strerror}", remedy=_COPY) from error
    except DAMAGED as error:
        problem = f"{path} does not describe a microWakeWord model: {str(error)[0].lower()}{str(error)[1:]}"
        raise WakeWordUnavailable(problem, remedy=_COPY) from error
    if description.micro.feature_step_size != _STEP_MS:
        raise WakeWordUnavailable(
            f"{path} cannot be used: it wants features every {description.micro.feature_step_size} ms, not {_STEP_MS}",
            remedy="Take a model of microWakeWord's version 2 with a feature step of 10 ms.",
        )
    return description


def _require_wake_word(model: Path, runtime: Path) -> None:
    """Refuse a file that would crash the package, which has TensorFlow Lite load it without verification."""
    try:
        size = model.stat().st_size
        with model.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        problem = f"{model}, which its .json names, cannot be read: {error.strerror}"
        raise WakeWordUnavailable(problem, remedy=_COPY) from error
    if head[4:8] != b"TFL3" or size > _LARGEST_BYTES:
        raise WakeWordUnavailable(f"{model} is not a model for microcontrollers in TensorFlow Lite", remedy=_COPY)
    if (found := _problem_of(model, runtime)) is not None:
        raise WakeWordUnavailable(f"{model} cannot be used: {found}", remedy=_COPY)


def _problem_of(model: Path, runtime: Path) -> str | None:
    """Load a model step by step as the package will, and return what is wrong with it."""
    library = _tensorflow_lite(runtime)
    opened = library.TfLiteModelCreateFromFile(str(model.resolve()).encode())
    if not opened:
        return "it is damaged"
    try:
        interpreter = library.TfLiteInterpreterCreate(opened, None)
        if not interpreter:
            return "it uses operators that this TensorFlow Lite does not have"
        try:
            return _problem_of_shapes(library, interpreter)
        finally:
            library.TfLiteInterpreterDelete(interpreter)
    finally:
        library.TfLiteModelDelete(opened)


def _problem_of_shapes(library: Any, interpreter: int) -> str | None:
    if library.TfLiteInterpreterAllocateTensors(interpreter):
        return "it is damaged, or made for another TensorFlow Lite"
    inputs = library.TfLiteInterpreterGetInputTensorCount(interpreter)
    outputs = library.TfLiteInterpreterGetOutputTensorCount(interpreter)
    if (inputs, outputs) != (1, 1):
        return f"a wake word model has one input and one output; this one has {inputs} and {outputs}"
    asked = library.TfLiteInterpreterGetInputTensor(interpreter, 0)
    given = library.TfLiteInterpreterGetOutputTensor(interpreter, 0)
    shape = [library.TfLiteTensorDim(asked, axis) for axis in range(library.TfLiteTensorNumDims(asked))]
    if len(shape) != 3 or shape[2] != _BANDS or library.TfLiteTensorByteSize(given) != 1:
        return f"a wake word model takes (1, n, {_BANDS}) and gives one byte; this one takes {tuple(shape)}"
    return None


def _tensorflow_lite(runtime: Path) -> Any:
    """Return the functions of the package's TensorFlow Lite that a trial needs."""
    try:
        library = ctypes.CDLL(str(runtime))
    except OSError as error:
        raise WakeWordUnavailable(f"TensorFlow Lite cannot be loaded: {error}", remedy=_REINSTALL) from error
    pointer, integer = ctypes.c_void_p, ctypes.c_int32
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "TfLiteModelCreateFromFile": (pointer, [ctypes.c_char_p]),
        "TfLiteModelDelete": (None, [pointer]),
        "TfLiteInterpreterCreate": (pointer, [pointer, pointer]),
        "TfLiteInterpreterDelete": (None, [pointer]),
        "TfLiteInterpreterAllocateTensors": (ctypes.c_int, [pointer]),
        "TfLiteInterpreterGetInputTensorCount": (integer, [pointer]),
        "TfLiteInterpreterGetOutputTensorCount": (integer, [pointer]),
        "TfLiteInterpreterGetInputTensor": (pointer, [pointer, integer]),
        "TfLiteInterpreterGetOutputTensor": (pointer, [pointer, integer]),
        "TfLiteTensorNumDims": (integer, [pointer]),
        "TfLiteTensorDim": (integer, [pointer, integer]),
        "TfLiteTensorByteSize": (ctypes.c_size_t, [pointer]),
    }
    for name, (gives, takes) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    return library


def _runtime(library: Any) -> Path:
    """Return where the package keeps its TensorFlow Lite."""
    folder = Path(library.__file__).parent / "lib"
    found = next(folder.glob("*tensorflowlite_c.*"), None)
    if found is None:
        raise WakeWordUnavailable(f"TensorFlow Lite is not in {folder}", remedy=_REINSTALL)
    return found


def _library() -> Any:
    """Return the package, imported only when needed: it loads 5 MB of TensorFlow Lite."""
    try:
        return importlib.import_module("pymicro_wakeword")
    except ImportError as error:
        raise MicroMissing from error
