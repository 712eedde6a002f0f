"""Converts numbers between words and digits, for a voice and a grammar that have only words. Pure."""

import re

UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def spoken(number: int) -> str:
    """Return ``number`` in English words from 0 to 9999, otherwise its digits."""
    if number < 0 or number > 9999:
        return str(number)
    if number < 10:
        return UNITS[number]
    if number < 20:
        return TEENS[number - 10]
    if number < 100:
        tens, unit = divmod(number, 10)
        return TENS[tens - 2] + (f" {UNITS[unit]}" if unit else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    count, rest = divmod(number, size)
    return f"{spoken(count)} {name}" + (f" {spoken(rest)}" if rest else "")


def spoken_ordinal(number: int) -> str:
    """Return ``number`` as an ordinal in words, ``twenty second``; for the days of a month."""
    head, _, last = spoken(number).rpartition(" ")
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last = f"{last}th"
    return f"{head} {last}".strip()


def spoken_year(year: int) -> str:
    """Return a year as people say it: ``twenty twenty five``, ``two thousand nine``."""
    century, rest = divmod(year, 100)
    if not 1000 <= year <= 9999 or 2000 <= year <= 2009 or rest == 0:
        return spoken(year)
    return f"{spoken(century)} {'oh ' if rest < 10 else ''}{spoken(rest)}"


def spoken_duration(seconds: int) -> str:
    """Return a duration as words: ``one minute and thirty seconds``."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        f"{spoken(count)} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((hours, "hour"), (minutes, "minute"), (rest, "second"))
        if count
    ]
    return " and ".join(parts) or "no time"


_VALUES = {spoken(number): number for number in range(101)} | {"a hundred": 100, "hundred": 100}
# The longest first, or "twenty five" would be read as 20 and 5.
_NAMES = "|".join(sorted(_VALUES, key=len, reverse=True))
_WORDS = re.compile(rf"\b(?P<hundred>(?:one|a) hundred (?:and )?(?=(?:{_NAMES})\b))?(?P<rest>{_NAMES})\b")


def in_digits(text: str) -> str:
    """Return ``text`` with every number word from zero to one hundred and ninety nine written in digits."""
    return _WORDS.sub(lambda found: str((100 if found["hundred"] else 0) + _VALUES[found["rest"]]), text)
