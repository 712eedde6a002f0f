"""Transcripts for people to read: steering tags are removed, however the service splits them. Pure."""

import re

LONGEST = 20_000
"""Characters of one item that are read: half an hour of speech. The rest is dropped."""

_TOKEN = re.compile(r"(?P<tag>\[[^\[\]]{1,120}\])|(?P<open>\[[^\[\]]{0,120}\Z)|\[|[^\[]+")
_WORD = re.compile(r"\w")


class Transcript:
    """The words of one item as they grow, without steering tags such as ``[cheerful]`` or ``[laugh]``.

    A tag that is not closed yet is hidden too, so that a growing text never shows half a tag; one that is never closed
    was none. Bracketed text of more than 120 characters is not a tag (the longest direction in the vendor's guide has
    some 80). The work for a piece depends only on its own length.
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
        """Append the next piece; it may begin and end anywhere."""
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

    def finish(self) -> None:
        """Show what was hidden: no more pieces follow, so a bracket that is open began no tag."""
        held, self._open = self._open, ""
        self._take_words(held)

    def _take_tag(self) -> None:
        # A tag between two spaces removes one of them; a tag attached to a word removes none, or two words would merge.
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
    whole = Transcript(raw)
    whole.finish()
    return whole.text


_ANNOTATION = re.compile(r"\([^()]{0,40}\)|\*[^*]{0,40}\*|<[^<>]{0,40}>|♪[^♪]*♪?")
_OPEN_ANNOTATION = re.compile(r"[(*<][^()*<>]{0,40}\Z")


def has_speech(text: str, *, is_final: bool = True) -> bool:
    """Return whether a person spoke, judging by the transcript: false if it only describes a noise.

    Recognisers write "[Music]", "(coughs)", "*laughs*", "<noise>" or musical notes beside or instead of words. Unless
    ``is_final``, what has been opened and not closed may become such a description; else it is words.
    """
    if is_final:
        return has_words(_ANNOTATION.sub(" ", visible(text)))
    return has_words(_OPEN_ANNOTATION.sub(" ", _ANNOTATION.sub(" ", Transcript(text).text)))


def has_words(text: str) -> bool:
    """Return whether anything was said: noise is often transcribed as a full stop."""
    return _WORD.search(text) is not None
