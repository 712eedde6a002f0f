"""Another program plays music on the box's own speaker; with the mix as its echo reference the box hears through it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.box.context import BoxContext
from edgevoice.core.facts import WakeWordHeard
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.mix import LOOKAHEAD, MixState
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.settings.schema import Settings
from edgevoice.testbed.bench.recordings import load
from edgevoice.testbed.stage.room import level_dbfs, scaled
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse, words
from edgevoice.testbed.virtual import AcousticPath
from edgevoice.testbed.virtual.loopback import LOOPBACK, Loopback
from edgevoice.testbed.virtual.room import synthetic_response
from tests.waiting import eventually

pytestmark = pytest.mark.sound

WAKE = "Hey Jarvis."
MUSIC = Path(__file__).parents[1] / "data" / "sounds" / "noises" / "music" / "music.flac"

ROOM = AcousticPath(synthetic_response(3, gain_db=-12), delay_ms=35)

_LEAD_S, _LENGTH_S = 2.5, 4.5
"""How long the music has played before the wake word, and in all."""

_SOFTER_DB = 12.0
"""How much softer the wake word is than the music at the microphone."""

_TALKS_LATER_S = 0.06
"""The room's delay, and a tick of either device: music is never heard before it is played."""


def music_in_the_room() -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Return what the other program plays, and what the microphone hears of it and of the wake word."""
    played = load(MUSIC)[-round(_LENGTH_S * 16_000) :]
    echo = np.convolve(played.astype(np.float64), ROOM.response.astype(np.float64))
    word = scaled(words(WAKE), level_dbfs(echo) - _SOFTER_DB)
    at = round(_LEAD_S * 16_000)
    echo[at : at + len(word)] += word
    late = np.zeros(round(_TALKS_LATER_S * 16_000))
    return played, np.clip(np.rint(np.concatenate([late, echo])), -32_768, 32_767).astype(np.int16)


def nowhere(folder: Path) -> Endpoint:
    async def nothing_to_prepare() -> None:
        """There is no service: the box only hears its wake word."""

    return local(folder / "no.sock", nothing_to_prepare)


@pytest.mark.alone
def test_the_wake_word_is_heard_under_music_and_a_loopback_that_goes_away_leaves_the_box_running(
    tmp_path: Path,
) -> None:
    notes: list[tuple[str, str]] = []

    def equip(_settings: Settings, context: BoxContext) -> BoxContext:
        return replace(context, note_echo_reference=lambda *note: notes.append(note))

    async def run() -> None:
        await rehearse(WAKE)
        changes: dict[str, dict[str, Any]] = {"echo": {"tier": "linear", "reference": LOOPBACK}}
        async with set_stage(
            tmp_path, changes=changes, endpoint=lambda: nowhere(tmp_path), room=ROOM, equip=equip
        ) as stage:
            with Loopback(stage.card.folder) as loopback:
                await listen(stage, loopback)
                loopback.unplug()
                await eventually(lambda: notes[-1][1] != "", 3)
                position = stage.parts.microphone.position
                await eventually(lambda: stage.parts.microphone.position > position, 2)

    asyncio.run(run())

    assert notes[-2:-1] == [(LOOPBACK, "")]


async def listen(stage: Stage, loopback: Loopback) -> None:
    assert stage.parts.echo is not None
    mix = stage.parts.echo.mix
    assert mix is not None
    await eventually(lambda: mix.state is MixState.USED, 8)
    played, heard = music_in_the_room()
    begin = stage.parts.microphone.position
    loopback.play(played)
    stage.card.speak(heard)
    await stage.seen.wait_for(WakeWordHeard, "the wake word under the music", 6)

    first, last = (begin + round((_TALKS_LATER_S + at_s) * 16_000) for at_s in (1.5, 2.3))
    raw = stage.card.near_end.samples(first, last)
    got, pcm = stage.parts.microphone.read(first + LOOKAHEAD * BLOCK)
    cleaned = np.frombuffer(pcm, "<i2")[: last - first]
    assert got == first + LOOKAHEAD * BLOCK
    assert level_dbfs(cleaned) < level_dbfs(raw) - 12
