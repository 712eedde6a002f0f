"""Models that take two windows at once: derived from existing models once, cached, and read at every start.

They are made by a child process, as the front end's parts are. If that fails, a model is used as it is.
"""

import hashlib
import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path

from edgevoice.journal import tell
from edgevoice.store.files import draft_folder
from edgevoice.store.making import make_in_child

_log = logging.getLogger(__name__)

_RECIPE = 1
"""Incremented with every change in how they are made, so that older ones are ignored."""

_LARGEST_BYTES = 64 << 20


def pair_models(models: Sequence[Path], folder: Path) -> list[bytes | None]:
    """Return for each model the one that takes two windows, made first if ``folder`` does not hold it, or None."""
    kept = [_place(model, folder) for model in models]
    missing = [(model, place) for model, place in zip(models, kept, strict=True) if place and not place.is_file()]
    if missing and importlib.util.find_spec("onnx") is not None:
        _make(missing)
    return [_read(place) for place in kept]


def make_pair(model: Path, target: Path) -> None:
    """Write the model that takes two windows to ``target``; an empty file means that there is none. Needs `onnx`."""
    from edgevoice.wakeword.models.widen import widened  # noqa: PLC0415 - 30 MB of memory

    target.write_bytes(widened(model.read_bytes()) or b"")


def _place(model: Path, folder: Path) -> Path | None:
    """Return where the pair model is kept; None for a file that is not a model, which is reported elsewhere."""
    try:
        if model.stat().st_size > _LARGEST_BYTES:
            return None
        digest = hashlib.sha256(f"recipe {_RECIPE}".encode() + model.read_bytes())
    except OSError:
        return None
    return folder / f"wakeword-pair-{digest.hexdigest()[:16]}.onnx"


def _make(missing: Sequence[tuple[Path, Path]]) -> None:
    try:
        # In the same folder, so that each is renamed into place as a whole, and a full /tmp does not matter.
        with draft_folder(missing[0][1]) as drafts:
            made = [drafts / place.name for _, place in missing]
            asked = [str(each) for (model, _), target in zip(missing, made, strict=True) for each in (model, target)]
            make_in_child("models that take two windows", "edgevoice.wakeword", "--pairs", *asked)
            for (_, place), target in zip(missing, made, strict=True):
                target.replace(place)
    except OSError as error:
        tell(_log, logging.WARNING, "wakeword-cache", problem=f"models stay as they are: {error.strerror or error}")


def _read(place: Path | None) -> bytes | None:
    try:
        return (place.read_bytes() if place else b"") or None
    except OSError:
        return None
