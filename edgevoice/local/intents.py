"""What the user wants: words to intents. Pure, and strict enough to say that it did not understand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from edgevoice.local.numbers import in_digits


class Wish(Enum):
    """A wish that needs no number."""

    TIME = auto()
    DATE = auto()
    CANCEL_TIMERS = auto()
    STORY = auto()
    JOKE = auto()
    HELP = auto()
    REPEAT = auto()
    STOP = auto()
    THANKS = auto()
    GOODBYE = auto()
    HELLO = auto()


@dataclass(frozen=True, slots=True)
class VolumeWish:
    """Set the volume to ``percent``, or move it by ``change`` percent points; one of the two is None."""

    percent: int | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class TimerWish:
    """Start a countdown of ``seconds``."""

    seconds: int


Intent = Wish | VolumeWish | TimerWish

VOLUME_STEP_PERCENT = 10
# Share of the words that must belong to an intent. Measured on sentences from outside the vocabulary: below this
# share the recogniser's text is word salad that happens to hold a command.
_COVERAGE = 0.75
_WAKE_WORDS = re.compile(r"\b(?:(?:hey|hi|okay|ok) (?:jarvis|mycroft|raspy|rhasspy)|jarvis|mycroft|alexa)\b")
_FILLER_WORDS = "please and then could can would will you now me um uh oh so well okay ok hey just also"
_FILLER = frozenset(_FILLER_WORDS.split())

_DURATION = r"(?:half an hour|(?:\d+|an?) (?:second|minute|hour)s?(?: and (?:\d+|an?) (?:second|minute)s?)?)"
# The order is meaning: "stop the timer" must be read before "stop".
_PATTERNS = {
    "cancel_timers": r"(?:cancel|stop|delete|clear) (?:(?:the|my|all|all the|all my) )?timers?",
    "timer": rf"(?:(?:set|start) )?(?:an? |the )?(?:timer (?:for|of|to) {_DURATION}|\d+ (?:second|minute|hour) timer)",
    "volume_by": r"(?:turn |move )?(?:the )?volume (?:up|down) by \d+(?: percent)?",
    "volume_to": r"(?:(?:set|turn|change|put|make) )?(?:the )?volume (?:up |down )?(?:to |at )?\d+(?: percent)?",
    "loudest": r"(?:full|maximum) volume",
    "mute": r"mute(?: the volume)?",
    "louder": r"(?:turn )?(?:the )?volume up|turn (?:up the volume|it up|up)|(?:make it |speak )?louder|speak up",
    "quieter": r"(?:turn )?(?:the )?volume down|turn (?:down the volume|it down|down)|(?:make it )?quieter|softer",
    "time": r"what time (?:is it|it is)|(?:what is|tell me) the time",
    # The recogniser hears a soft last word as another: "what day is set".
    "date": r"(?:what is|tell me) (?:todays date|(?:the date|the day)(?: today)?)|what day is(?: it)?(?: today)?",
    "story": r"(?:(?:tell|read) me )?(?:a|another|one more) story",
    "joke": r"(?:tell me )?(?:a|another|one more) joke",
    "help": r"what can (?:you do|i say|i ask(?: you)?)|what do you know|help(?: me)?",
    "repeat": r"(?:say|repeat) (?:that|it)(?: again)?|repeat|what did you say",
    "stop": r"stop(?: it| that| talking)?|never ?mind|be quiet|shut up|cancel(?: that)?|that is all|no thanks",
    "thanks": r"thank you(?: very much)?|thanks(?: a lot)?",
    "goodbye": r"good ?bye|bye(?: bye)?|good night|see you(?: later)?",
    "hello": r"hello|good (?:morning|evening|afternoon)",
}
_ANY = re.compile("|".join(rf"(?P<{name}>\b(?:{pattern})\b)" for name, pattern in _PATTERNS.items()))
_PART = re.compile(r"(\d+|an?) (second|minute|hour)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def normalise(text: str) -> str:
    """Return ``text`` in lower case, numbers in digits, without signs and without a wake word."""
    plain = text.lower().replace("\u2019", "'").replace("%", " percent")
    plain = re.sub(r"\b(what|that|it)'s\b", r"\1 is", plain).replace("'", "")
    plain = " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())
    return " ".join(in_digits(_WAKE_WORDS.sub(" ", plain)).split())


def is_wake_word_only(text: str) -> bool:
    """Tell whether ``text`` holds a wake word and nothing else of meaning."""
    return bool(text.strip()) and not [word for word in normalise(text).split() if word not in _FILLER]


def understand(text: str) -> list[Intent]:
    """Return the intents in the order they were said; an empty list when too much of the text is foreign."""
    plain = normalise(text)
    found = list(_ANY.finditer(plain))
    gaps = _ANY.sub(" ", plain).split()
    foreign = sum(word not in _FILLER for word in gaps)
    known = sum(len(match[0].split()) for match in found)
    if not found or known < _COVERAGE * (known + foreign):
        return []
    return [intent for match in found for intent in _intents_of(match)]


def _intents_of(match: re.Match[str]) -> Iterator[Intent]:
    name, words = str(match.lastgroup), match[0]
    digits = re.search(r"\d+", words)
    number = int(digits[0]) if digits else 0
    match name:
        case "timer":
            yield TimerWish(_seconds_of(words))
        case "volume_by":
            yield VolumeWish(change=-number if "down" in words.split() else number)
        case "volume_to":
            yield VolumeWish(percent=min(number, 100))
        case "loudest" | "mute":
            yield VolumeWish(percent=100 if name == "loudest" else 0)
        case "louder" | "quieter":
            yield VolumeWish(change=VOLUME_STEP_PERCENT if name == "louder" else -VOLUME_STEP_PERCENT)
        case _:
            yield Wish[name.upper()]


def _seconds_of(words: str) -> int:
    if "half an hour" in words:
        return 1800
    return sum((int(count) if count.isdigit() else 1) * _SECONDS[unit] for count, unit in _PART.findall(words))
