"""Refusals: why a file cannot be loaded as a wake word's model, in words for people. Loads nothing itself."""

import re
from dataclasses import dataclass
from pathlib import Path

_EXPORT = "Export the model again, as ONNX with float32 weights, in one file."
_COPY = "Copy the file again from where the model was made."

_LONGEST_REASON = 160
"""Characters of onnxruntime's own message that are kept; the reason comes last in it."""

_HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was found, as the end of a sentence about the file, and what to do about it."""

    found: str
    remedy: str


def refusal_of(path: Path, error: Exception) -> Refusal:
    """Return why onnxruntime does not load the file ``path``; ``error`` is its own exception."""
    return _by_content(path) or _by_words(path, str(error), type(error).__name__)


def _by_content(path: Path) -> Refusal | None:
    """Return what the file is if its first bytes show that it is another kind of file."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as problem:
        return Refusal(f"it cannot be read: {problem.strerror}", "Let the user edgevoice read it: chmod a+r.")
    text = head.lstrip().lower()
    kinds = (
        (not head, "it is empty", _COPY),
        (
            text.startswith(b"version https://git-lfs"),
            "it is a Git LFS pointer, not the model itself",
            "Fetch the model itself: `git lfs pull` in its repository, or download it there by hand.",
        ),
        (text.startswith((b"<!doctype html", b"<html")), "it is a web page", "Download the raw file of the model."),
        (
            head[4:8] == b"TFL3",
            "it is a TensorFlow Lite model",
            "Take the .onnx file of the same word: openWakeWord's training writes both.",
        ),
        (head.startswith(b"PK\x03\x04"), "it is an archive, or a PyTorch checkpoint", f"Unpack it, or: {_EXPORT}"),
        (head.startswith(b"\x1f\x8b"), "it is packed with gzip", "Unpack it: gunzip."),
        (not any(head), "it contains only zeros", _COPY),
    )
    return next((Refusal(found, remedy) for is_so, found, remedy in kinds if is_so), None)


def _by_words(path: Path, words: str, kind: str) -> Refusal:
    """Return what onnxruntime's message means; it knows release 1.31, and passes other messages on unchanged."""
    if "xternal data" in words or "External initializer" in words:
        return _of_external_data(path, words)
    if version := re.search(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)", words):
        found = f"its ONNX format (IR version {version[1]}) is newer than this onnxruntime reads ({version[2]})"
        return Refusal(found, f"Export it with an IR version up to {version[2]}, or install a newer onnxruntime.")
    if version := re.search(r"Opset (\d+) is under development.*till opset (\d+)", words, re.DOTALL):
        found = f"its operators (opset {version[1]}) are newer than this onnxruntime's ({version[2]})"
        return Refusal(found, f"Export it with an opset up to {version[2]}, or install a newer onnxruntime.")
    if operator := re.search(
        r"No Op registered for (\w+)|error: ([\w.]+:\w+)\S* is not a registered|implementation for (\w+)", words
    ):
        name = next(filter(None, operator.groups()))
        return Refusal(f"this onnxruntime has no operator {name}, which it uses", _EXPORT)
    if kind == "InvalidProtobuf":
        return Refusal("it is not an ONNX file, or is damaged", _COPY)
    reason = " ".join(words.split())[-_LONGEST_REASON:]
    return Refusal(f"onnxruntime cannot load it: {kind}: …{reason}", _EXPORT)


def _of_external_data(path: Path, words: str) -> Refusal:
    """Return what is wrong with the file beside the model that holds its weights."""
    if outside := re.search(r'escapes model directory. External data path: "([^"]*)"', words):
        found = f"its weights are in {outside[1]}, outside its own folder, which is not allowed"
        return Refusal(found, _EXPORT)
    named = re.search(r'does not exist: "([^"]*)"', words)
    data = Path(named[1]) if named else path.with_name(f"{path.name}.data")
    if named or not data.exists():
        found = f"its weights are in {data.name}, which is not beside it"
        return Refusal(found, f"Copy {data.name} into {path.parent}, under that very name, or export it in one file.")
    return Refusal(f"its weights in {data.name} are cut short, or those of another model", f"Copy {data.name} again.")
