"""Sentences with free words in them: what is said around a command, and which of its words carry a meaning. Pure."""

import re

_WAKE = r"(?:(?:hey|hi|okay|ok) (?:jarvis|mycroft|raspy|rhasspy)|jarvis|mycroft|alexa)"
_BEFORE = re.compile(
    rf"(?:(?:{_WAKE}|please|kindly|okay|ok|so|well|now|and|then|hey|(?:can|could|will|would) you"
    r"|i (?:want|need|would like) you to|i'?d like you to)\b[\s,.!:]*)+",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?:[\s,.!?;]+(?:please|for me|thanks|thank you|now))*[\s,.!?;]*$", re.IGNORECASE)
_LONGEST_TEXT = 1000
_COMMON_WORDS = (
    "a an the this that these those my your our his her their its i you he she it we they me us him them is are was "
    "were be been am do does did have has had will would can could should shall to of in on at for with from by about "
    "as and or but not what when where who how why which there here everything anything something please"
)
_COMMON = frozenset(_COMMON_WORDS.split())


def core(text: str) -> str:
    """Return what is said without the wake word and polite words around it, in the user's own spelling."""
    if len(text) > _LONGEST_TEXT:
        return ""
    plain = " ".join(text.replace("\u2019", "'").split())
    before = _BEFORE.match(plain)
    return _AFTER.sub("", plain[before.end() if before is not None else 0 :])


def content_words(text: str) -> str:
    """Return the words of ``text`` by which something can be found: in lower case, without common ones."""
    words = re.findall(r"\w+(?:'\w+)?", text.casefold())
    return " ".join(word.removesuffix("'s") for word in words if word not in _COMMON)
