"""What the panel's switches, knobs and buttons report, and what it is to show of the box's start and end.

The talk button's and the mute button's own facts are in `facts`.
"""

from msgspec import Struct


class MuteSwitched(Struct, frozen=True):
    """The microphone is to be muted, or not: a slide switch says so, or it was muted before a restart.

    ``why`` is what the owner should know of it, as a clause: empty unless the box muted itself.
    """

    is_muted: bool
    why: str = ""


class VolumeTurned(Struct, frozen=True):
    """The volume is to change by this many percent: a volume button, or a turn of the knob."""

    percent: int


class ForgetHeld(Struct, frozen=True):
    """The mute button was held for long: the session and everything that is remembered are to be forgotten."""


class ShutDownHeld(Struct, frozen=True):
    """The talk button and the mute button were held together: the machine is to be shut down."""


class VolumeChanged(Struct, frozen=True):
    """Answers have another volume from now on, in percent, whoever changed it."""

    percent: int


class EarconVolumeSet(Struct, frozen=True):
    """Earcons and rings have another volume from now on, in percent."""

    percent: int


class BrightnessSet(Struct, frozen=True):
    """The lights have another brightness from now on, in percent."""

    percent: int


class BoxStarting(Struct, frozen=True):
    """The box has begun to start: it does not hear its wake word yet."""


class BoxStarted(Struct, frozen=True):
    """The box has started: it hears its wake word, if it has one."""


class BoxStopping(Struct, frozen=True):
    """The box is about to stop."""


PanelFact = (
    MuteSwitched
    | VolumeTurned
    | ForgetHeld
    | ShutDownHeld
    | VolumeChanged
    | EarconVolumeSet
    | BrightnessSet
    | BoxStarting
    | BoxStarted
    | BoxStopping
)
"""What is done at the panel beside pressing its two main buttons, and what only the panel shows."""
