"""Removes what serialisers add to an event: meaningless nulls, and integers written as floats. No I/O."""

from typing import Any

# Here null is a value: it switches something off.
_NULL_MEANS_OFF = frozenset(
    {
        "turn_detection",
        "transcription",
        "input_audio_transcription",
        "noise_reduction",
        "input_audio_noise_reduction",
        "tracing",
    }
)
# The client's own data: JSON schemas with nulls in an enum, extensions, the variables of a prompt.
_UNTOUCHED = frozenset({"parameters", "providerData", "variables", "headers"})
# Deeper than any tool's schema, and shallower than what Python can copy.
DEEPEST = 64
# Above that a float is no longer exact.
_LARGEST_EXACT = 2**53


def tidied(value: Any) -> Any:
    """Return ``value`` without meaningless nulls, at any depth, and with 5.0 as 5."""
    match value:
        case dict():
            return _without_nulls(value)
        case list():
            return [tidied(element) for element in value if element is not None]
        case float() if value.is_integer() and abs(value) < _LARGEST_EXACT:
            return int(value)
        case _:
            return value


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    # An output may be a JSON object, although the protocol expects its text.
    untouched = _UNTOUCHED | {"output"} if fields.get("type") == "function_call_output" else _UNTOUCHED
    return {
        name: value if name in untouched else tidied(value)
        for name, value in fields.items()
        if value is not None or name in _NULL_MEANS_OFF
    }


def is_too_deep(value: Any) -> bool:
    """Return whether ``value`` is nested deeper than `DEEPEST` levels."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
