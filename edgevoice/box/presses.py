"""Presses: passes what is pressed on the panel to the conversation, unless something else claims the next press."""

from collections.abc import Callable

from edgevoice.core.facts import Event, TalkPressed


class Presses:
    """Passes on what the panel reports; ``post`` and ``call`` are those of the mailbox.

    Only what comes from the panel passes here, so a press proves that somebody stands beside the box.
    """

    def __init__(self, post: Callable[[Event], None], call: Callable[[Callable[[], None]], None]) -> None:
        self._post = post
        self._call = call
        self._taker: Callable[[], None] | None = None

    def give_next_to(self, taker: Callable[[], None] | None) -> None:
        """Give the next press of the talk button to ``taker``, in the loop's thread; ``None`` takes that back."""
        self._taker = taker

    def post(self, event: Event) -> None:
        """Take what was pressed, from any thread."""
        taker = self._taker
        if taker is not None and isinstance(event, TalkPressed):
            self._taker = None
            self._call(taker)
        else:
            self._post(event)
