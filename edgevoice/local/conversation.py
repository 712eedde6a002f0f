"""The conversation: its items in order, and which of them are still unanswered. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from edgevoice.local.mind.approvals import is_refusal
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.refusals import RequestRefused


@dataclass(slots=True)
class ConversationItem:
    """One item; ``body`` goes on the wire.

    ``audio_ms`` is how much speech was sent for it so far, None if it is not spoken; ``kept_ms`` is how much of that
    remains after the client truncated it, None if all. Unless ``is_sure`` its words may have been misheard.
    ``is_used``: an answer has used this note of the client's.
    """

    body: dict[str, Any]
    audio_ms: int | None = None
    kept_ms: int | None = None
    is_sure: bool = True
    is_used: bool = False

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.body["id"])

    @property
    def kind(self) -> str:
        """``message``, ``function_call`` or ``function_call_output``."""
        return str(self.body["type"])

    def text(self) -> str:
        """Return the text of a message, all its parts."""
        parts = self.body.get("content", [])
        return " ".join(said for part in parts if (said := part.get("transcript") or part.get("text")))

    def shorten(self, before_ms: int) -> None:
        """Keep of words that took ``before_ms`` those of the first ``kept_ms``; all if nothing was truncated."""
        if self.kept_ms is None:
            return
        for part in self.body["content"]:
            words = part["transcript"].split(" ")
            # Words arrive ahead of their sound: there may be some before anything was heard.
            part["transcript"] = " ".join(words[: len(words) * self.kept_ms // max(before_ms, 1)])


@dataclass(slots=True)
class ConversationItems:
    """The ordered items of one session."""

    items: list[ConversationItem] = field(default_factory=list)

    def add(self, item: ConversationItem, *, after: str | None = None) -> str | None:
        """Insert ``item`` and return the id of the one before it.

        ``after`` names the item before it; ``root`` is the front, None the end.
        """
        if any(present.id == item.id for present in self.items):
            raise RequestRefused("item_already_exists", f"Item {item.id} exists already", param="item.id")
        index = len(self.items)
        if after == "root":
            index = 0
        elif after is not None:
            index = self.items.index(self.find(after, param="previous_item_id")) + 1
        self.items.insert(index, item)
        return self.items[index - 1].id if index else None

    def find(self, item_id: str, *, param: str = "item_id") -> ConversationItem:
        """Return the item; raise RequestRefused if there is none with that id."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise RequestRefused("item_not_found", f"No such item: {item_id[:80]}", param=param)

    def delete(self, item_id: str) -> None:
        """Remove the item; raise RequestRefused if there is none with that id."""
        self.items.remove(self.find(item_id))

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Discard what follows ``audio_end_ms`` in an answer, even if it is still being sent.

        Raises RequestRefused if it is not a spoken answer, has no such part, or is not that long.
        """
        item = self.find(item_id)
        if item.audio_ms is None:
            raise RequestRefused("invalid_value", "Only model output audio messages can be truncated", param="item_id")
        if content_index != 0:
            # An answer has one part.
            raise RequestRefused("invalid_value", f"No such content part: {content_index}", param="content_index")
        left_ms = item.audio_ms if item.kept_ms is None else item.kept_ms
        if audio_end_ms > left_ms:
            told = f"Audio content of {left_ms}ms is already shorter than {audio_end_ms}ms"
            raise RequestRefused("invalid_value", told, param="audio_end_ms")
        item.kept_ms = audio_end_ms
        item.shorten(left_ms)

    def call_item(self, call_id: str) -> ConversationItem | None:
        """Return the function call with that id, if there is one."""
        calls = (item for item in self.items if item.kind == "function_call")
        return next((item for item in calls if item.body["call_id"] == call_id), None)

    def last_message(self, role: str) -> str:
        """Return the text of the latest message of ``role``, or an empty text."""
        return next((item.text() for item in reversed(self.items) if item.body.get("role") == role), "")

    def unanswered_text(self) -> str | None:
        """Return what the user said last, empty if it was not understood; None if it has been answered."""
        for item in reversed(self.items):
            if item.kind == "message" and item.body["role"] != "system":
                return item.text() if item.body["role"] == "user" else None
        return None

    def fresh_note(self) -> ConversationItem | None:
        """Return the client's latest note, a message of the role "system", that no answer has used.

        A refusal that the user gave themselves is of no interest any more once they have said something else.
        """
        is_overtaken = False
        for item in reversed(self.items):
            if item.body.get("role") == "system":
                is_old = item.is_used or (is_overtaken and is_refusal(item.text()))
                return None if is_old else item
            is_overtaken = is_overtaken or item.body.get("role") == "user"
        return None

    def is_sure(self) -> bool:
        """Return whether what the user said last was heard clearly."""
        return next((item.is_sure for item in reversed(self.items) if item.body.get("role") == "user"), True)

    def fresh_results(self) -> list[ToolResult]:
        """Return the outputs after the latest message, which no answer has used yet."""
        return [*reversed([*self._fresh_results()])]

    def results(self) -> list[ToolResult]:
        """Return all outputs, the oldest first."""
        return [result for item in self.items if (result := self._result(item)) is not None]

    def _fresh_results(self) -> Iterator[ToolResult]:
        for item in reversed(self.items):
            if item.kind == "message":
                return
            if (result := self._result(item)) is not None:
                yield result

    def _result(self, item: ConversationItem) -> ToolResult | None:
        call = self.call_item(item.body["call_id"]) if item.kind == "function_call_output" else None
        if call is None:
            return None
        return ToolResult(RequestedCall(call.body["name"], _arguments(call.body["arguments"])), item.body["output"])


def _arguments(text: str) -> Mapping[str, Any]:
    try:
        arguments = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return arguments if isinstance(arguments, dict) else {}
