"""What a benchmark prints: its figures as lines for a person, and on the last line as one JSON object. Only prints."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_WORDS = {"p50": "median", "p95": "95 %", "p100": "longest", "max": "longest"}
_WIDTH = 32
_MOST_IN_A_LINE = 3


def show(report: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the figures of a benchmark; with ``as_json`` only the JSON object."""
    if not as_json:
        for line in lines_of(report):
            print(line)
    print(json.dumps(report))


def lines_of(report: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield a line for each figure, and for each group of figures, such as a median and its 95th percentile."""
    for name, found in report.items():
        title = f"{indent}{_words(name)}"
        if not isinstance(found, Mapping) or not found:
            yield f"{title:{_WIDTH}} {_value(found)}"
        elif any(isinstance(each, Mapping) for each in found.values()) or len(found) > _MOST_IN_A_LINE:
            yield title
            yield from lines_of(found, f"{indent}  ")
        else:
            yield f"{title:{_WIDTH}} {', '.join(f'{_words(key)} {_value(each)}' for key, each in found.items())}"


def _words(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))


def _value(found: Any) -> str:
    match found:
        case None:
            return "none"
        case bool():
            return "yes" if found else "no"
        case list() | tuple() | dict():
            return ", ".join(map(_value, found)) or "none"
        case _:
            return str(found)
