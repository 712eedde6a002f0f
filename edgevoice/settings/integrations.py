"""The settings of what other programs may do with the box: ``[control]``."""

from msgspec import Struct


class ControlSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The control socket, through which programs of this machine ask the box for something or watch it.

    enabled: Whether there is one. Root, and members of the group edgevoice, may use it.
    may_unmute: Whether a program may open a muted microphone; otherwise only the mute button does.
    """

    enabled: bool = True
    may_unmute: bool = False
