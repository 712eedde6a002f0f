"""Lights, level and scores are sampled only while a client wants them."""

import asyncio
from pathlib import Path
from typing import Any

from edgevoice.integrations.control.live import LiveStream
from tests import virtual_time
from tests.integrations.control.conftest import Sampled, line_to, stand_in


def test_nothing_is_sampled_before_a_client_watches_live_and_after_it_has_left(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int, int, int]:
        async with stand_in(tmp_path) as box:
            async with line_to(box.place) as line:
                assert (await line.ask(b'{"do": "watch", "words": true}'))["ok"]
                await asyncio.sleep(10)
                before = box.sampled.looks
                assert (await line.ask(b'{"do": "watch", "live": true}'))["ok"]
                await asyncio.sleep(1)
                watched = box.sampled.looks
            await asyncio.sleep(1)
            left = box.sampled.looks
            await asyncio.sleep(60)
            return before, watched, left, box.sampled.looks

    before, watched, left, later = virtual_time.run(scene())

    assert before == 0
    assert watched == 26  # 25 a second
    assert left <= watched + 2
    assert later == left


def test_the_level_comes_12_times_a_second_and_the_lights_when_they_change(tmp_path: Path) -> None:
    async def scene() -> list[dict[str, Any]]:
        async with stand_in(tmp_path) as box, line_to(box.place) as line:
            assert (await line.ask(b'{"do": "watch", "live": true}'))["ok"]
            found = [await line.read() for _ in range(4)]
            box.sampled.lamps = []
            return found + [await line.read() for _ in range(3)]

    events = virtual_time.run(scene())

    assert [event["event"] for event in events] == ["lights", "level", "level", "level", "lights", "level", "level"]
    assert events[0]["lamps"] == [{"leds": ["listening"], "pixels": [[1.0, 1.0, 1.0]]}]
    assert events[1]["words"] == [{"word": "hey_jarvis", "score": 0.25, "threshold": 0.5}]
    assert events[4]["lamps"] == []


def test_a_second_client_is_sent_the_lights_although_they_have_not_changed(tmp_path: Path) -> None:
    async def scene() -> str:
        async with stand_in(tmp_path) as box, line_to(box.place) as first, line_to(box.place) as second:
            await first.ask(b'{"do": "watch", "live": true}')
            assert (await first.read())["event"] == "lights"
            await second.ask(b'{"do": "watch", "live": true}')
            seen = {(await second.read())["event"] for _ in range(2)}
            return " ".join(sorted(seen))

    assert virtual_time.run(scene()) == "level lights"


def test_what_is_stopped_samples_nothing_more_and_can_be_stopped_before_it_began() -> None:
    async def scene() -> tuple[int, int]:
        box = Sampled()
        stream = LiveStream(box, lambda _name, _fields: True)
        stream.stop()
        stream.start()
        await asyncio.sleep(0.1)
        stream.stop()
        looks = box.looks
        await asyncio.sleep(1)
        return looks, box.looks

    looks, later = virtual_time.run(scene())

    assert looks == later == 3
