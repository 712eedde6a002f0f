"""A box without lights indicates by sounds when audio may leave."""

import pytest

from edgevoice.core.lights import LIVE_LIGHTS
from edgevoice.core.orders import Earcon, Light
from edgevoice.panel.audible import HeardPanel


def heard(*lights: Light) -> list[Earcon]:
    sounds: list[Earcon] = []
    panel = HeardPanel()
    panel.sound_by(sounds.append)
    for light in lights:
        panel.show(light)
    panel.close()
    return sounds


def test_a_conversation_has_one_sound_at_its_beginning_and_one_at_its_end() -> None:
    lights = (
        Light.IDLE,
        Light.CONNECTING,
        Light.LISTENING,
        Light.THINKING,
        Light.SPEAKING,
        Light.LISTENING,
        Light.IDLE,
    )

    assert heard(*lights) == [Earcon.AWAKE, Earcon.DONE]


@pytest.mark.parametrize("light", list(Light))
def test_exactly_the_lights_that_say_that_audio_may_leave_have_a_sound(light: Light) -> None:
    assert heard(light) == ([Earcon.AWAKE] if light in LIVE_LIGHTS else [])


def test_without_a_speaker_the_panel_is_silent() -> None:
    HeardPanel().show(Light.LISTENING)
