"""The topics of a box: ``edgevoice/<id>/…``. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of the box ``box_id``; ``discovery`` is where Home Assistant looks for devices."""

    box_id: str
    discovery: str = "homeassistant"

    @property
    def root(self) -> str:
        """What all of them begin with."""
        return f"edgevoice/{self.box_id}"

    @property
    def document(self) -> str:
        """The retained document that describes the device."""
        return f"{self.discovery}/device/edgevoice_{self.box_id}/config"

    @property
    def available(self) -> str:
        """Whether the box is connected: online or offline, retained; the broker says the latter if the box is gone."""
        return f"{self.root}/available"

    @property
    def state(self) -> str:
        """Everything that can be read, as one retained JSON object."""
        return f"{self.root}/state"

    @property
    def reply(self) -> str:
        """What came of a command that was refused, of what was said, and of a question."""
        return f"{self.root}/reply"

    def event(self, name: str) -> str:
        """Return the topic of an event: wake, interrupted, timer, alarm, button."""
        return f"{self.root}/event/{name}"

    def command(self, name: str) -> str:
        """Return the topic of a command; ``+`` for all of them."""
        return f"{self.root}/do/{name}"

    def command_of(self, topic: str) -> str:
        """Return the command that a topic stands for, empty if it is none."""
        name = topic.removeprefix(f"{self.root}/do/")
        return "" if name == topic or "/" in name else name
