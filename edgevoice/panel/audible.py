"""A panel that is heard: sounds say when audio may leave the box, and when not; beside lights, or in their place."""

from collections.abc import Callable

from edgevoice.core.lights import LIVE_LIGHTS, PROVISIONAL_LIGHTS
from edgevoice.core.orders import Earcon, Light
from edgevoice.core.ports import Panel


class HeardPanel:
    """Implements ``ports.Panel``: one sound when a light for "audio may leave" would come on, one when it would go off.

    Words would be sent along with what the user says; two tones do not disturb a transcript. ``beside`` are lights that
    show everything as well.
    """

    def __init__(self, beside: Panel | None = None) -> None:
        self.beside = beside
        self._play: Callable[[Earcon], None] | None = None
        self._is_live = False

    def sound_by(self, play: Callable[[Earcon], None]) -> None:
        """Play sounds through ``play`` from now on; the speaker is created after the panel."""
        self._play = play

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        """Play a sound where a conversation begins or ends."""
        if self.beside is not None:
            self.beside.show(light, reason, level)
        if light in PROVISIONAL_LIGHTS:
            return
        is_live, was_live = light in LIVE_LIGHTS, self._is_live
        self._is_live = is_live
        if is_live is not was_live and self._play is not None:
            self._play(Earcon.AWAKE if is_live else Earcon.DONE)

    def close(self) -> None:
        """Turn off the lights beside it, if there are any."""
        if self.beside is not None:
            self.beside.close()
