"""An update of the session before it is checked: merging, and dropping refused values. No I/O."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from edgevoice.local import audio_format
from edgevoice.local.refusals import RequestRefused, known_modalities

_PATH_PARTS = re.compile(r"[^.\[\]]+")


def without_unknown_modalities(patch: dict[str, Any]) -> tuple[dict[str, Any], list[RequestRefused]]:
    """Return ``patch`` with the modalities that this service supports, and a refusal for each of the others."""
    named = patch.get("output_modalities")
    if not isinstance(named, list):
        return patch, []
    kept, refused = known_modalities(named, "session.output_modalities")
    if refused and not kept:
        return {name: value for name, value in patch.items() if name != "output_modalities"}, refused
    return patch | {"output_modalities": kept}, refused


def merge(document: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """Merge ``patch`` into ``document``, object by object; a format may be a name."""
    for key, value in patch.items():
        new = audio_format.spelled_out(value) if key == "format" else value
        present = document.get(key)
        if isinstance(present, dict) and isinstance(new, Mapping) and key not in {"tool_choice", "voice"}:
            # Fields of another kind of format or turn detection would be nonsense beside the new ones.
            if key in {"format", "turn_detection"} and new.get("type", present.get("type")) != present.get("type"):
                present = document[key] = {}
            merge(present, new)
        else:
            document[key] = copy.deepcopy(new)


def rest_of(patch: Mapping[str, Any], refusal: RequestRefused) -> dict[str, Any]:
    """Return ``patch`` without what ``refusal`` names; raise the refusal if the patch does not contain it."""
    rest = copy.deepcopy(dict(patch))
    path = _PATH_PARTS.findall((refusal.param or "").removeprefix("session"))
    if not path or not _leave_out(rest, path):
        raise refusal
    return rest


def _leave_out(fields: dict[str, Any], path: list[str]) -> bool:
    name, *deeper = path
    if name not in fields:
        return False
    inner = fields[name]
    # An object of an unknown type is dropped as a whole: its other fields belong to that type.
    is_inside = deeper and deeper != ["type"] and isinstance(inner, dict)
    if not (is_inside and _leave_out(inner, deeper) and inner):
        del fields[name]
    return True
