"""History: the last words of a conversation, for a session that continues a lost one. No I/O, no clock."""

import re
from dataclasses import dataclass

from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import Arrival, AudioPiece

_MOST_ITEMS = 12
_MOST_LETTERS = 4000
"""Limit for all items together: half a minute of the fastest talk, and far below any service's limits."""

_LONGEST = 1500

_BYTES_PER_MS = 48
"""Bytes per millisecond of audio: mono s16 at 24 kHz."""

_FASTEST_LETTERS_PER_S = 40
"""No voice speaks faster: 400 words a minute. It matters where a cut answer's words were ahead of its sound."""

_HALF_WORD = re.compile(r"\S+\Z")


@dataclass(slots=True)
class _Item:
    """One contribution of one side; ``item_id`` is ``None`` if it belongs to a session that is over.

    ``letters``: the length of its words before they were shortened to what is kept. ``received``: bytes of its audio.
    ``heard_ms``: how much of that was heard, if it was cut. ``is_whole``: nothing of it is missing after all.
    """

    role: Role
    item_id: str | None
    text: str = ""
    letters: int = 0
    is_final: bool = False
    received: int = 0
    heard_ms: int | None = None
    is_whole: bool = False

    @property
    def is_answer(self) -> bool:
        """Whether it ends a turn: an answer that has yet to arrive, or to be heard, does not."""
        return self.role is Role.ASSISTANT and (self.heard_ms is not None or self.is_final)

    def told(self) -> str:
        """Return what the model should know of it: of an interrupted answer, the share that was heard."""
        if self.heard_ms is None:
            return self.text if self.is_final else ""
        if self.is_whole:
            return self.text
        end = self.letters * self.heard_ms * _BYTES_PER_MS // max(self.received, 1)
        end = min(end, self.heard_ms * _FASTEST_LETTERS_PER_S // 1000)
        if end >= len(self.text):
            return self.text
        head = self.text[:end]
        # A language without spaces has no partial words.
        is_in_word = not self.text[end].isspace() and len(self.text.split()) > 1
        return (_HALF_WORD.sub("", head) if is_in_word else head).rstrip()


class History:
    """What was said, in the order of the conversation, bounded; kept in memory only, never in a log or a file."""

    def __init__(self) -> None:
        self._items: list[_Item] = []

    def order(self, event: wire.ServerEvent) -> None:
        """Record the place of a user's turn: its words may arrive after those of the answer."""
        match event:
            case wire.Committed(item_id=item_id, previous_item_id=previous) if item_id:
                self._item(Role.USER, item_id, after=previous)
            case wire.ItemAdded(item=wire.Item(id=str(item_id), role="user"), previous_item_id=previous) if item_id:
                self._item(Role.USER, item_id, after=previous)
            case _:
                pass

    def take(self, arrival: Arrival) -> None:
        """Record what was said, and how much of an answer's sound has arrived."""
        match arrival:
            case TranscriptChanged() if arrival.text:
                self._take_words(arrival)
            case AudioPiece(item_id=item_id, pcm=pcm):
                self._item(Role.ASSISTANT, item_id).received += len(pcm)
            case _:
                pass

    def _take_words(self, words: TranscriptChanged) -> None:
        if words.role is Role.USER and not words.is_final:
            return
        item = self._item(words.role, words.item_id)
        if item.is_final and not words.is_final:
            return
        item.text = words.text[:_LONGEST]
        item.letters = len(words.text)
        item.is_final = words.is_final
        self._forget()

    def truncate(self, item_id: str, heard_ms: int) -> None:
        """Record that only this much of an answer was heard."""
        for item in self._items:
            if item.item_id == item_id:
                item.heard_ms, item.is_whole = heard_ms, False

    def extend(self, item_id: str, heard_ms: int | None) -> tuple[str, bool]:
        """Record that more of an answer was heard than recorded before; ``None`` stands for all of it.

        Return the words that this adds, and whether the service still has the item: an item of which nothing was heard
        was deleted there.
        """
        for item in self._items:
            if item.item_id == item_id and item.heard_ms is not None:
                before, was_kept = item.told(), item.heard_ms > 0
                item.is_whole = heard_ms is None
                item.heard_ms = -(-item.received // _BYTES_PER_MS) if heard_ms is None else heard_ms
                return item.told()[len(before) :].strip(), was_kept
        return "", False

    def delete(self, item_id: str) -> None:
        """Record that nothing of an answer was heard."""
        self.truncate(item_id, 0)

    def answered(self) -> list[tuple[Role, str]]:
        """Return everything up to the last answer: a turn without an answer is sent again as audio."""
        return [(item.role, text) for item in self._items[: self._answered_items()] if (text := item.told())]

    def take_answered(self) -> list[tuple[Role, str]]:
        """Return everything up to the last answer, and remove it; what is not answered yet stays."""
        answered = self.answered()
        self._items = self._items[self._answered_items() :]
        return answered

    def _answered_items(self) -> int:
        return max((place for place, item in enumerate(self._items, 1) if item.is_answer), default=0)

    def begin_again(self) -> list[tuple[Role, str]]:
        """Return what to send to the next session, and keep only that: its items are new, whatever their ids."""
        answered = self.answered()
        self._items = [_Item(role, None, text, len(text), is_final=True) for role, text in answered]
        return answered

    def clear(self) -> None:
        """Clear everything."""
        self._items.clear()

    def _item(self, role: Role, item_id: str, *, after: str | None = None) -> _Item:
        """Return the item of that id; a new one goes after the item given, or at the end."""
        for item in self._items:
            if item.item_id == item_id:
                return item
        places = [place for place, item in enumerate(self._items) if after and item.item_id == after]
        new = _Item(role, item_id)
        self._items.insert(places[0] + 1 if places else len(self._items), new)
        self._forget()
        return new

    def _forget(self) -> None:
        """Drop the oldest item beyond the limit, without words too: a service may invent any number of those."""
        said = [item for item in self._items if item.text]
        silent = [item for item in self._items if not item.text]
        while len(said) > _MOST_ITEMS or sum(len(item.text) for item in said) > _MOST_LETTERS:
            said.pop(0)
        kept = {id(item) for item in [*said, *silent[-_MOST_ITEMS:]]}
        self._items = [item for item in self._items if id(item) in kept]
