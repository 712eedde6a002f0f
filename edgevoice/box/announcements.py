"""Announcements of programs: gives the speaker their sound, waits for their turn, and hears what is replied to them.

The conversation decides when they sound and what cuts them: see ``core/announcements.py``.
"""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from edgevoice.box.speech import Speech
from edgevoice.core.announcements import (
    Announcement,
    AnnouncementDue,
    AnnouncementOutcome,
    AnnouncementWithdrawn,
    Priority,
)
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import PlayClip, ReportAnnouncement
from edgevoice.core.ports import Observer, Report

_BEGINS_S: Final = 5.0
"""How long after a question the box may take to listen: until then its echo is over."""

Samples = npt.NDArray[np.int16]


class Clips(Protocol):
    """The part of the speaker that this needs."""

    def learn_clip(self, clip_id: str, samples: Samples) -> None:
        """Know a clip by this id."""
        ...

    def forget_clip(self, clip_id: str) -> None:
        """Know it no longer."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How an announcement ended; ``heard_ms``: how much was heard of one that was cut."""

    outcome: AnnouncementOutcome
    heard_ms: int = 0


@dataclass(slots=True)
class _Question:
    """A question that was announced, and what was said since: by item, as later words replace earlier ones."""

    text: str
    context: str
    over: asyncio.Future[None]
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    said: dict[Role, dict[str, str]] = field(default_factory=lambda: {Role.USER: {}, Role.ASSISTANT: {}})
    has_answered: bool = False

    def words(self, role: Role) -> str:
        return " ".join(filter(None, self.said[role].values()))


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """What followed a question: the words that were understood, and what the box answered to them."""

    ended: Ended
    understood: str = ""
    answered: str = ""


class Announcements(Observer):
    """An observer through which programs speak; only for the loop's thread.

    ``speech`` is the box's own voice, ``None`` if none is installed.
    """

    def __init__(self, clips: Clips, report: Report, speech: Speech | None = None) -> None:
        self.speech = speech
        self._clips = clips
        self._report = report
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Ended]] = {}
        self._asking = asyncio.Lock()
        self._asked: dict[str, _Question] = {}
        self._question: _Question | None = None

    def asked(self) -> list[tuple[Role, str]]:
        """Return the question that was just asked, for the session in which it is answered; else nothing."""
        question = self._question
        if question is None or question.said[Role.USER]:
            return []
        # As a turn of the user: some models refuse a conversation that begins with their own words.
        context = [(Role.USER, f"[Not spoken, for your information: {question.context}]")] if question.context else []
        return [*context, (Role.ASSISTANT, question.text)]

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - it has no times
        """See how announcements end, and what is said after a question."""
        match notice:
            case ReportAnnouncement(announcement_id=name, outcome=outcome, heard_ms=heard_ms):
                waiting = self._waiting.get(name)
                if waiting is not None and not waiting.done():
                    waiting.set_result(Ended(outcome, heard_ms))
            case PlayClip(clip_id=name) if name in self._asked:
                # What was said before it belongs to another conversation.
                self._question = self._asked[name]
            case TranscriptChanged(role=role, item_id=item_id, text=text) if self._question is not None:
                self._question.said[role][item_id] = text
            case PhaseEntered(phase=phase) if self._question is not None:
                self._follow(self._question, phase)
            case _:
                pass

    @staticmethod
    def _follow(question: _Question, phase: Phase) -> None:
        match phase:
            case Phase.CONNECTING:
                question.begun.set()
            case Phase.THINKING | Phase.SPEAKING:
                question.has_answered = True
            case Phase.LISTENING | Phase.IDLE:
                is_over = phase is Phase.IDLE or question.has_answered
                if question.begun.is_set() and is_over and not question.over.done():
                    question.over.set_result(None)

    async def say(self, samples: Samples, *, priority: Priority = Priority.ANSWER, has_chime: bool = False) -> Ended:
        """Have this said, mono s16 at 24 kHz, and return how that ended; whoever is cancelled withdraws it."""
        return await self._say(self._name(), samples, priority, has_chime=has_chime, listens=False)

    def _name(self) -> str:
        return f"program-{next(self._numbers)}"

    async def _say(self, name: str, samples: Samples, priority: Priority, *, has_chime: bool, listens: bool) -> Ended:
        self._clips.learn_clip(name, samples)
        ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._waiting[name] = ended
        try:
            self._report(AnnouncementDue(Announcement(name, name, priority, has_chime=has_chime, listens=listens)))
            return await ended
        except asyncio.CancelledError:
            self._report(AnnouncementWithdrawn(name))
            raise
        finally:
            del self._waiting[name]
            self._clips.forget_clip(name)

    async def ask(
        self, question: str, samples: Samples, *, has_chime: bool = False, context: str = ""
    ) -> QuestionAnswered:
        """Ask a question aloud, listen without the wake word, and return what was understood and answered.

        One question is asked at a time. If nobody replies, nothing was understood. The service is given ``context``
        with the question; it is not spoken.
        """
        async with self._asking:
            name = self._name()
            asked = self._asked[name] = _Question(question, context, asyncio.get_running_loop().create_future())
            try:
                ended = await self._say(name, samples, Priority.ANSWER, has_chime=has_chime, listens=True)
                if ended.outcome in {AnnouncementOutcome.PLAYED, AnnouncementOutcome.CUT}:
                    await self._reply(asked)
                return QuestionAnswered(ended, asked.words(Role.USER), asked.words(Role.ASSISTANT))
            finally:
                del self._asked[name]
                self._question = None

    @staticmethod
    async def _reply(question: _Question) -> None:
        try:
            async with asyncio.timeout(_BEGINS_S):
                await question.begun.wait()
        except TimeoutError:
            return  # the box cannot listen: it is muted, or was told to be silent
        await question.over
