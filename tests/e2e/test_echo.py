"""The box in a room that echoes: it yields to a person, not to itself nor to a cough; on the virtual card."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.core.facts import LinkOpened, NearSpeechConfirmed, PlaybackStarted, UserStartedSpeaking, WakeWordHeard
from edgevoice.core.notices import PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CutPlayback, DuckPlayback, RestorePlayback, SendToolOutput, TruncateItem
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse
from edgevoice.testbed.virtual import AcousticPath
from edgevoice.testbed.virtual.room import synthetic_response

pytestmark = pytest.mark.sound

TALK_GPIO = 23
QUESTION, STORY, DAY, WAKE = "What time is it?", "Tell me a story.", "What day is it today?", "Hey Jarvis."

ROOM = AcousticPath(synthetic_response(3, gain_db=-12), delay_ms=35)
"""Microphone and speaker in one case: what is played comes back 12 dB fainter."""


def in_a_room(folder: Path, tier: str, act: Callable[[Stage], Awaitable[None]], *, watched_s: float = 5) -> None:
    async def run() -> None:
        await rehearse(QUESTION, STORY, DAY, WAKE)
        changes: dict[str, dict[str, Any]] = {"echo": {"tier": tier}}
        async with set_stage(folder, changes=changes, room=ROOM) as stage:
            # A canceller must have observed both clocks for seconds; a box on a shelf has done so for days.
            await asyncio.sleep(watched_s)
            await act(stage)

    asyncio.run(run())


async def hear_a_story(stage: Stage) -> float:
    stage.pins.press(TALK_GPIO)
    stage.pins.release(TALK_GPIO)
    await stage.seen.wait_for(LinkOpened, "the session", 20)
    await stage.talker.say(0.2, STORY, 0.3)
    begun_s, _ = await stage.seen.wait_for(PlaybackStarted, "the story", 20)
    return begun_s


def kinds_since(stage: Stage, moment_s: float, *kinds: type) -> list[type]:
    return [type(note.notice) for note in stage.seen.notes if note.at_s > moment_s and isinstance(note.notice, kinds)]


def test_a_box_without_echo_cancelling_would_interrupt_itself_in_this_room(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await hear_a_story(stage)
        await stage.seen.wait_for(CutPlayback, "the box interrupting itself", 10)

    # "hardware" relies on the device to cancel the echo: this one does not.
    in_a_room(tmp_path, "hardware", act, watched_s=0)


@pytest.mark.few
@pytest.mark.long(66)
def test_a_box_that_cancels_its_echo_finishes_its_story_and_a_cough_loses_nothing_of_it(tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    cough = (chance.standard_normal(4000) * 4000 * np.hanning(4000)).astype(np.int16)

    async def act(stage: Stage) -> None:
        begun_s = await hear_a_story(stage)
        await asyncio.sleep(4)
        assert not kinds_since(stage, begun_s, UserStartedSpeaking)
        stage.seen.mark()
        stage.card.speak(cough)
        ducked_s, _ = await stage.seen.wait_for(DuckPlayback, "the duck", 2)
        restored_s, _ = await stage.seen.wait_for(RestorePlayback, "the full volume", 2)
        assert restored_s - ducked_s < 1
        await stage.seen.wait_for(
            PhaseEntered, "the end of the story", 60, lambda entered: entered.phase == "listening"
        )
        assert not kinds_since(stage, begun_s, CutPlayback, NearSpeechConfirmed)
        # The service may mistake the cough itself for speech, but nothing else.
        assert not kinds_since(stage, restored_s + 1, UserStartedSpeaking)

    in_a_room(tmp_path, "suppressor", act)


@pytest.mark.long(15)
def test_the_box_yields_to_a_person_who_speaks_over_it_and_understands_them(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await hear_a_story(stage)
        await asyncio.sleep(4)
        stage.seen.mark()
        await stage.talker.say(DAY, 0.5)
        await stage.seen.wait_for(NearSpeechConfirmed, "speech over the story", 3)
        await stage.seen.wait_for(TruncateItem, "the truncation", 5)
        _, words = await stage.seen.wait_for(
            TranscriptChanged, "the words", 10, lambda said: said.role is Role.USER and said.is_final
        )
        assert "day" in words.text.lower()
        await stage.seen.wait_for(SendToolOutput, "the clock's answer", 20)
        await stage.seen.wait_for(PlaybackStarted, "the answer", 20)

    in_a_room(tmp_path, "suppressor", act)


@pytest.mark.long(17)
def test_the_wake_word_is_heard_over_the_story_and_the_question_after_it_is_understood(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await hear_a_story(stage)
        await asyncio.sleep(4)
        stage.seen.mark()
        saying = asyncio.create_task(stage.talker.say(WAKE, 0.3, DAY, 0.5))
        await stage.seen.wait_for(WakeWordHeard, "the wake word over the story", 6)
        await stage.seen.wait_for(CutPlayback, "the cut", 1)
        await saying
        await stage.seen.wait_for(SendToolOutput, "the clock's answer", 20)
        await stage.seen.wait_for(PlaybackStarted, "the answer", 20)

    in_a_room(tmp_path, "linear", act)
