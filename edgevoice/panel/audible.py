"""The panel of a box whose lights cannot be used: sounds say when audio may leave the box, and when not."""

from collections.abc import Callable

from edgevoice.core.lights import LIVE_LIGHTS
from edgevoice.core.orders import Earcon, Light


class HeardPanel:
    """Implements ``ports.Panel``: one sound when a light for "audio may leave" would come on, one when it would go off.

    Words would be sent along with what the user says; two tones do not disturb a transcript.
    """

    def __init__(self) -> None:
        self._play: Callable[[Earcon], None] | None = None
        self._is_live = False

    def sound_by(self, play: Callable[[Earcon], None]) -> None:
        """Play sounds through ``play`` from now on; the speaker is created after the panel."""
        self._play = play

    def show(self, light: Light, reason: str = "") -> None:  # noqa: ARG002 - a fault has a sound already
        """Play a sound where a conversation begins or ends."""
        is_live, was_live = light in LIVE_LIGHTS, self._is_live
        self._is_live = is_live
        if is_live is not was_live and self._play is not None:
            self._play(Earcon.LISTENING if is_live else Earcon.LISTENING_OVER)

    def close(self) -> None:
        """Do nothing: there is nothing to turn off."""
