"""Recorded people over the answer, on the virtual card: a cough costs none of it, and a remark cuts it."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.facts import NearSpeechConfirmed, PlaybackStarted
from edgevoice.core.orders import CutPlayback, DuckPlayback, RestorePlayback, ResumePlayback
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Expect, Script, ScriptedSession, TurnStep
from edgevoice.local.server import LocalService
from edgevoice.realtime.endpoint import local
from edgevoice.testbed.bench.recordings import load
from edgevoice.testbed.stage.room import scaled
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.virtual import AcousticPath
from edgevoice.testbed.virtual.room import synthetic_response
from tests.e2e.quick_box import OneQuestion
from tests.waiting import eventually

pytestmark = pytest.mark.sound

SOUNDS = Path(__file__).parents[1] / "data" / "sounds"
COUGH = SOUNDS / "noises" / "cough" / "hedgewars-Default-PoisonCough.wav"
REMARK = SOUNDS / "near" / "asterisk-it-it_IT_m_Carlo-please-try-again.wav"

TALK_GPIO = 23
STORY = "Once upon a time a box stood on a shelf, and told a story to everybody who asked it for one. " * 3

ROOM = AcousticPath(synthetic_response(3, gain_db=-12), delay_ms=35)
"""Microphone and speaker in one case: what is played comes back 12 dB fainter."""

LEARNED_S = 2.5
"""How long the box has talked before anybody else does: the canceller has learned the room."""

FADED_S = 0.4
"""How long after its end a cough may be taken for something."""


def sound(stage: Stage, recording: Path, dbfs: float) -> float:
    """Play a recording in the room; return its duration."""
    samples = scaled(load(recording), dbfs).clip(-32_768, 32_767).astype(np.int16)
    stage.card.speak(samples)
    return len(samples) / 16_000


def count(stage: Stage, kind: type) -> int:
    return sum(1 for _ in stage.seen.all_of(kind))


async def nothing_to_prepare() -> None:
    """Do nothing: the service is already running."""


def test_a_recorded_cough_loses_nothing_of_the_answer_and_a_recorded_remark_silences_it(tmp_path: Path) -> None:
    socket = tmp_path / "service.sock"
    told = (Expect("session.update"), TurnStep("tell me a story"), AnswerStep(STORY), Expect("close"))
    service = LocalService(
        unix_path=socket, behaviour=Opponent(script=Script((ScriptedSession(told),))), recogniser=OneQuestion()
    )

    async def act(stage: Stage) -> None:
        stage.pins.press(TALK_GPIO)
        stage.pins.release(TALK_GPIO)
        await stage.seen.wait_for(PlaybackStarted, "the story", 10)
        await asyncio.sleep(LEARNED_S)
        await eventually(lambda: stage.parts.echo is not None and stage.parts.echo.reference.is_settled)
        stage.seen.mark()

        await asyncio.sleep(sound(stage, COUGH, -30) + FADED_S)
        cuts = count(stage, CutPlayback)
        if cuts:
            await stage.seen.wait_for(ResumePlayback, "the rest of the story", 2)
        assert cuts == count(stage, ResumePlayback)
        assert count(stage, DuckPlayback) <= count(stage, RestorePlayback) + cuts, "it is as loud as before"
        assert not stage.parts.speaker.is_silent

        sound(stage, REMARK, -26)
        await stage.seen.wait_for(NearSpeechConfirmed, "the remark over the story", 2)
        assert count(stage, CutPlayback) == cuts + 1

    async def run() -> None:
        at = lambda: local(socket, nothing_to_prepare)  # noqa: E731 - one endpoint for each dial
        changes = {"echo": {"tier": "suppressor"}}
        async with service, set_stage(tmp_path, changes=changes, endpoint=at, room=ROOM, wants_wakeword=False) as stage:
            await act(stage)

    asyncio.run(run())
