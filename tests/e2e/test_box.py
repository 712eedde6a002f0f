"""The box in a kitchen: interrupted without echo cancelling, muted, pressed, unplugged; on the virtual card."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.facts import Device, DeviceLost, DeviceRestored, PlaybackStarted, TalkPressed, WakeWordHeard
from edgevoice.core.notices import PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CloseLink, CutPlayback, Light, SendToolOutput, ShowLight, TruncateItem
from edgevoice.testbed.demo.figures import read_wav
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse

pytestmark = pytest.mark.sound

TALK_GPIO, MUTE_GPIO, LISTENING_GPIO = 23, 24, 17


def on_stage(folder: Path, act: Callable[[Stage], Awaitable[None]], **changes: dict[str, object]) -> None:
    async def run() -> None:
        await rehearse("Hey Jarvis.", "Tell me a story.", "What day is it today?", "What time is it?")
        async with set_stage(folder, changes=changes) as stage:
            await act(stage)

    asyncio.run(run())


async def light(stage: Stage, wanted: Light, limit_s: float = 15) -> None:
    await stage.seen.wait_for(ShowLight, f"the light {wanted}", limit_s, lambda order: order.light is wanted)


async def ask_for_a_story(stage: Stage) -> None:
    await stage.talker.say(0.2, "Hey Jarvis.", 0.3, "Tell me a story.", 0.2)
    await stage.seen.wait_for(PlaybackStarted, "the story", 20)


@pytest.mark.few
def test_a_box_that_hears_itself_sends_zeros_while_it_speaks_and_yields_to_the_wake_word(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await ask_for_a_story(stage)
        await asyncio.sleep(1.5)
        # Speech alone does not reach the service now: it could be the box's own.
        await stage.talker.say("What time is it?", 0.5)
        # What is heard from shortly before the wake word is decided on will be sent. With the end of these words in it,
        # the service would not be sure enough of the question to answer it.
        await asyncio.sleep(1.2)
        assert not list(stage.seen.all_of(CutPlayback))

        saying = asyncio.create_task(stage.talker.say("Hey Jarvis.", 0.3, "What day is it today?", 0.2))
        await stage.seen.wait_for(WakeWordHeard, "the wake word over the story", 10)
        await stage.seen.wait_for(CutPlayback, "the cut", 1)
        await stage.seen.wait_for(TruncateItem, "the truncation", 5)
        await saying
        await stage.seen.wait_for(SendToolOutput, "the clock's answer", 20)
        await stage.seen.wait_for(PlaybackStarted, "the answer", 20)

    on_stage(tmp_path, act, echo={"tier": "none"})

    heard = read_wav(tmp_path / "service" / "uplink-1.wav")
    # The story played for more than two seconds, and the room is never that quiet.
    assert np.count_nonzero(heard == 0) > 2 * 24_000


def test_a_muted_box_hears_nothing_and_its_light_shows_it(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pins.press(MUTE_GPIO)
        await light(stage, Light.MUTED)
        stage.pins.release(MUTE_GPIO)
        await stage.talker.say("Hey Jarvis.", 1.0)
        assert not list(stage.seen.all_of(WakeWordHeard))

        stage.pins.press(MUTE_GPIO)
        await light(stage, Light.IDLE)
        await stage.talker.say("Hey Jarvis.", 0.5)
        await stage.seen.wait_for(WakeWordHeard, "the wake word after the mute", 10)

    on_stage(tmp_path, act)


def test_the_talk_button_opens_and_interrupts_and_hangs_up_when_held(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pins.press(TALK_GPIO)
        pressed_s, _ = await stage.seen.wait_for(TalkPressed, "the press", 5)
        await light(stage, Light.LISTENING)
        assert stage.pins.is_high(LISTENING_GPIO)
        stage.pins.release(TALK_GPIO)
        await stage.talker.say(0.2, "Tell me a story.", 0.2)
        await stage.seen.wait_for(PlaybackStarted, "the story", 20)
        await asyncio.sleep(1)

        stage.pins.press(TALK_GPIO)
        await stage.seen.wait_for(CutPlayback, "the cut", 2)
        await stage.seen.wait_for(TruncateItem, "the truncation", 2)
        await light(stage, Light.IDLE)  # still held: it hangs up
        await stage.seen.wait_for(CloseLink, "the hang-up", 2)
        stage.pins.release(TALK_GPIO)
        assert not stage.pins.is_high(LISTENING_GPIO)
        assert pressed_s

    on_stage(tmp_path, act)


def test_a_card_that_is_unplugged_in_mid_story_is_used_again_when_it_comes_back(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await ask_for_a_story(stage)
        await asyncio.sleep(1)
        stage.card.unplug()
        lost = {(await stage.seen.wait_for(DeviceLost, "the loss", 3))[1].device for _ in Device}
        assert lost == set(Device)
        await stage.seen.wait_for(PhaseEntered, "the end", 3, lambda entered: entered.phase == "idle")

        stage.card.plug_in()
        restored = {(await stage.seen.wait_for(DeviceRestored, "the return", 8))[1].device for _ in Device}
        assert restored == set(Device)
        await light(stage, Light.IDLE)
        await stage.talker.say(0.5, "Hey Jarvis.", 0.3, "What time is it?", 0.2)
        await stage.seen.wait_for(
            TranscriptChanged,
            "the question",
            20,
            lambda words: words.role is Role.USER and "time" in words.text.lower(),
        )
        await stage.seen.wait_for(PlaybackStarted, "the answer", 20)

    on_stage(tmp_path, act)
