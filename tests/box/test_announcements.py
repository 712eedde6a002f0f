"""Programs speak through the box, and hear how that ended and what was replied."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from edgevoice.box.announcements import Announcements, Ended, QuestionAnswered
from edgevoice.core.announcements import (
    Announcement,
    AnnouncementDue,
    AnnouncementOutcome,
    AnnouncementWithdrawn,
    Priority,
)
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Event
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import PlayClip, ReportAnnouncement
from tests import virtual_time

SOUND = np.zeros(3, np.int16)
PLAYED = ReportAnnouncement("program-1", AnnouncementOutcome.PLAYED)
LISTENS = (PhaseEntered(Phase.CONNECTING), PhaseEntered(Phase.LISTENING))


def said(role: Role, text: str, item: str = "i") -> TranscriptChanged:
    return TranscriptChanged(role, f"{role}{item}", text, is_final=True)


class Box:
    """Announcements with a speaker that only keeps clips, and a conversation that the test plays."""

    def __init__(self) -> None:
        self.clips: dict[str, int] = {}
        self.facts: list[Event] = []
        self.announcements = Announcements(self, self.facts.append)

    def learn_clip(self, clip_id: str, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        self.clips[clip_id] = len(samples)

    def forget_clip(self, clip_id: str) -> None:
        del self.clips[clip_id]

    def sees(self, *notices: Notice) -> None:
        for notice in notices:
            self.announcements.observe(notice, 0.0)


def test_what_is_said_has_its_sound_until_it_is_over() -> None:
    async def scene() -> Ended:
        box = Box()
        saying = asyncio.ensure_future(box.announcements.say(SOUND, priority=Priority.ANNOUNCEMENT, has_chime=True))
        await asyncio.sleep(0)
        due = Announcement("program-1", "program-1", Priority.ANNOUNCEMENT, has_chime=True)
        assert box.facts == [AnnouncementDue(due)]
        assert box.clips == {"program-1": 3}
        box.sees(ReportAnnouncement("another", AnnouncementOutcome.PLAYED))
        box.sees(ReportAnnouncement("program-1", AnnouncementOutcome.CUT, 740), PLAYED)
        ended = await saying
        assert box.clips == {}
        return ended

    assert virtual_time.run(scene()) == Ended(AnnouncementOutcome.CUT, 740)


def test_whoever_no_longer_wants_it_said_withdraws_it() -> None:
    async def scene() -> Event:
        box = Box()
        saying = asyncio.ensure_future(box.announcements.say(SOUND))
        await asyncio.sleep(0)
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        assert box.clips == {}
        return box.facts[-1]

    assert virtual_time.run(scene()) == AnnouncementWithdrawn("program-1")


def asked(play: Callable[[Box], None]) -> tuple[Box, QuestionAnswered]:
    """Ask something; ``play`` is what happens then."""

    async def scene() -> tuple[Box, QuestionAnswered]:
        box = Box()
        asking = asyncio.ensure_future(box.announcements.ask("Tea?", SOUND, has_chime=True))
        await asyncio.sleep(0)
        play(box)
        return box, await asking

    return virtual_time.run(scene())


def test_a_question_returns_what_was_understood_and_answered() -> None:
    def play(box: Box) -> None:
        (due,) = box.facts
        assert isinstance(due, AnnouncementDue)
        assert due.announcement.listens
        box.sees(PhaseEntered(Phase.CONNECTING), said(Role.USER, "of another conversation"))
        assert box.announcements.asked() == []
        box.sees(PhaseEntered(Phase.IDLE), PlayClip("program-1"), PLAYED, *LISTENS)
        assert box.announcements.asked() == [(Role.ASSISTANT, "Tea?")]
        box.sees(said(Role.USER, "ye"), said(Role.USER, "yes please"))
        assert box.announcements.asked() == []
        box.sees(PhaseEntered(Phase.THINKING), PhaseEntered(Phase.SPEAKING), said(Role.ASSISTANT, "It is"))
        box.sees(said(Role.ASSISTANT, "coming.", "j"), PhaseEntered(Phase.LISTENING), PhaseEntered(Phase.IDLE))

    box, answered = asked(play)

    assert answered == QuestionAnswered(Ended(AnnouncementOutcome.PLAYED), "yes please", "It is coming.")
    assert box.announcements.asked() == []


def test_the_context_of_a_question_precedes_it_and_is_marked_as_not_spoken() -> None:
    async def scene() -> None:
        box = Box()
        asking = asyncio.ensure_future(box.announcements.ask("Open it?", SOUND, context="A courier is at the door."))
        await asyncio.sleep(0)
        box.sees(PlayClip("program-1"), PLAYED, *LISTENS)
        assert box.announcements.asked() == [
            (Role.USER, "[Not spoken, for your information: A courier is at the door.]"),
            (Role.ASSISTANT, "Open it?"),
        ]
        box.sees(PhaseEntered(Phase.IDLE))
        await asking

    virtual_time.run(scene())


def test_a_question_that_is_spoken_over_is_answered_all_the_same() -> None:
    def play(box: Box) -> None:
        box.sees(PlayClip("program-1"), PhaseEntered(Phase.CONNECTING))
        box.sees(ReportAnnouncement("program-1", AnnouncementOutcome.CUT, 300), PhaseEntered(Phase.LISTENING))
        box.sees(said(Role.USER, "yes"), PhaseEntered(Phase.THINKING), PhaseEntered(Phase.LISTENING))

    _, answered = asked(play)

    assert answered == QuestionAnswered(Ended(AnnouncementOutcome.CUT, 300), "yes", "")


@pytest.mark.parametrize(
    "then", [(*LISTENS, PhaseEntered(Phase.IDLE)), ()], ids=["nobody replies", "the box does not listen"]
)
def test_without_a_reply_nothing_was_understood(then: tuple[Notice, ...]) -> None:
    _, answered = asked(lambda box: box.sees(PlayClip("program-1"), PLAYED, *then))

    assert answered == QuestionAnswered(Ended(AnnouncementOutcome.PLAYED))


def test_a_question_that_was_not_asked_has_no_reply() -> None:
    _, answered = asked(lambda box: box.sees(ReportAnnouncement("program-1", AnnouncementOutcome.NO_SPEAKER)))

    assert answered == QuestionAnswered(Ended(AnnouncementOutcome.NO_SPEAKER))


def test_questions_are_asked_one_after_the_other() -> None:
    async def scene() -> int:
        box = Box()
        asking = [asyncio.ensure_future(box.announcements.ask("Tea?", SOUND)) for _ in range(2)]
        await asyncio.sleep(0.1)
        begun = len(box.facts)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        return begun

    assert virtual_time.run(scene()) == 1
