"""Announcer: what the box says without being asked: what rings, and a queue of announcements. Pure.

Beside the answer's five machines and the phases, this is the conversation's seventh. It is coupled to them in
`speaking_first`: an announcement begins only between two conversations, a ring at any moment.
"""

from enum import StrEnum

from edgevoice.core.announcements import Announcement, RingDue
from edgevoice.core.conversation.tables import after


class AnnouncerState(StrEnum):
    """What sounds of what the box says first."""

    QUIET = "quiet"
    ANNOUNCING = "announcing"
    ANNOUNCING_LOWERED = "announcing lowered"
    ECHO = "echo of a question"
    RINGING = "ringing"
    RINGING_LOWERED = "ringing lowered"


class AnnouncerCause(StrEnum):
    """Why that changes; the diagram in the documentation shows these words."""

    BEGAN = "announcement begun"
    LOWERED = "near speech began"
    RESTORED = "near speech faded"
    ASKED = "question played"
    OVER = "played or cut"
    RANG = "ring due"
    RING_OVER = "ring over"


TRANSITIONS: dict[tuple[AnnouncerState, AnnouncerCause], AnnouncerState] = {
    (AnnouncerState.QUIET, AnnouncerCause.BEGAN): AnnouncerState.ANNOUNCING,
    (AnnouncerState.ANNOUNCING, AnnouncerCause.LOWERED): AnnouncerState.ANNOUNCING_LOWERED,
    (AnnouncerState.ANNOUNCING_LOWERED, AnnouncerCause.RESTORED): AnnouncerState.ANNOUNCING,
    (AnnouncerState.ANNOUNCING, AnnouncerCause.ASKED): AnnouncerState.ECHO,
    (AnnouncerState.ANNOUNCING, AnnouncerCause.OVER): AnnouncerState.QUIET,
    (AnnouncerState.ECHO, AnnouncerCause.OVER): AnnouncerState.QUIET,
    (AnnouncerState.QUIET, AnnouncerCause.RANG): AnnouncerState.RINGING,
    (AnnouncerState.RINGING, AnnouncerCause.LOWERED): AnnouncerState.RINGING_LOWERED,
    (AnnouncerState.RINGING_LOWERED, AnnouncerCause.RESTORED): AnnouncerState.RINGING,
    (AnnouncerState.RINGING, AnnouncerCause.RING_OVER): AnnouncerState.QUIET,
}

MOST_WAITING = 20
"""Announcements that may wait: more would be stale when their turn comes."""

_ANNOUNCING = (AnnouncerState.ANNOUNCING, AnnouncerState.ANNOUNCING_LOWERED, AnnouncerState.ECHO)
_RINGING = (AnnouncerState.RINGING, AnnouncerState.RINGING_LOWERED)
_FIRST_DB = -15.0
_STEP_DB = 3.0


class Announcer:
    """What sounds, what rings, and what waits for its turn; ``current`` is the announcement that has begun."""

    def __init__(self) -> None:
        self.state = AnnouncerState.QUIET
        self.current: Announcement | None = None
        self._waiting: list[Announcement] = []
        self._rings: dict[int, tuple[RingDue, float]] = {}
        self._cycle = 0

    @property
    def is_ringing(self) -> bool:
        """Whether a timer, an alarm or a reminder rings."""
        return self.state in _RINGING

    @property
    def is_announcing(self) -> bool:
        """Whether an announcement sounds, or its echo does."""
        return self.state in _ANNOUNCING

    @property
    def is_echoing(self) -> bool:
        """Whether all of an announcement that expects a reply was played, and its echo sounds."""
        return self.state is AnnouncerState.ECHO

    # --- announcements ------------------------------------------------------------------------------------------------

    @property
    def next(self) -> Announcement | None:
        """The announcement whose turn it is; ``None`` while something else sounds, or if none waits."""
        return self._waiting[0] if self._waiting and self.state is AnnouncerState.QUIET else None

    def queue(self, announcement: Announcement) -> bool:
        """Add an announcement after those that are as urgent; return whether there was space for it."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(announcement)
        self._waiting.sort(key=lambda one: -one.priority)
        return True

    def begin(self) -> Announcement:
        """Begin the next announcement, which must exist."""
        self.current = self._waiting.pop(0)
        self._go(AnnouncerCause.BEGAN)
        return self.current

    def ask(self) -> None:
        """Wait for the echo of an announcement that was played and expects a reply."""
        self._go(AnnouncerCause.ASKED)

    def end(self) -> Announcement | None:
        """End the announcement that sounds, and return it; it must not be lowered."""
        ended, self.current = self.current, None
        self._go(AnnouncerCause.OVER)
        return ended

    def drop(self, announcement_id: str) -> Announcement | None:
        """Remove an announcement that waits, and return it."""
        for announcement in self._waiting:
            if announcement.announcement_id == announcement_id:
                self._waiting.remove(announcement)
                return announcement
        return None

    def drop_all(self) -> list[Announcement]:
        """Remove everything that waits, and return it."""
        dropped, self._waiting = self._waiting, []
        return dropped

    # --- rings --------------------------------------------------------------------------------------------------------

    def start_ring(self, ring: RingDue, until: float) -> None:
        """Let this ring, with what rings already; an announcement is repeated from its beginning afterwards."""
        if (interrupted := self.end()) is not None:
            self._waiting.insert(0, interrupted)
        self._rings[ring.ring_id] = (ring, until)
        self._cycle = 0
        self._go(AnnouncerCause.RANG)

    def next_ring(self, now: float) -> tuple[RingDue | None, list[RingDue]]:
        """Return whose turn it is to sound, and the rings whose time is over, which no longer ring."""
        over = [ring for ring, until in self._rings.values() if until <= now]
        for ring in over:
            self.stop_ring(ring.ring_id)
        if not self._rings:
            return None, over
        rings = [ring for ring, _ in self._rings.values()]
        self._cycle += 1
        return rings[(self._cycle - 1) % len(rings)], over

    @property
    def gain_db(self) -> float:
        """How loud the ring is now, in dB below its full volume: louder each time that it sounds."""
        return min(0.0, _FIRST_DB + _STEP_DB * (self._cycle - 1))

    def soften(self) -> None:
        """Begin again with the softest step: somebody talks with the box."""
        self._cycle = 1

    def stop_ring(self, ring_id: int) -> bool:
        """Stop one ring; return whether it was ringing."""
        was_ringing = self._rings.pop(ring_id, None) is not None
        if was_ringing and not self._rings:
            self._go(AnnouncerCause.RING_OVER)
        return was_ringing

    def stop_rings(self) -> list[RingDue]:
        """Stop everything that rings, and return it; it must not be lowered."""
        stopped = [ring for ring, _ in self._rings.values()]
        self._rings = {}
        self._go(AnnouncerCause.RING_OVER)
        return stopped

    # --- speech over either -------------------------------------------------------------------------------------------

    def lower(self) -> bool:
        """Record that somebody may be speaking over it; return whether to lower it for that."""
        return self._go(AnnouncerCause.LOWERED)

    def restore(self) -> bool:
        """Record that it is back at its volume; return whether it had been lowered."""
        return self._go(AnnouncerCause.RESTORED)

    def _go(self, cause: AnnouncerCause) -> bool:
        before, self.state = self.state, after(TRANSITIONS, self.state, cause)
        return self.state is not before
