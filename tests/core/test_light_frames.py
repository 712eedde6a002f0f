from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.light_frames import (
    FRAME_S,
    LEAST_LIVE_BRIGHTNESS,
    SHOWN_BY_NIGHT_S,
    Colour,
    apa102,
    brightness_of,
    frame_at,
    seconds_to_next_frame,
)
from edgevoice.core.lights import LIVE_LIGHTS, LONGEST_DARK_S, PROVISIONAL_LIGHTS
from edgevoice.core.orders import Light
from tests.core.test_lights import SHOWN

SIZES = [1, 2, 3, 12]
LEVELS = st.floats(0, 1).map(lambda level: round(level, 4))


def levels(pixels: int, light: Light, reason: str, until_s: float = 12.0) -> list[tuple[float, tuple[float, ...]]]:
    """Return when the brightness of the pixels changes, by following ``seconds_to_next_frame``."""
    found: list[tuple[float, tuple[float, ...]]] = []
    now = 0.0
    while now < until_s:
        shown = tuple(round(colour.level, 2) for colour in frame_at(pixels, light, reason, now))
        if not found or found[-1][1] != shown:
            found.append((round(now, 2), shown))
        wait_s = seconds_to_next_frame(pixels, light, reason, now)
        if wait_s is None:
            break
        assert wait_s > 0
        now += max(wait_s, 1e-4)
    return found


@pytest.mark.parametrize("pixels", SIZES)
def test_any_two_lights_differ_by_rhythm_alone(pixels: int) -> None:
    seen = {(light, reason): levels(pixels, light, reason) for light, reason in SHOWN}

    for first, second in combinations(SHOWN, 2):
        if {first[0], second[0]} != {Light.OFF, Light.IDLE}:
            assert seen[first] != seen[second], (first, second)


@pytest.mark.parametrize("pixels", SIZES)
@pytest.mark.parametrize("light", sorted(LIVE_LIGHTS))
def test_while_audio_may_leave_no_darkness_is_long(pixels: int, light: Light) -> None:
    dark_since = None
    for at, shown in levels(pixels, light, ""):
        if max(shown) == 0:
            dark_since = at if dark_since is None else dark_since
        elif dark_since is not None:
            assert at - dark_since <= LONGEST_DARK_S
            dark_since = None
    assert dark_since is None or dark_since > 11


@pytest.mark.parametrize("pixels", SIZES)
def test_every_change_is_announced(pixels: int) -> None:
    for light, reason in SHOWN:
        changes = levels(pixels, light, reason, until_s=3.0)
        for tick in range(299):
            now = tick / 100 + 0.005
            shown = tuple(round(colour.level, 2) for colour in frame_at(pixels, light, reason, now))
            announced = [frame for at, frame in changes if at <= now][-1]
            if light is Light.SPEAKING and pixels > 1:
                assert shown == pytest.approx(announced, abs=0.1)
            else:
                assert shown == announced, (light, now)


@pytest.mark.parametrize("pixels", SIZES)
def test_a_dark_light_never_moves_and_none_moves_faster_than_its_frames(pixels: int) -> None:
    assert seconds_to_next_frame(pixels, Light.IDLE, "", 0.0) is None
    assert not any(any(colour) for colour in frame_at(pixels, Light.IDLE, "", 0.0))
    gaps = [
        later - at for frames in (levels(pixels, *each) for each in SHOWN) for (at, _), (later, _) in pairwise(frames)
    ]
    assert min(gaps) >= FRAME_S - 0.01


def test_a_fault_that_passes_by_itself_has_another_colour_than_one_that_does_not() -> None:
    assert frame_at(1, Light.FAULT, "service-unreachable", 0.0) != frame_at(1, Light.FAULT, "key-refused", 0.0)


@pytest.mark.parametrize("light", sorted(Light))
def test_while_audio_may_leave_the_light_is_visible_whatever_the_settings_say(light: Light) -> None:
    by_night = brightness_of(light, by_day=0.0, by_night=0.0, is_night=True, shown_s=60)

    assert by_night == (LEAST_LIVE_BRIGHTNESS if light in LIVE_LIGHTS | PROVISIONAL_LIGHTS else 0.0)


def test_a_change_at_night_is_shown_as_by_day_for_a_while() -> None:
    def at(shown_s: float, *, is_night: bool = True) -> float:
        return brightness_of(Light.MUTED, by_day=0.8, by_night=0.05, is_night=is_night, shown_s=shown_s)

    assert at(0.0) == at(SHOWN_BY_NIGHT_S - 0.1) == 0.8
    assert at(SHOWN_BY_NIGHT_S) == 0.05
    assert at(60, is_night=False) == 0.8


@given(st.lists(st.tuples(LEVELS, LEVELS, LEVELS), min_size=1, max_size=60))
def test_a_strip_gets_a_start_every_pixel_and_enough_clocks(colours: list[tuple[float, float, float]]) -> None:
    frame = [Colour(*each) for each in colours]
    sent = apa102(frame)

    assert sent[:4] == bytes(4)
    for place, colour in enumerate(frame):
        flag, blue, green, red = sent[4 + 4 * place : 8 + 4 * place]
        assert flag == 0xFF
        assert [bool(blue), bool(green), bool(red)] == [bool(colour.blue), bool(colour.green), bool(colour.red)]
    rest = sent[4 + 4 * len(frame) :]
    assert not any(rest)
    assert 8 * len(rest) >= 32 + len(frame) / 2 - 8
