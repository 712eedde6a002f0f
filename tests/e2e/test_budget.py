"""A box whose minutes run out, with a card, a network service and a state folder: it says so, offline."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box.context import BoxContext, Storage
from edgevoice.box.running import serve
from edgevoice.box.sayings import wanted
from edgevoice.box.spoken import Samples, make
from edgevoice.core.notices import Notice
from edgevoice.core.orders import Earcon, Light, OpenLink, ShowLight
from edgevoice.observers import minutes as minutes_module
from edgevoice.observers.minutes import FILE_NAME, Minutes
from edgevoice.panel.mock import MockPins
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.testbed.stage.stage import stage_settings
from edgevoice.testbed.virtual import VirtualCard
from tests.noting import Noting
from tests.realtime.services import Service
from tests.waiting import eventually

pytestmark = pytest.mark.sound

TALK_GPIO = 23
SAID_S = 1.25
TODAY = date(2026, 11, 22)


class Hum:
    """A voice that hums every sentence for the same duration."""

    async def say(self, _sentence: str) -> Samples:
        wave = np.sin(2 * np.pi * 300 * np.arange(round(SAID_S * 24_000)) / 24_000)
        return (wave * 20_000).astype(np.int16)


class Box:
    """A box with a limit of minutes, its state folder, and its own date."""

    def __init__(self, folder: Path, card: VirtualCard, daily_minutes: float) -> None:
        self.card = card
        self.pins = MockPins()
        self.seen: list[Notice] = []
        self.state = folder / "state"
        self.sayings = folder / "cache"
        self.date = TODAY
        self.daily_minutes = daily_minutes
        self.dials = 0
        asyncio.run(make(self.sayings, wanted(), Hum().say))

    def used_s(self) -> float:
        return float(json.loads((self.state / FILE_NAME).read_bytes())[self.date.isoformat()])

    def is_shown(self, earcon: Earcon) -> bool:
        return ShowLight(Light.FAULT, earcon.value) in self.seen

    async def press(self) -> None:
        """Press the talk button too briefly to hang up."""
        self.pins.press(TALK_GPIO)
        await asyncio.sleep(0.2)
        self.pins.release(TALK_GPIO)

    @asynccontextmanager
    async def running(self, url: str) -> AsyncIterator[None]:
        def dial() -> Endpoint:
            self.dials += 1
            return Endpoint(url)

        stop, listening = asyncio.Event(), asyncio.Event()
        settings = stage_settings({"conversation": {"no_speech_s": 2}, "budget": {"daily_minutes": self.daily_minutes}})
        minutes = Minutes(self.state, self.daily_minutes, today=lambda: self.date)
        storage = Storage(minutes=minutes, sayings=self.sayings)
        context = BoxContext(dial, (Noting(self.seen),), storage, pins=self.pins, wants_wakeword=False)
        daemon = asyncio.create_task(serve(settings, context, stop, lambda _parts: listening.set()))
        try:
            await eventually(listening.is_set)
            await eventually(lambda: bool(self.card.far_end_tapes))
            yield
        finally:
            stop.set()
            await daemon


@pytest.fixture
def card(tmp_path: Path) -> Iterator[VirtualCard]:
    with VirtualCard(tmp_path / "card") as card:
        card.install()
        yield card


def run(live: Callable[[], object]) -> None:
    async def within() -> None:
        async with asyncio.timeout(45):
            await live()  # type: ignore[misc]  # a coroutine function

    asyncio.run(within())


def test_a_box_whose_minutes_are_used_up_says_so_and_answers_again_the_next_day(
    tmp_path: Path, card: VirtualCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minutes_module, "TICK_S", 0.05)
    box = Box(tmp_path, card, daily_minutes=1)
    box.state.mkdir()
    (box.state / FILE_NAME).write_text(json.dumps({TODAY.isoformat(): 61}))

    async def live() -> None:
        async with box.running("ws://127.0.0.1:9/"):
            await box.press()
            await eventually(lambda: box.is_shown(Earcon.BUDGET_SPENT))
            await eventually(lambda: any(sound.ends_s - sound.starts_s > 1 for sound in card.far_end.sounds(1000)))
            assert card.far_end.sounds(1000)[-1].ends_s - card.far_end.sounds(1000)[0].starts_s < SAID_S + 0.1
            assert box.dials == 0

            box.date += timedelta(days=1)
            for _ in range(4):
                await asyncio.sleep(minutes_module.TICK_S)
            await box.press()
            await eventually(lambda: any(isinstance(notice, OpenLink) for notice in box.seen))

    run(live)


def test_minutes_that_run_out_in_a_session_end_it_and_are_remembered(tmp_path: Path, card: VirtualCard) -> None:
    box = Box(tmp_path, card, daily_minutes=1 / 60)

    async def live() -> None:
        async with Service().listening() as url:
            async with box.running(url):
                await box.press()
                await eventually(lambda: box.is_shown(Earcon.BUDGET_SPENT))
                await eventually((box.state / FILE_NAME).exists)
                assert box.used_s() == pytest.approx(2, abs=0.5)
            box.seen.clear()
            async with box.running(url):  # the box after a restart on the same day
                await box.press()
                await eventually(lambda: box.is_shown(Earcon.BUDGET_SPENT))
        assert box.dials == 1

    run(live)
