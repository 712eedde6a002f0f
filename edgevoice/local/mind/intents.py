"""What the user wants: words to intents. Pure, and strict enough to admit that it did not understand.

A command counts only if nothing around it can change its meaning: no negation, no other verb, no question about it.
So there is a list of words that may surround a command, not of those that may not: nobody can list every word that
changes a meaning. Doing nothing is a nuisance; doing the opposite is a fault. Where words are free, the whole sentence
must have the form of the command.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from edgevoice.local.mind.alarm_commands import AlarmIntent, AlarmWish, ReminderWish, alarm_wish
from edgevoice.local.mind.free_words import core
from edgevoice.local.mind.memory_commands import (
    ForgetWish,
    MemoryIntent,
    RecallWish,
    RememberWish,
    SearchWish,
    memory_wish,
)
from edgevoice.local.mind.numbers import in_digits
from edgevoice.local.mind.persona_commands import PersonaIntent, persona_wish
from edgevoice.local.mind.said_times import LENGTH, seconds_of


class Wish(Enum):
    """A request that needs no number."""

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
    PLAY = auto()


@dataclass(frozen=True, slots=True)
class VolumeWish:
    """Set the volume to ``percent``, or change it by ``change`` percentage points; one of the two is None."""

    percent: int | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class TimerWish:
    """Start a countdown of ``seconds``."""

    seconds: int


@dataclass(frozen=True, slots=True)
class CancelWish:
    """Cancel the timer that was set for ``seconds``."""

    seconds: int


Intent = Wish | VolumeWish | TimerWish | CancelWish | MemoryIntent | PersonaIntent | AlarmIntent

VOLUME_STEP_PERCENT = 10
# Share of the words that must belong to an intent. Measured on sentences from outside the vocabulary: below this
# share the recogniser's text is word salad that happens to contain a command.
_COVERAGE = 0.75
_ABBREVIATED = re.compile(r"\b(?P<count>\d+) ?(?P<unit>hrs?|mins?|secs?)\b")
_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}
_LONGEST_TEXT = 1000
"""Characters: a minute of speech. A longer text is not a command, and must not keep a session waiting."""
_WAKE_WORDS = re.compile(r"\b(?:(?:hey|hi|okay|ok) (?:jarvis|mycroft|raspy|rhasspy)|jarvis|mycroft|alexa)\b")
# Words before the wake word that are not addressed to the box: remains of an interrupted answer, "up and hey jarvis".
_MOST_LEFT_OVER = 3
_TURNING_WORDS = (
    "dont do not never no nor didnt did doesnt say said says saying tell told if unless without before after when why "
    "how what who i you he she they we"
)
_TURNING = frozenset(_TURNING_WORDS.split())
# What people say around a command, and what has no meaning on its own.
_POLITE = re.compile(
    r"\b(?:(?<!what )(?:can|could|would|will) you|you can|i (?:want|need|would like) you to|for me"
    r"|right now|from now|of course"
    r"|excuse me|go ahead|if you (?:can|could|like|please)|help me(?: to)? (?=set|start|cancel|stop|turn))\b"
)
_FILLER_WORDS = "please and then could can would will now me um uh oh so well okay ok hey just also yes yeah again"
_FILLER = frozenset(_FILLER_WORDS.split())
# Short words that the recogniser hears where there are none. A coverage above `_COVERAGE` forgives only these.
_NOISE = frozenset({"a", "an", "the", "it", "that", "to", "of"})

_ADJECTIVE = r"(?:\d+ (?:second|minute|hour)|(?:half|quarter)(?: (?:of )?an)? hour|\d+ and a half hour)"
_TIMER = rf"(?:timer (?:(?:for|of|to|at) )?{LENGTH}|{_ADJECTIVE} timer)"
_SET = r"(?:set|start|make|begin|create|add|give me|put on) (?:me )?(?:up )?(?:(?:an?|the|another|1 more|new) )*"
_REMOVE = (
    r"(?:cancel|stop|delete|clear|remove|end|kill|dismiss|abort|drop|forget(?: about)?|never ?mind|get rid of"
    r"|(?:turn|switch|shut) off)"
)
_WHICH = r"(?:(?:the|my|this|that|all|of|your|running|current|last|both|every|any|a) )*"
# The order matters: "stop the timer" must be matched before "stop".
_PATTERNS = {
    "cancel_timer": (
        rf"{_REMOVE} {_WHICH}(?:timer (?:(?:for|of) )?{LENGTH}|{_ADJECTIVE} timer)"
        rf"|(?:turn|switch|shut) {_WHICH}{_ADJECTIVE} timer off"
    ),
    "cancel_timers": rf"{_REMOVE} {_WHICH}timers?|(?:turn|switch|shut) {_WHICH}timers? off",
    "timer": rf"(?:{_SET}|(?:an?|another) )?{_TIMER}",
    "volume_by": r"(?:turn |move )?(?:the )?volume (?:up|down) by \d+(?: percent)?",
    "volume_to": r"(?:(?:set|turn|change|put|make) )?(?:the )?volume (?:up |down )?(?:to |at )?\d+(?: percent)?",
    "loudest": r"(?:full|maximum) volume",
    "mute": r"mute(?: the volume)?",
    "louder": r"(?:turn )?(?:the )?volume up|turn (?:up the volume|it up|up)|(?:make it |speak )?louder|speak up",
    "quieter": r"(?:turn )?(?:the )?volume down|turn (?:down the volume|it down|down)|(?:make it )?quieter|softer",
    "time": r"(?:(?:tell me|do you know) )?what time (?:is it|it is)|(?:what is|tell me|do you have) the time",
    # The recogniser hears a soft last word as another: "what day is set".
    "date": r"(?:what is|tell me) (?:todays date|(?:the date|the day)(?: today)?)|what day is(?: it| set)?(?: today)?",
    "story": r"(?:(?:tell|read) me )?(?:a|another|1 more) story",
    "joke": r"(?:tell me )?(?:a|another|1 more) joke",
    "help": r"what can (?:you do|i say|i ask(?: you)?)|what do you know|help(?: me)?",
    "repeat": r"(?:say|repeat) (?:that|it)(?: again)?|repeat|what did you say",
    "stop": (
        r"(?:no ){0,3}(?:stop(?: it| that| talking| (?:the|this|that|your) (?:story|joke))?|never ?mind|be quiet"
        r"|shut up|cancel(?: that| it)?|that is (?:all|enough))|no (?:thanks|thank you)(?: very much)?"
    ),
    "thanks": r"thank you(?: very much)?|thanks(?: a lot)?",
    "goodbye": r"good ?bye|bye(?: bye)?|good ?night|see you(?: later)?",
    "hello": r"hello|good (?:morning|evening|afternoon)",
}
_ANY = re.compile("|".join(rf"(?P<{name}>\b(?:{pattern})\b)" for name, pattern in _PATTERNS.items()))
_PLAY = re.compile(r"(?:play|put on) (?:[\w']+ ){0,3}[\w']+", re.IGNORECASE)
"""Music, the news, the radio: whatever it is, there is none here."""

# Commands that can take another for their object.
_BARE = re.compile(r"(?:no ){0,3}(?:stop|cancel|never ?mind)|repeat|help|what can (?:you do|i say|i ask(?: you)?)")
_CAN_BE_STOPPED = frozenset(_PATTERNS) - {"time", "date", "help", "stop", "thanks", "goodbye", "hello"}


def normalise(text: str) -> str:
    """Return ``text`` in lower case, with numbers in digits, without punctuation and without a wake word."""
    plain = text.lower().replace("\u2019", "'").replace("%", " percent")
    plain = re.sub(r"\b(what|that|it)'s\b", r"\1 is", plain).replace("'", "")
    # The end of a sentence separates two commands, like "and".
    plain = re.sub(r"(?<=[a-z])[.!?;]+(?=\s+\w)", " and ", plain)
    plain = _addressed(" ".join(re.sub(r"[^a-z0-9]+", " ", plain).split()))
    return _ABBREVIATED.sub(_in_full, " ".join(in_digits(_WAKE_WORDS.sub(" ", plain)).split()))


def _in_full(found: re.Match[str]) -> str:
    return f"{found['count']} {_UNITS[found['unit'][0]]}"


def _addressed(plain: str) -> str:
    """Return what is said to the box, without the few words of its own answer before the wake word."""
    wake = next(iter(_WAKE_WORDS.finditer(plain)), None)
    if wake is None or not plain[wake.end() :].strip():
        return plain
    before = plain[: wake.start()].split()
    if len(before) > _MOST_LEFT_OVER or not _TURNING.isdisjoint(before) or _ANY.search(" ".join(before)):
        return plain
    return plain[wake.end() :]


def is_wake_word_only(text: str) -> bool:
    """Return whether ``text`` has a wake word and nothing else of meaning."""
    words = _POLITE.sub(" ", normalise(text)).split()
    return bool(text.strip()) and all(word in _FILLER or word == "you" for word in words)


def understand(text: str) -> list[Intent]:
    """Return the intents in the order they were said; an empty list if something could change their meaning.

    If the user takes back a command, as in "set a timer, no, cancel that", only the cancellation counts. A sentence
    with free words in it, such as "remember that …", is a single intent.
    """
    if len(text) > _LONGEST_TEXT:
        return []
    if intents := _of_closed_vocabulary(text):
        return intents
    said = core(text)
    # "Remember to call mum at six" is a reminder, because of the time.
    wish = alarm_wish(said) or memory_wish(said) or persona_wish(said)
    if wish is None and _PLAY.fullmatch(said):
        return [Wish.PLAY]
    return [] if wish is None else [wish]


def has_free_words(intents: Sequence[Intent]) -> bool:
    """Return whether more words could follow: after "remember that the bins" the user may only have paused."""
    free = RememberWish | ForgetWish | RecallWish | SearchWish | AlarmWish | ReminderWish
    return any(isinstance(intent, free) or intent is Wish.PLAY for intent in intents)


def _of_closed_vocabulary(text: str) -> list[Intent]:
    plain = " ".join(_POLITE.sub(" ", normalise(text)).split())
    found = list(_ANY.finditer(plain))
    gaps = [word for word in _ANY.sub(" ", plain).split() if word not in _FILLER]
    known = sum(len(match[0].split()) for match in found)
    if not found or not _NOISE.issuperset(gaps) or known < _COVERAGE * (known + len(gaps)):
        return []
    if any(_is_object(before, after, plain) for before, after in pairwise(found)):
        return []
    intents = [intent for match in found for intent in _intents_of(match)]
    taken_back = max((index for index, intent in enumerate(intents) if intent is Wish.STOP), default=0)
    return intents[taken_back:]


def _is_object(before: re.Match[str], after: re.Match[str], plain: str) -> bool:
    """Return whether the second command may be the object of the first: "cancel volume up", "repeat goodbye"."""
    if not _BARE.fullmatch(before[0]) or {"and", "then"} & {*plain[before.end() : after.start()].split()}:
        return False
    return before.lastgroup != "stop" or after.lastgroup in _CAN_BE_STOPPED


def _intents_of(match: re.Match[str]) -> Iterator[Intent]:
    name, words = str(match.lastgroup), match[0]
    digits = re.search(r"\d+", words)
    number = int(digits[0]) if digits else 0
    match name:
        case "timer":
            yield TimerWish(seconds_of(words))
        case "cancel_timer":
            yield CancelWish(seconds_of(words))
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
