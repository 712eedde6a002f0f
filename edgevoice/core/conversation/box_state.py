"""The state of the box apart from any conversation: muted, faults, and the light that follows from all it does."""

from edgevoice.core.conversation.announcer import Announcer
from edgevoice.core.conversation.deadlines import Deadline, Deadlines
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Device
from edgevoice.core.orders import Light

_LIGHT_OF = {
    Phase.CONNECTING: Light.CONNECTING,
    Phase.LISTENING: Light.LISTENING,
    Phase.THINKING: Light.THINKING,
    Phase.SPEAKING: Light.SPEAKING,
}


class BoxState:
    """Mute and faults of the box. It shares the conversation's deadlines; ``announcer`` is what it says first.

    ``impairment`` is the code of what keeps the wake word from being heard while the microphone works, else empty. The
    button still works then, so a conversation may begin. ``is_starting``: the wake word is not heard yet;
    ``is_stopping``: nothing more will happen. ``volume``: how loud answers are, 0 to 1, while that is to be shown.
    """

    def __init__(self, deadlines: Deadlines, announcer: Announcer) -> None:
        self._deadlines = deadlines
        self._announcer = announcer
        self._lost: list[Device] = []
        self._trouble = ""
        self.volume: float | None = None
        self.impairment = ""
        self.is_muted = False
        self.is_starting = False
        self.is_stopping = False

    @property
    def is_deaf(self) -> bool:
        """Whether the box can hear no speech at all."""
        return self.is_muted or Device.MICROPHONE in self._lost

    @property
    def has_speaker(self) -> bool:
        """Whether anything can be heard."""
        return Device.SPEAKER not in self._lost

    @property
    def is_whole(self) -> bool:
        """Whether both halves of the sound system work."""
        return not self._lost

    @property
    def lost(self) -> str:
        """The half of the sound system that has been gone for longest; empty if both work."""
        return self._lost[0] if self._lost else ""

    def lose(self, device: Device) -> None:
        """Record that a half of the sound system is gone."""
        if device not in self._lost:
            self._lost.append(device)

    def regain(self, device: Device) -> None:
        """Record that a half of the sound system works again."""
        if device in self._lost:
            self._lost.remove(device)

    def show_trouble(self, code: str, until: float) -> None:
        """Show for a while why a conversation failed."""
        self._trouble = code
        self._deadlines.set(Deadline.FAULT, until)

    def forget_trouble(self) -> None:
        """Stop showing why a conversation failed."""
        self._trouble = ""
        self._deadlines.clear(Deadline.FAULT)

    def show_volume(self, percent: int, until: float) -> None:
        """Show for a moment how loud the answers are now."""
        self.volume = percent / 100
        self._deadlines.set(Deadline.VOLUME, until)

    def forget_volume(self) -> None:
        """Stop showing how loud the answers are."""
        self.volume = None

    def light(self, phase: Phase) -> tuple[Light, str]:
        """Return what the panel shows in this phase, and the code of the fault when that is what it shows.

        A conversation takes priority over everything else: no audio leaves the box unless a light shows it.
        """
        if (light := _LIGHT_OF.get(phase)) is not None:
            return light, ""
        if self.is_stopping:
            return Light.STOPPING, ""
        if self._announcer.is_ringing:
            return Light.RINGING, ""
        if self._announcer.is_announcing:
            return Light.ANNOUNCING, ""
        if self.is_starting:
            return Light.STARTING, ""
        if self._lost:
            # A missing device explains more than the failures that follow from it.
            return Light.FAULT, self._lost[0]
        if self.impairment:
            return Light.FAULT, self.impairment
        if self._trouble:
            return Light.FAULT, self._trouble
        return (Light.MUTED if self.is_muted else Light.IDLE), ""
