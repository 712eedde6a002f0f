"""Redaction: removes secrets from foreign text that repeats them, in whole or in part. No I/O, no log.

A service, or a proxy on the way, may quote the key that it refuses: as it was sent, decoded, escaped, or by its first
and last characters, as OpenAI does (``sk-ab***wxyz``). Each quotation is replaced before the text is shown or logged.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from edgevoice.settings.catalogue import HIDDEN, is_secret_name

_SHARED: Final = 6
"""Consecutive characters that a text may share with a secret by chance; with base64, once in 70 billion."""

_QUOTED: Final = 3
"""Fewest characters of a secret's beginning or end that are hidden if they form a word of their own."""

_MASKED_LEAST: Final = 2
"""The same, next to asterisks or dots that replace the rest of a secret."""

_COMMON: Final = frozenset({"and", "api", "are", "for", "has", "key", "not", "the", "was", "you"})
"""Ordinary words: a key that begins or ends with one is not given away by it."""

_LETTERS: Final = r"A-Za-z0-9+/=_%~-"
_WORD: Final = re.compile(rf"[{_LETTERS}]+")
_MASK: Final = r"(?:\*{2,}|\.{2,}|…|[•●·‥∙]+|#{2,}|[xX]{3,}|\[\.\.\.\]|<[^<>]{1,20}>)"
_MASKED: Final = re.compile(rf"(?P<head>[{_LETTERS}]*) ?(?P<mask>{_MASK})(?: ?(?P<tail>[{_LETTERS}]+))?")
_UPPER_TO_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Redactor:
    """Hides certain secrets in any text; its ``repr`` shows none of them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(filter(None, secrets))

    def __call__(self, text: str) -> str:
        """Return the text with each quotation of a secret, and the rest of the word around it, as ``(hidden)``."""
        if not self._secrets or not text:
            return text
        folded = _folded(text)
        is_hidden = bytearray(len(text))
        for begin, end in self._quotations(folded):
            is_hidden[begin:end] = b"\1" * (end - begin)
        for word in _WORD.finditer(folded):
            if any(is_hidden[word.start() : word.end()]):
                is_hidden[word.start() : word.end()] = b"\1" * len(word[0])
        runs = re.finditer(rb"\x00+|\x01+", bytes(is_hidden))
        return "".join(HIDDEN if run[0][0] else text[run.start() : run.end()] for run in runs)

    @cached_property
    def _forms(self) -> frozenset[str]:
        """All ways in which the secrets may be written, in lower case, because a service may change the case."""
        return frozenset(_folded(form) for secret in self._secrets for form in _forms_of(secret))

    @cached_property
    def _shared(self) -> frozenset[str]:
        """Every piece of a secret that is too long to be a coincidence."""
        return frozenset(form[at : at + _SHARED] for form in self._forms for at in range(len(form) - _SHARED + 1))

    def _quotations(self, text: str) -> Iterator[tuple[int, int]]:
        for at in range(len(text) - _SHARED + 1):
            if text[at : at + _SHARED] in self._shared:
                yield at, at + _SHARED
        for word in _WORD.finditer(text):
            if self._is_quoted(word[0]):
                yield word.span()
        for masked in _MASKED.finditer(text):
            head, tail = masked["head"], masked["tail"] or ""
            if len(head) >= _MASKED_LEAST and any(form.startswith(head) for form in self._forms):
                yield masked.start(), masked.end("mask")
            if len(tail) >= _MASKED_LEAST and any(form.endswith(tail) for form in self._forms):
                yield masked.start("mask"), masked.end()

    def _is_quoted(self, word: str) -> bool:
        if word in self._forms:
            return True  # a whole secret, however short
        if len(word) < _QUOTED or word in _COMMON:
            return False
        return any(form.startswith(word) or form.endswith(word) for form in self._forms)


def secrets_in_address(url: str) -> Iterator[str]:
    """Yield the secrets in an address: user, password, and query values whose name says that they are secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return  # not an address: it can be neither dialled nor shown
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    yield from (user, password)
    yield from (value for name, value in parse_qsl(parts.query) if _is_secret(name))


def secrets_in(data: Any) -> Iterator[str]:
    """Yield the strings, at any depth of JSON data, whose name says that they are secret."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            if isinstance(value, str) and _is_secret(str(name)):
                yield value
            yield from secrets_in(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from secrets_in(value)


def _is_secret(name: str) -> bool:
    return is_secret_name(name) or name.lower().endswith(("key", "token"))


def _folded(text: str) -> str:
    """Return the text with ASCII in lower case and its length unchanged."""
    return text.translate(_UPPER_TO_LOWER)


def _forms_of(secret: str) -> Iterator[str]:
    """Yield a secret as it is and, for ``id:secret`` and its base64, each part, each in every usual encoding."""
    from html import escape  # noqa: PLC0415 - half a megabyte, only to examine a foreign text

    plain = {secret, unquote(secret)}
    for encoded in (secret, secret.partition(" ")[2]):
        plain.add(_decoded(encoded))
    for whole in list(plain):
        plain |= set(whole.partition(":")[::2]) if ":" in whole else set()
    for each in plain - {""}:
        octets = each.encode()
        yield each
        yield quote(each, safe="")
        yield quote_plus(each)
        yield escape(each)
        escaped = json.dumps(each)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        yield base64.b64encode(octets).decode().rstrip("=")
        yield base64.urlsafe_b64encode(octets).decode().rstrip("=")
        yield octets.hex()


def _decoded(secret: str) -> str:
    """Decode base64 text; return an empty string if the result is not text."""
    unpadded = secret.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        text = base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True).decode("ascii")
    except (binascii.Error, UnicodeError):
        return ""
    return text if text.isprintable() else ""
