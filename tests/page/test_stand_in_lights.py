"""A box without lights is shown with those that it would have, in the patterns of the core."""

import asyncio

from edgevoice.core.light_frames import frame_at
from edgevoice.core.orders import Light
from edgevoice.page.stand_in_lights import PIXELS, Lamps, StandInLights
from tests import virtual_time


def test_what_moves_is_played_and_what_is_steady_is_shown_once() -> None:
    async def scene() -> tuple[int, int, int]:
        shown: list[Lamps] = []
        lights = StandInLights(shown.append)
        lights.light("listening", "")
        lights.need(is_needed=True)
        await asyncio.sleep(10)
        steady = len(shown)
        lights.light("speaking", "")
        await asyncio.sleep(1)
        moving = len(shown) - steady
        lights.need(is_needed=False)
        await asyncio.sleep(10)
        colours = frame_at(PIXELS, Light.LISTENING, "", 0)
        assert shown[0] == [{"leds": [], "pixels": [[round(part, 3) for part in each] for each in colours]}]
        return steady, moving, len(shown)

    steady, moving, after = virtual_time.run(scene())

    assert steady == 1
    assert 24 <= moving <= 27
    assert after == steady + moving


def test_a_light_of_a_newer_box_changes_nothing_and_somebody_new_sees_what_is_lit() -> None:
    async def scene() -> list[Lamps]:
        shown: list[Lamps] = []
        lights = StandInLights(shown.append)
        lights.light("listening", "")
        lights.light("dancing", "")
        lights.need(is_needed=True)
        await asyncio.sleep(1)
        lights.need(is_needed=True)
        await asyncio.sleep(1)
        lights.need(is_needed=False)
        return shown

    first, again = virtual_time.run(scene())

    assert first == again
