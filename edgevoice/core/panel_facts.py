"""What a switch and a knob of the panel report; the facts of its buttons are in `facts`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MuteSwitched:
    """The microphone is to be muted, or not: a slide switch says so, or it was muted before a restart."""

    is_muted: bool


@dataclass(frozen=True, slots=True)
class VolumeTurned:
    """The volume is to change by this many percent: a volume button, or a turn of the knob."""

    percent: int
