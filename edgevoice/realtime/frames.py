"""Frames: reads what one session's service sends, and ends a session that sends what cannot be read. No I/O."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from edgevoice.core.protocol import wire
from edgevoice.errors import ServiceNonsense

_MOST_NONSENSE = 20
"""Frames in a row, or events of one kind in a row, after which the service is taken not to speak the protocol."""

_OTHER_PROTOCOL = (
    "The service speaks another protocol than this box: check service.url, and with whoever runs the service."
)
_TOO_LARGE = "No answer needs that much: check service.url, and with whoever runs the service."


@contextmanager
def within_limits() -> Iterator[None]:
    """Raise ``ServiceNonsense`` for what is larger than any service needs, wherever that is found."""
    try:
        yield
    except wire.LimitExceeded as error:
        raise ServiceNonsense(f"the service sent {error}", remedy=_TOO_LARGE) from None


class FrameReader:
    """Reads one session's frames; a new session needs a new one."""

    def __init__(self) -> None:
        self._nonsense = 0
        self._unreadable = Counter[str]()

    def read(self, frame: str | bytes) -> wire.ServerEvent:
        """Return the event in a frame.

        Raises ``wire.WireError`` for a frame that can be ignored, and ``ServiceNonsense`` for one that is too large and
        for the last of too many: an event that is lost among others that are not, each time, is lost for good.
        """
        try:
            with within_limits():
                event = wire.decode(frame)
        except wire.WireError as error:
            self._count(error)
            raise
        self._nonsense = 0
        if self._unreadable:
            self._unreadable.pop(wire.type_of(event), None)
        return event

    def _count(self, error: wire.WireError) -> None:
        self._nonsense += 1
        self._unreadable[error.kind] += bool(error.kind)
        if self._unreadable[error.kind] >= _MOST_NONSENSE:
            raise ServiceNonsense(f"the service sent {_MOST_NONSENSE} times {error}", remedy=_OTHER_PROTOCOL) from None
        if self._nonsense >= _MOST_NONSENSE:
            raise ServiceNonsense(
                f"the service sent {_MOST_NONSENSE} frames in a row that are not the Realtime protocol"
            ) from None
