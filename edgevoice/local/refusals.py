"""Refusals: what a client asked for and does not get, in the protocol's terms. No I/O."""

from collections.abc import Iterable
from typing import Any

import msgspec

MODALITIES = frozenset({"audio", "text"})
_SHOWN = 40


class RequestRefused(Exception):
    """A client event, or a part of it, was refused; becomes one ``error`` event, and the refused part has no effect."""

    def __init__(self, code: str, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def refusal_of(error: msgspec.ValidationError, *, root: str = "") -> RequestRefused:
    """Return a validation error as a refusal in the protocol's terms."""
    # Without a path the value itself is bad.
    message, _, path = str(error).partition(" - at `")
    param = (path.rstrip("`") or "$").replace("$", root, 1).lstrip(".")
    return RequestRefused("invalid_value", message, param=param or None)


def known_modalities(names: Iterable[Any], where: str) -> tuple[list[str], list[RequestRefused]]:
    """Return the modalities that this service supports, and a refusal for the others; ``where`` names their field."""
    kept: list[str] = []
    refused = []
    for number, name in enumerate(names):
        if isinstance(name, str) and name in MODALITIES:
            kept.append(name)
        else:
            message = f"Unsupported modality {str(name)[:_SHOWN]!r}: use audio or text; everything else applies"
            refused.append(RequestRefused("invalid_value", message, param=f"{where}[{number}]"))
    return kept, refused
