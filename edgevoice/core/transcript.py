"""Transcripts as people read them: steering tags taken out, whichever way the service cut them up. Pure."""

import re

_TAG = r"\[[^\[\]]{1,120}\]"
_TAGS = re.compile(rf"(?<!\S)(?:{_TAG}\s*)+|{_TAG}")
"""A tag between spaces takes one of them with it; one that clings to a word takes none, or two words would be one."""

_OPEN_TAG = re.compile(r"\[[^\[\]]{0,120}$")
_WORD = re.compile(r"\w")


def visible(raw: str) -> str:
    """Return the words of ``raw`` without steering tags such as ``[cheerful]`` or ``[laugh]``.

    A tag at the end that has not been closed yet is hidden too, so that feeding the growing text of an item never shows
    half a tag. What stands in brackets for more than 120 characters is no tag (the longest direction in the vendor's
    guide has some 80).
    """
    return _OPEN_TAG.sub("", _TAGS.sub("", raw)).strip()


def has_words(text: str) -> bool:
    """Say whether anything was said: noise is often transcribed as a full stop."""
    return _WORD.search(text) is not None
