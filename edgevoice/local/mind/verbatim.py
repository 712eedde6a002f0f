"""Text that a client wants spoken verbatim: `Say exactly: "…"`, `Repeat the following text: …`. Pure.

Without a language model, a client has no other way to have its own text spoken. Only a whole sentence that asks for it
counts: `Never say "um"` and `If it rings, say: stop` do not, nor does "can you repeat that".
"""

import re

_BEFORE = (
    r"(?:(?:please|kindly|now|then|just|only|simply|hey|hi|ok|okay|jarvis|mycroft|alexa|(?:can|could|will|would|must"
    r"|should) you|you (?:must|should|will|are to)|i (?:want|need) you to|i would like you to|your task is to)[\s,:]+)*"
)
_VERB = r"(?:say|repeat|read|speak|announce|recite|echo|pronounce|(?:respond|reply|answer) with|tell (?:the user|them))"
_HOW = (
    r"(?:[\s,(]+(?:exactly|only|just|verbatim|literally|word[ -]for[ -]word|out|loud|aloud|back|after me|this|these|the"
    r"|following|next|text|sentences?|words?|phrase|line|message|announcement|to (?:the user|them|me)|as (?:is|written)"
    r"|and nothing else|without (?:any )?changes?)\)?)*"
)
# Each opening quotation mark with the marks that close it.
_QUOTES = {
    '"': '"',
    "'": "'",
    "\u201c": "\u201d\u201c",
    "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb",
    "\u2018": "\u2019",
}
# Each line of an empty stretch begins a sentence anew: nothing that is tried again may be as long as the stretch.
_BEGIN = r"(?:^\s*+|[.!?]\s*+|\n[^\S\n]*+)"
_ASKED = re.compile(
    rf"{_BEGIN}{_BEFORE}{_VERB}{_HOW}\s*+(?::\s*+(?P<quote>[{''.join(_QUOTES)}])?|(?P<bare>[{''.join(_QUOTES)}]))"
    r"(?P<rest>\s*+\S.*)",
    re.IGNORECASE | re.DOTALL,
)
# "ONLY repeat the input and DO NOT say anything else": how Mastra requests speech to text.
_ECHO = re.compile(
    rf"{_BEGIN}{_BEFORE}{_VERB}\s++(?:back\s++)?"
    r"(?:the (?:user's )?(?:input|speech|audio)|what the user (?:says|said))"
    r"(?=\s*(?:[.!,;\n]|$|(?:and|back|exactly|verbatim|word)\b))",
    re.IGNORECASE,
)


def wants_echo(directions: str) -> bool:
    """Return whether ``directions`` ask for the user's own words instead of an answer."""
    return _ECHO.search(directions) is not None


def verbatim(text: str) -> str:
    """Return the words that ``text`` wants spoken verbatim; an empty text if it does not ask for that."""
    asked = _ASKED.search(text)
    if asked is None:
        return ""
    quote, rest = asked["quote"] or asked["bare"], asked["rest"]
    if quote is None:
        return rest.strip()
    # An apostrophe inside a word closes nothing; without a closing mark, everything to the end counts.
    closed = re.match(rf"(?P<words>.*?)[{_QUOTES[quote]}](?!\w)", rest, re.DOTALL)
    return (closed["words"] if closed else rest).strip()
