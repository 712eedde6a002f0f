"""The lights, the level and the scores of a box, as they are at this moment."""

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest

from edgevoice.audio.microphone import Microphone
from edgevoice.box.live_box import QUIETEST_DB, SampledBox
from edgevoice.core.light_frames import Colour, Frame
from edgevoice.core.orders import Light
from edgevoice.panel.lamps import PixelLamp
from edgevoice.panel.lights import Brightness, Lights
from edgevoice.panel.none import NoPanel
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.detector import Detector, OwnVoice
from edgevoice.wakeword.scorer import Scorer
from edgevoice.wakeword.words import WakeWord


def microphone() -> Microphone:
    return Microphone(lambda _frame, _end: None, lambda: None)


def never() -> Scorer:
    raise AssertionError("no model is loaded here")


def hear(near: Microphone, amplitude: float, periods: int = 8) -> None:
    tone = amplitude * np.sin(2 * math.pi * 500 * np.arange(320) / 16_000)
    for _ in range(periods):
        near.callback(tone.astype("<i2").tobytes(), 320, None, 0)


def test_the_level_is_that_of_the_newest_sound_in_db_of_full_scale() -> None:
    near = microphone()
    box = SampledBox(NoPanel(), near, None)

    assert box.level() == {"level_db": QUIETEST_DB, "words": []}  # nothing was heard yet
    hear(near, 32_767)
    assert box.level()["level_db"] == pytest.approx(-3.0, abs=0.1)
    hear(near, 327)
    assert box.level()["level_db"] == pytest.approx(-43.0, abs=0.1)
    near.mute()
    hear(near, 32_767)
    assert box.level()["level_db"] == QUIETEST_DB


def test_each_wake_word_has_its_score_and_the_threshold_in_force() -> None:
    async def scene() -> object:
        words = [WakeWord("hey_jarvis", Path("hey_jarvis.onnx"), Thresholds(0.55))]
        detector = Detector(words, never, lambda _heard: None, OwnVoice(lambda: False))
        return SampledBox(NoPanel(), microphone(), detector).level()["words"]

    assert asyncio.run(scene()) == [{"word": "hey_jarvis", "score": 0.0, "threshold": 0.55}]


def test_the_lights_are_what_was_written_to_the_lamps_brightness_included() -> None:
    written: list[Frame] = []
    lights = Lights([PixelLamp(2, written.append, lambda: None)], brightness=Brightness(by_day=0.5))
    box = SampledBox(lights, microphone(), None)
    try:
        lights.show(Light.LISTENING)
        (lamp,) = box.lights()
    finally:
        lights.close()

    assert lamp == {"leds": [], "pixels": [[0.0, 0.15, 0.5]] * 2}
    assert (Colour(0.0, 0.15, 0.5),) * 2 in written


def test_a_box_without_lights_shows_none() -> None:
    assert SampledBox(NoPanel(), microphone(), None).lights() == []
