"""What the panel's switches, knobs and buttons report, and what it is to show of the box's start and end.

The talk button's and the mute button's own facts are in `facts`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MuteSwitched:
    """The microphone is to be muted, or not: a slide switch says so, or it was muted before a restart."""

    is_muted: bool


@dataclass(frozen=True, slots=True)
class VolumeTurned:
    """The volume is to change by this many percent: a volume button, or a turn of the knob."""

    percent: int


@dataclass(frozen=True, slots=True)
class ForgetHeld:
    """The mute button was held for long: the session and everything that is remembered are to be forgotten."""


@dataclass(frozen=True, slots=True)
class ShutDownHeld:
    """The talk button and the mute button were held together: the machine is to be shut down."""


@dataclass(frozen=True, slots=True)
class VolumeChanged:
    """Answers have another volume from now on, in percent, whoever changed it."""

    percent: int


@dataclass(frozen=True, slots=True)
class EarconVolumeSet:
    """Earcons and rings have another volume from now on, in percent."""

    percent: int


@dataclass(frozen=True, slots=True)
class BrightnessSet:
    """The lights have another brightness from now on, in percent."""

    percent: int


@dataclass(frozen=True, slots=True)
class BoxStarting:
    """The box has begun to start: it does not hear its wake word yet."""


@dataclass(frozen=True, slots=True)
class BoxStarted:
    """The box has started: it hears its wake word, if it has one."""


@dataclass(frozen=True, slots=True)
class BoxStopping:
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
