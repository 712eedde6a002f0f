"""What a client may know of the box at any moment, followed by its notices. Never what was said. Pure."""

import copy
from typing import Any, Self

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import LinkLost, LinkOpened
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.lights import PROVISIONAL_LIGHTS, meaning
from edgevoice.core.notices import Notice, PhaseEntered, RingingBegan, RingingEnded, SpeechHeeded, SpeechIgnored
from edgevoice.core.orders import CloseLink, Light, MuteMicrophone, ShowLight, UnmuteMicrophone
from edgevoice.core.ports import Observer
from edgevoice.errors import remedy_of


class BoxView:
    """The phase, the light, whether something rings, the microphone is muted, a session is open, and who failed.

    ``is_noisy``: only the wake word and the button interrupt the answer.
    """

    def __init__(self) -> None:
        self.phase = Phase.IDLE
        self.light = Light.OFF
        self.fault = ""
        self.is_muted = False
        self.is_linked = False
        self.is_ringing = False
        self.is_noisy = False
        self.failing: dict[str, GuestFailed] = {}

    def copy(self) -> Self:
        """Return another one that goes on from here."""
        other = copy.copy(self)
        other.failing = dict(self.failing)
        return other

    @property
    def speaks_first(self) -> bool:
        """Whether an announcement sounds: no conversation."""
        return self.phase is Phase.IDLE and self.light is Light.ANNOUNCING

    def observe(self, notice: Notice) -> None:
        """Take what happened."""
        match notice:
            case PhaseEntered(phase=phase):
                self.phase = phase
            case ShowLight(light=light, reason=reason) if light not in PROVISIONAL_LIGHTS:
                self.light, self.fault = light, reason
            case MuteMicrophone():
                self.is_muted = True
            case UnmuteMicrophone():
                self.is_muted = False
            case RingingBegan() | RingingEnded():
                self.is_ringing = isinstance(notice, RingingBegan)
            case SpeechIgnored() | SpeechHeeded():
                self.is_noisy = isinstance(notice, SpeechIgnored)
            case LinkOpened():
                self.is_linked = True
            case LinkLost() | CloseLink():
                self.is_linked = False
            case GuestFailed(guest=guest):
                self.failing[guest] = notice
            case GuestRestored(guest=guest):
                self.failing.pop(guest, None)
            case _:
                pass  # changes nothing here

    def fields(self) -> dict[str, Any]:
        """Return all of it for a reply."""
        fault = {"code": self.fault, "meaning": meaning(Light.FAULT, self.fault), "remedy": remedy_of(self.fault)}
        return {
            "phase": self.phase,
            "light": self.light,
            "muted": self.is_muted,
            "ringing": self.is_ringing,
            "session_open": self.is_linked,
            "noisy_room": self.is_noisy,
            "fault": fault if self.fault else None,
            "failing": [
                {"guest": each.guest, "code": each.code, "problem": each.problem, "remedy": each.remedy}
                for each in self.failing.values()
            ],
        }


class FollowedBox(Observer):
    """An observer that keeps a view from the box's start on: a guest that is started again has missed what was."""

    def __init__(self) -> None:
        self.view = BoxView()

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - only the order of notices matters
        """Take what happened."""
        self.view.observe(notice)
