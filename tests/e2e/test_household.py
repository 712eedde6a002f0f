"""The box as other programs use it, heard on the tape: a timer rings on time, and a question is asked and answered."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box.context import BoxContext
from edgevoice.control.client import Client
from edgevoice.control.place import ControlPlace
from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.facts import LinkOpened
from edgevoice.core.notices import RingingBegan, RingingEnded
from edgevoice.core.orders import PlayClip
from edgevoice.settings.schema import Settings
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse

pytestmark = pytest.mark.sound

LIMIT_S = 30.0
LOUD = 20


@asynccontextmanager
async def controlled(folder: Path) -> AsyncIterator[tuple[Stage, Client]]:
    """Yield a box without a wake word and a program that is connected to it."""
    socket = folder / "control.sock"

    def equip(_settings: Settings, context: BoxContext) -> BoxContext:
        return replace(context, control=ControlPlace(socket, None))

    async with set_stage(folder, wants_wakeword=False, equip=equip) as stage, Client(socket) as box:
        yield stage, box


def test_a_timer_that_a_program_sets_is_heard_on_time_until_the_stop_word(tmp_path: Path) -> None:
    async def live() -> None:
        async with controlled(tmp_path) as (stage, box):
            await box.timers("set_timer", seconds=1)
            due_s = time.monotonic() + (await stage.parts.alarms.rings())[0].left_s(stage.parts.alarms.now())
            await stage.seen.wait_for(RingingBegan, "the ring", LIMIT_S)
            assert (await box.status())["ringing"]
            await asyncio.sleep(0.4)
            stage.parts.mailbox.report(StopWordHeard())
            await stage.seen.wait_for(RingingEnded, "the end of the ring", LIMIT_S)
            stopped_s = time.monotonic()
            await asyncio.sleep(0.5)
            tape = stage.card.far_end
            began_s = tape.first_sound_after(due_s - 0.5, LOUD)
            assert began_s is not None
            assert began_s - due_s == pytest.approx(0.0, abs=0.1)
            assert tape.first_sound_after(stopped_s + 0.1, LOUD) is None
            assert await stage.parts.alarms.rings() == []

    asyncio.run(live())


def test_a_question_of_a_program_is_heard_and_its_reply_understood_and_answered(tmp_path: Path) -> None:
    async def live() -> None:
        await rehearse("What time is it?")
        async with controlled(tmp_path) as (stage, box):
            asking = asyncio.create_task(box.ask("Anything else?"))
            asked_s, _ = await stage.seen.wait_for(PlayClip, "the question", LIMIT_S)
            await stage.seen.wait_for(LinkOpened, "the session for the reply", LIMIT_S)
            heard = stage.card.far_end
            question = heard.samples(heard.frame_at(asked_s)).astype(np.int32)
            assert np.abs(question).max() > 2000
            await stage.talker.say(0.3, "What time is it?", 0.5)
            answer = await asyncio.wait_for(asking, LIMIT_S)
            assert "what time is it" in answer["understood"].lower()
            assert answer["answered"].startswith("It is ")

    asyncio.run(live())
