"""Which conversations are scored while a box is in use: the choice depends on the session's id alone. Pure."""

import hashlib
from typing import Final

_SPACE: Final = 1 << 64


def is_sampled(session_id: str, rate: float) -> bool:
    """Return whether the session of this id is one of the share ``rate`` that is scored.

    The same id is always chosen or never, equal rates choose the same sessions, and a higher rate chooses all that a
    lower one does.
    """
    place = int.from_bytes(hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return place < rate * _SPACE
