"""Who answers in an agent's conversation: its service and voice, its instructions, and its persona. Pure."""

from dataclasses import dataclass

from edgevoice.agent.voice import RealtimeVoice
from edgevoice.personas.persona import Persona
from edgevoice.settings.service import ServiceSettings


@dataclass(frozen=True, slots=True)
class Character:
    """Who answers; what the persona has overrides the rest."""

    voice: RealtimeVoice
    instructions: str
    persona: Persona

    def service(self) -> ServiceSettings:
        """Return the settings of a session; ``SettingsInvalid`` for an invalid value."""
        return self.persona.applied(self.voice.service(self.instructions))
