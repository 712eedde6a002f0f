"""Speaking first: when what rings and what is announced sounds, what stops it, and what follows. No I/O, no clock."""

from typing import assert_never

from edgevoice.core.announcements import (
    Announcement,
    AnnouncementDue,
    AnnouncementFact,
    AnnouncementOutcome,
    AnnouncementWithdrawn,
    ClipCut,
    ClipPlayed,
    Priority,
    RingDue,
    RingOutcome,
    RingWithdrawn,
)
from edgevoice.core.conversation.announcer import Announcer
from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.deadlines import Deadline
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.sessions import Sessions
from edgevoice.core.conversation.state import ConversationState
from edgevoice.core.facts import NearSpeechBegan, NearSpeechConfirmed, NearSpeechEnded, NearSpeechFaded
from edgevoice.core.orders import (
    Action,
    CutClip,
    DuckPlayback,
    PlayClip,
    PlayRing,
    ReportAnnouncement,
    ReportRing,
    RestorePlayback,
)

_RINGS_FOR_S = 600.0
_RING_GAP_S = 2.0
"""The pause between two rings, in which a word is heard well even without an echo canceller."""

_LONGEST_RING_S = 30.0
"""When to ring again if the speaker does not report that it has rung: it may be gone."""


class SpeakingFirst:
    """Decides when the `Announcer` sounds. The sounds themselves are the speaker's, named by their ids."""

    def __init__(self, state: ConversationState, box: BoxState, sessions: Sessions, announcer: Announcer) -> None:
        self._state = state
        self._box = box
        self._sessions = sessions
        self._announcer = announcer
        self._ring_clip: str | None = None
        self._cut: Announcement | None = None

    def take(self, fact: AnnouncementFact, now: float) -> list[Action]:
        """Handle what is due, is withdrawn, or has sounded."""
        match fact:
            case RingDue():
                return self._ring_due(fact, now)
            case RingWithdrawn(ring_id=ring_id):
                return self._ring_withdrawn(ring_id)
            case AnnouncementDue(announcement=announcement):
                return self._announcement_due(announcement)
            case AnnouncementWithdrawn(announcement_id=announcement_id):
                return self._announcement_withdrawn(announcement_id)
            case ClipPlayed(clip_id=clip_id):
                return self._clip_played(clip_id, now)
            case ClipCut():
                return self._clip_cut(fact)
            case _:
                assert_never(fact)

    @property
    def is_ringing(self) -> bool:
        """Whether anything rings."""
        return self._announcer.is_ringing

    @property
    def is_announcing(self) -> bool:
        """Whether an announcement sounds."""
        return self._announcer.is_announcing

    def drop_waiting(self) -> list[Action]:
        """Drop the announcements that wait."""
        dropped = self._announcer.drop_all()
        return [ReportAnnouncement(one.announcement_id, AnnouncementOutcome.WITHDRAWN) for one in dropped]

    def go_on(self) -> list[Action]:
        """Begin the next announcement if nothing is in its way; called after every fact."""
        if (announcement := self._announcer.next) is None or self._cut is not None:
            return []
        actions: list[Action] = []
        if self._state.phase is not Phase.IDLE:
            if self._state.phase is not Phase.SPEAKING or announcement.priority is not Priority.ANNOUNCEMENT:
                return []
            actions = self._sessions.hang_up()
        begun = self._announcer.begin()
        return [*actions, PlayClip(begun.clip_id, has_chime=begun.has_chime)]

    # --- rings --------------------------------------------------------------------------------------------------------

    def _ring_due(self, ring: RingDue, now: float) -> list[Action]:
        actions = self._restore()
        if self._announcer.is_echoing:
            actions += self.cut()  # the question was heard; the reply will not be
        elif self._announcer.is_announcing:
            # It is repeated from its beginning, so nothing is reported of it yet.
            actions = [CutClip(), *actions]
        self._announcer.start_ring(ring, now + _RINGS_FOR_S)
        return actions + self.ring(now)

    def ring(self, now: float) -> list[Action]:
        """Ring once more, if anything still does."""
        actions = self._restore()
        ring, over = self._announcer.next_ring(now)
        actions += [ReportRing(each.ring_id, RingOutcome.UNANSWERED) for each in over]
        if ring is None:
            return actions
        self._ring_clip = ring.clip_id
        if self._state.phase is not Phase.IDLE:
            self._announcer.soften()
            self._ring_clip = ""
        self._state.deadlines.set(Deadline.RING, now + _LONGEST_RING_S)
        return [*actions, PlayRing(self._ring_clip, self._announcer.gain_db)]

    def _ring_withdrawn(self, ring_id: int) -> list[Action]:
        actions = self._restore()
        if not self._announcer.stop_ring(ring_id) or self._announcer.is_ringing:
            return actions
        return actions + self._silence_ring()

    def stop_ringing(self, outcome: RingOutcome = RingOutcome.STOPPED) -> list[Action]:
        """Stop everything that rings."""
        if not self._announcer.is_ringing:
            return []
        actions = self._restore()
        stopped = self._announcer.stop_rings()
        return [*actions, *self._silence_ring(), *(ReportRing(each.ring_id, outcome) for each in stopped)]

    def _silence_ring(self) -> list[Action]:
        self._ring_clip = None
        self._state.deadlines.clear(Deadline.RING)
        return [CutClip()]

    # --- announcements ------------------------------------------------------------------------------------------------

    def _announcement_due(self, announcement: Announcement) -> list[Action]:
        if not self._box.has_speaker:
            return [ReportAnnouncement(announcement.announcement_id, AnnouncementOutcome.NO_SPEAKER)]
        if not self._announcer.queue(announcement):
            return [ReportAnnouncement(announcement.announcement_id, AnnouncementOutcome.TOO_MANY)]
        return []

    def _announcement_withdrawn(self, announcement_id: str) -> list[Action]:
        current = self._announcer.current
        if current is not None and current.announcement_id == announcement_id:
            return self.cut()
        dropped = self._announcer.drop(announcement_id)
        return [] if dropped is None else [ReportAnnouncement(announcement_id, AnnouncementOutcome.WITHDRAWN)]

    def cut(self) -> list[Action]:
        """Cut the announcement that sounds; how much of it was heard is reported once the speaker has."""
        if not self._announcer.is_announcing:
            return []
        actions = self._restore()
        self._state.deadlines.clear(Deadline.QUESTION)
        if self._announcer.is_echoing:
            self._announcer.end()  # it was heard whole, and reported
            return actions
        self._cut = self._announcer.end()
        return [CutClip(), *actions]

    def answer_by_hand(self, at_sample: int, now: float) -> list[Action]:
        """Cut the announcement because of the talk button: the user listens no more, or wants to reply."""
        current = self._announcer.current
        actions = self.cut()
        if current is None or not current.listens or self._box.is_deaf:
            return actions
        return actions + self._sessions.begin(at_sample, now)

    def question_over(self, now: float) -> list[Action]:
        """Listen for the reply, now that the echo of the question is over."""
        self._announcer.end()
        return [] if self._box.is_deaf else self._sessions.begin(None, now)

    def speaker_lost(self) -> list[Action]:
        """Give up every announcement: nothing can be heard."""
        actions = self.cut()
        lost, self._cut = [self._cut] if self._cut is not None else [], None
        lost += self._announcer.drop_all()
        return [*actions, *(ReportAnnouncement(one.announcement_id, AnnouncementOutcome.NO_SPEAKER) for one in lost)]

    # --- what the speaker reports -------------------------------------------------------------------------------------

    def _clip_played(self, clip_id: str, now: float) -> list[Action]:
        if self._announcer.is_ringing:
            if clip_id == self._ring_clip:
                self._state.deadlines.set(Deadline.RING, now + _RING_GAP_S)
            return []
        current = self._announcer.current
        if current is None or current.clip_id != clip_id or self._announcer.is_echoing:
            return []  # late news: cut in the same breath
        actions = self._restore()
        report = ReportAnnouncement(current.announcement_id, AnnouncementOutcome.PLAYED)
        if current.listens:
            self._announcer.ask()
            self._state.deadlines.set(Deadline.QUESTION, now + self._state.policy.echo_tail_s)
        else:
            self._announcer.end()
        return [*actions, report]

    def _clip_cut(self, cut: ClipCut) -> list[Action]:
        announcement = self._cut
        if announcement is None or announcement.clip_id != cut.clip_id:
            return []  # of a ring, or of an announcement that will be repeated
        self._cut = None
        return [ReportAnnouncement(announcement.announcement_id, AnnouncementOutcome.CUT, cut.heard_ms)]

    # --- speech over either -------------------------------------------------------------------------------------------

    @property
    def takes_speech(self) -> bool:
        """Whether near speech is speech over a ring or an announcement, not over an answer."""
        is_alone = self._state.phase is Phase.IDLE
        return is_alone and (self._announcer.is_ringing or self._announcer.is_announcing)

    def take_speech(
        self, fact: NearSpeechBegan | NearSpeechConfirmed | NearSpeechFaded | NearSpeechEnded, now: float
    ) -> list[Action]:
        """Lower what sounds while somebody may be speaking over it; speech cuts an announcement, but no ring."""
        if self._box.is_deaf:
            return []
        match fact:
            case NearSpeechBegan():
                return [DuckPlayback()] if self._announcer.lower() else []
            case NearSpeechConfirmed(at_sample=at_sample):
                return self._spoken_over(at_sample, now)
            case NearSpeechFaded() | NearSpeechEnded():
                return self._restore()
            case _:
                assert_never(fact)

    def _spoken_over(self, at_sample: int, now: float) -> list[Action]:
        current = self._announcer.current
        if current is None:
            return []  # people may talk while it rings
        actions = self.cut()
        if not current.listens:
            return actions
        return actions + self._sessions.begin(at_sample, now, has_preroll=False)

    def deafen(self) -> list[Action]:
        """Bring what sounds back to its volume: whoever spoke over it is no longer heard."""
        return self._restore()

    def _restore(self) -> list[Action]:
        return [RestorePlayback()] if self._announcer.restore() else []
