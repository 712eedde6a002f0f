"""`edgevoice metrics`: what the running box has counted, as Prometheus reads it."""

import json
import os
import re
from pathlib import Path
from typing import Final

from edgevoice.errors import ControlUnavailable
from edgevoice.store.folders import runtime_folder

NAME: Final = "edgevoice.prom"
SERVICE_FILE: Final = Path("/run/edgevoice") / NAME
"""The file of a box that is installed as a service, in the unit's RuntimeDirectory=."""

_LARGEST_BYTES: Final = 1 << 20
_SAMPLE: Final = re.compile(r"(?P<name>[a-z_]+)(\{(?P<labels>.*)\})? (?P<value>\S+)")


def show(*, as_json: bool) -> int:
    """Print the metrics; return the exit status. Raises ``ControlUnavailable`` if no box writes any."""
    text = _content()
    print(json.dumps(_as_object(text)) if as_json else text, end="\n" if as_json else "")
    return 0


def _content() -> str:
    own = runtime_folder(os.environ)
    for place in (SERVICE_FILE, own / NAME if own is not None else SERVICE_FILE):
        try:
            with place.open("rb") as file:
                return file.read(_LARGEST_BYTES).decode(errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            remedy = "Use sudo, or join its group: sudo usermod -aG edgevoice $USER"
            raise ControlUnavailable(f"{place} cannot be read: {error.strerror}", remedy=remedy) from error
    raise ControlUnavailable("no box writes metrics here", remedy="Set metrics.enabled = true, then start the box.")


def _as_object(text: str) -> dict[str, float | dict[str, float]]:
    """Return the samples by name; those with labels by their labels."""
    found: dict[str, float | dict[str, float]] = {}
    for match in filter(None, map(_SAMPLE.fullmatch, text.splitlines())):
        name, labels, value = match["name"], match["labels"], float(match["value"])
        if labels is None:
            found[name] = value
        elif isinstance(group := found.setdefault(name, {}), dict):
            group[labels.replace('"', "")] = value
    return found
