"""What the box says first: rings and announcements, as facts that go into the conversation. Times are beside a fact.

How a program makes the box speak
1. It gives the speaker the sound, mono s16 at 24 kHz, under an id of its own: ``Speaker.learn_clip(clip_id, samples)``.
2. It reports ``AnnouncementDue(Announcement(announcement_id, clip_id, ...))``; for a timer or an alarm, ``RingDue``.
3. It observes the order ``ReportAnnouncement(announcement_id, outcome, heard_ms)``, or ``ReportRing``: how it ended.
   Only then may it take the sound back: ``Speaker.forget_clip(clip_id)``.

One thing sounds at a time, by priority: a ring, then an announcement, then an answer.

- A ring sounds at once. In a conversation it is the earcon alone, mixed softly over what sounds; otherwise earcon and
  clip, louder in steps. It cuts an announcement, which is repeated from its beginning once the ring is over.
- An announcement of ``Priority.ANNOUNCEMENT`` ends a conversation whose answer is sounding. One of ``Priority.ANSWER``
  waits for the end of the conversation, and both wait while the user may be speaking.
- Somebody who speaks over an announcement lowers it, and cuts it once it is certain that they speak; so do the wake
  word and the talk button. An announcement that ``listens`` is followed by a conversation without the wake word.
- The button, the wake word, a word that is heard without it (``StopWordHeard``), or ten minutes end a ring.
"""

from enum import IntEnum, StrEnum

from msgspec import Struct


class Priority(IntEnum):
    """How urgent an announcement is; a ring precedes both."""

    ANSWER = 0
    ANNOUNCEMENT = 1


class RingOutcome(StrEnum):
    """How a ring ended."""

    STOPPED = "stopped"
    SNOOZED = "snoozed"
    UNANSWERED = "unanswered"


class AnnouncementOutcome(StrEnum):
    """How an announcement ended."""

    PLAYED = "played"
    CUT = "cut"
    WITHDRAWN = "withdrawn"
    TOO_MANY = "too many"
    NO_SPEAKER = "no speaker"


class Announcement(Struct, frozen=True):
    """Something to be said without being asked.

    ``clip_id`` names the sound that the speaker was given. ``has_chime``: a short earcon precedes it. ``listens``: the
    box listens afterwards, or as soon as somebody speaks over it.
    """

    announcement_id: str
    clip_id: str
    priority: Priority = Priority.ANSWER
    has_chime: bool = False
    listens: bool = False


class RingDue(Struct, frozen=True):
    """A timer, an alarm or a reminder is due; ``clip_id`` is its spoken name, empty if the earcon must do."""

    ring_id: int
    clip_id: str = ""


class RingWithdrawn(Struct, frozen=True):
    """What rings was cancelled elsewhere; nothing is reported of it."""

    ring_id: int


class AnnouncementDue(Struct, frozen=True):
    """A program wants this to be said."""

    announcement: Announcement


class AnnouncementWithdrawn(Struct, frozen=True):
    """A program no longer wants it to be said, or the rest of it."""

    announcement_id: str


class ClipPlayed(Struct, frozen=True):
    """All of a clip was handed to the card."""

    clip_id: str


class ClipCut(Struct, frozen=True):
    """A clip was cut; ``heard_ms`` is how much of it the room heard, without the earcon before it."""

    clip_id: str
    heard_ms: int


class StopWordHeard(Struct, frozen=True):
    """While something rings, somebody said the single word that ends it: "stop", or "snooze"."""

    is_snooze: bool = False


AnnouncementFact = RingDue | RingWithdrawn | AnnouncementDue | AnnouncementWithdrawn | ClipPlayed | ClipCut
"""What happens to what the box says first."""
