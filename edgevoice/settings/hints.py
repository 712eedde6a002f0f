"""What to write instead: the value that was probably meant by 0,6 or 70% or yes. Reads no files."""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

_QUOTES: Final = "\"'`\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb"
"""Straight quotes, and those that word processors and phones put in their place."""

_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " "})

_YES: Final = {"yes", "on", "true", "y", "1"}
_NO: Final = {"no", "off", "false", "n", "0"}

_NUMBER: Final = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>\d*)(?:[.,](?P<part>\d*))?\s*(?P<unit>%|percent|ms|milliseconds?|s|sec|seconds?|m|min|minutes?)?",
    re.IGNORECASE,
)

_LONGEST_SHOWN: Final = 40


def hint(written: str, takes: Callable[[Any], bool], *, name: str, may_show: bool, is_word: bool = False) -> str:
    """Return as TOML what ``written`` probably means, empty if no reading of it is a value that the setting takes.

    ``name`` is the setting's; it ends with the unit. Without ``may_show`` no text is repeated: it may be a secret.
    ``is_word``: the setting takes some words only, which have _ for a space.
    """
    for value in _meant(written, name, is_word=is_word):
        is_text = isinstance(value, str | list)
        if takes(value) and (may_show or not is_text):
            shown = json.dumps(value, ensure_ascii=False)
            is_plain = shown.isprintable() and "\\" not in shown
            if len(shown) <= _LONGEST_SHOWN and is_plain and not shown.strip('["').startswith("sk-"):
                return shown
    return ""


def _meant(written: str, name: str, *, is_word: bool) -> Iterator[Any]:
    plain = written.translate(_MINUS).strip().strip(_QUOTES).strip()
    if plain.lower() in _YES | _NO:
        yield plain.lower() in _YES
    if name.endswith("_gpio"):
        plain = re.sub(r"^(?:GPIO|BCM|pin)\s*", "", plain, flags=re.IGNORECASE)
    yield from _numbers(plain, name)
    texts = [plain, plain.lower()]
    if is_word:
        texts.append(plain.lower().replace(" ", "_"))
    if name == "host":
        texts.append(re.sub(r"^\w+://|(?::\d+)?/*$", "", plain))
    if name == "language":
        texts.append(plain.replace("_", "-"))
    for text in texts:
        # Nothing was written, so nothing is meant by it.
        if text:
            yield text
            yield [text]


def _numbers(plain: str, name: str) -> Iterator[float]:
    match = _NUMBER.fullmatch(plain)
    if match is None or not (match["whole"] or match["part"]):
        return
    number = float(f"{match['sign']}{match['whole'] or 0}.{match['part'] or 0}")
    unit = (match["unit"] or "").lower()
    factor = 1.0
    if name.endswith("_s"):
        factor = 0.001 if (unit.startswith("mi") and not unit.startswith("min")) or unit == "ms" else factor
        factor = 60.0 if unit == "m" or unit.startswith("min") else factor
    elif name.endswith("_ms") and unit in {"s", "sec", "second", "seconds"}:
        factor = 1000.0
    yield from _as_written(number * factor)
    if unit in {"%", "percent"}:
        # A fraction of 1, such as 50 % of a threshold.
        yield from _as_written(number / 100)


def _as_written(number: float) -> Iterator[float]:
    if not math.isfinite(number):
        return  # of hundreds of digits
    if number == int(number):
        yield int(number)
    yield round(number, 6)
