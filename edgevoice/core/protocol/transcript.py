"""Transcripts as people read them: steering tags taken out, whichever way the service cut them up. Pure."""

import re

LONGEST = 20_000
"""Characters of one item that are read: half an hour of speech. What comes after them is dropped."""

_TOKEN = re.compile(r"(?P<tag>\[[^\[\]]{1,120}\])|(?P<open>\[[^\[\]]{0,120}\Z)|\[|[^\[]+")
_WORD = re.compile(r"\w")


class Transcript:
    """The words of one item as they grow, without steering tags such as ``[cheerful]`` or ``[laugh]``.

    A tag that is not closed yet is hidden too, so that a growing text never shows half a tag. What stands in brackets
    for more than 120 characters is no tag (the longest direction in the vendor's guide has some 80). The work for a
    piece depends on its own length alone.
    """

    def __init__(self, raw: str = "") -> None:
        self._text = ""
        self._open = ""
        self._is_after_space = True
        self._swallows_space = False
        self._left = LONGEST
        self.add(raw)

    @property
    def text(self) -> str:
        """The words so far."""
        return self._text.strip()

    def add(self, raw: str) -> None:
        """Take the next piece; it may begin and end anywhere."""
        raw = raw[: self._left]
        self._left -= len(raw)
        raw, self._open = self._open + raw, ""
        for token in _TOKEN.finditer(raw):
            if token["tag"]:
                self._take_tag()
            elif token["open"]:
                self._open = token["open"]
            else:
                self._take_words(token[0])

    def _take_tag(self) -> None:
        # A tag between spaces takes one with it; one that clings to a word takes none, or two words would be one.
        self._swallows_space = self._swallows_space or self._is_after_space

    def _take_words(self, words: str) -> None:
        if self._swallows_space:
            words = words.lstrip()
        if words:
            self._swallows_space = False
            self._is_after_space = words[-1].isspace()
            self._text += words


def visible(raw: str) -> str:
    """Return the words of a whole text without steering tags; see ``Transcript``."""
    return Transcript(raw).text


_ANNOTATION = re.compile(r"\([^()]{0,40}(?:\)|\Z)|\*[^*]{0,40}(?:\*|\Z)|<[^<>]{0,40}(?:>|\Z)|♪[^♪]*♪?")


def has_speech(text: str) -> bool:
    """Say whether a person spoke, by what was written down: not where it only describes a noise.

    Recognisers write "[Music]", "(coughs)", "*laughs*", "<noise>" or notes of music beside or instead of words.
    """
    return has_words(_ANNOTATION.sub(" ", visible(text)))


def has_words(text: str) -> bool:
    """Say whether anything was said: noise is often transcribed as a full stop."""
    return _WORD.search(text) is not None
