"""Results of tools in a script's words: ``${get_weather/temperature}`` stands for a value that a tool returned. Pure.

The name is that of a tool, whose latest result counts; a JSON pointer (RFC 6901) after it selects a value inside.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from edgevoice.local.mind.calls import ToolResult

_REFERENCE = re.compile(r"\$\{(?P<tool>[^}/]+)(?P<pointer>(?:/[^}]*)?)\}")


def in_words(text: str, past: Sequence[ToolResult]) -> str:
    """Return ``text`` with each reference replaced by its value; raise LookupError, which names one without a value."""
    return _filled(text, past, _as_words)


def in_json(text: str, past: Sequence[ToolResult]) -> str:
    """Return JSON text with each reference replaced; a text's quotation marks are those around the reference."""
    return _filled(text, past, lambda value: json.dumps(value).removeprefix('"').removesuffix('"'))


def _as_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _filled(text: str, past: Sequence[ToolResult], written: Callable[[Any], str]) -> str:
    def value(reference: re.Match[str]) -> str:
        outputs = [result.output for result in past if result.call.name == reference["tool"]]
        if not outputs:
            raise LookupError(f"{reference[0]}: the tool {reference['tool']} has returned nothing yet")
        try:
            return written(_at(json.loads(outputs[-1]), reference["pointer"]))
        except (ValueError, RecursionError):
            if not reference["pointer"]:
                return written(outputs[-1])
        except (LookupError, TypeError):
            pass
        raise LookupError(f"{reference[0]}: the result of {reference['tool']} has no such value")

    return _REFERENCE.sub(value, text)


def _at(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
