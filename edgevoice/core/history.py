"""History: the last words of a conversation, for a session that goes on where another was lost. No I/O, no clock."""

from edgevoice.core.notices import Role, TranscriptChanged

_MOST_ITEMS = 12
_MOST_LETTERS = 4000
"""Of all items together: half a minute of the fastest talk, and far below any service's limits."""

_LONGEST = 1500


class History:
    """What was said, oldest first, bounded; for memory only, never for a log or a file."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[Role, str]] = {}

    def take(self, words: TranscriptChanged) -> None:
        """Take what somebody said, once it is final."""
        if not words.is_final or not words.text:
            return
        self._said[words.item_id] = (words.role, words.text[:_LONGEST])
        while len(self._said) > _MOST_ITEMS or sum(len(text) for _, text in self._said.values()) > _MOST_LETTERS:
            del self._said[next(iter(self._said))]

    def answered(self) -> list[tuple[Role, str]]:
        """Return everything up to the last answer: a turn without one is said again by its own sound."""
        said = list(self._said.values())
        while said and said[-1][0] is Role.USER:
            said.pop()
        return said

    def clear(self) -> None:
        """Forget everything."""
        self._said.clear()
