"""A persona that speech chooses: the service learns of it when its announcement has been heard, or was interrupted."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import PlaybackCut, PlaybackDrained, ResponseEnded, TalkPressed
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Call, Expect, Script, ScriptedSession, TurnStep
from edgevoice.personas.personas import Personas, Shelf
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.speaking import SpeakingPersona
from edgevoice.personas.state import PersonaState
from tests import virtual_time
from tests.e2e.quick_box import QuickBox, quick_box
from tests.waiting import eventually

ANNOUNCEMENT = "Aye from now on I am a pirate and I speak like one."


class InMemory(Personas):
    """Keeps everything in memory: a database has a thread, and virtual time waits for threads."""

    def __init__(self) -> None:
        super().__init__("/nonexistent")
        self.now = Shelf(PersonaState(), PRESETS)

    async def shelf(self) -> Shelf:
        return self.now

    async def change(self, change: Callable[[Shelf], PersonaState]) -> Shelf:
        self.now = Shelf(change(self.now), PRESETS)
        return self.now


def pirate(*announced: AnswerStep | Expect, further: tuple[object, ...] = ()) -> Opponent:
    """Return a service that becomes a pirate by a tool, and announces it."""
    steps = (
        Expect("session.update"),
        TurnStep("be a pirate"),
        AnswerStep("One moment.", calls=(Call("set_persona", '{"name": "pirate"}'),)),
        Expect("conversation.item.create"),
        Expect("response.create"),
        *announced,
        *further,
        Expect("close"),
    )
    return Opponent(script=Script((ScriptedSession(steps),)))  # type: ignore[arg-type]  # the steps of a test


def updates(box: QuickBox) -> list[dict[str, object]]:
    return [event["session"] for event in box.wire("client") if event["type"] == "session.update"]


def test_the_service_becomes_the_persona_when_the_announcement_has_been_heard(tmp_path: Path) -> None:
    speaking = SpeakingPersona(InMemory())
    opponent = pirate(AnswerStep(ANNOUNCEMENT), Expect("session.update"))

    async def scene() -> None:
        policy = Policy(hears_itself=False, follow_up_s=1)
        async with quick_box(tmp_path, opponent, policy, speaking) as box:
            box.engine.report(TalkPressed(box.ears.position))
            await box.happens(ResponseEnded, 2)
            assert speaking.wanted.persona.name == "pirate"
            assert box.all_of(PlaybackDrained) == []
            assert len(updates(box)) == 1
            await box.happens(PlaybackDrained)
            await eventually(lambda: len(updates(box)) == 2)
            async with asyncio.timeout(20):
                await opponent.over()
            await eventually(lambda: box.phase is Phase.IDLE)
            first, change = updates(box)
            assert set(change) == {"type", "instructions"}
            assert str(change["instructions"]).startswith(str(first["instructions"])[:40])
            assert "pirate captain" in str(change["instructions"])

    virtual_time.run(scene())


def test_an_interruption_of_the_announcement_makes_it_the_persona_at_once(tmp_path: Path) -> None:
    speaking = SpeakingPersona(InMemory())
    opponent = pirate(
        AnswerStep(ANNOUNCEMENT * 8),
        further=(
            TurnStep("stop", until="started"),
            Expect("session.update"),
            Expect("conversation.item.truncate"),
        ),
    )

    async def scene() -> None:
        policy = Policy(hears_itself=False, follow_up_s=1)
        async with quick_box(tmp_path, opponent, policy, speaking) as box:
            box.engine.report(TalkPressed(box.ears.position))
            await box.happens(PlaybackCut)
            await eventually(lambda: len(updates(box)) == 2)
            (cut,) = box.all_of(PlaybackCut)
            assert 0 < cut.items[-1].heard_ms < cut.items[-1].received_ms

    virtual_time.run(scene())
