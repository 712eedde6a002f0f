"""How programs choose who answers, and with which voice: by the tools that the model has for it."""

from typing import TYPE_CHECKING, Any

from edgevoice.box.context import BoxContext, persona_tools
from edgevoice.box.tools_by_hand import use_tool
from edgevoice.settings.schema import Settings
from edgevoice.tools.functions import FunctionSource

if TYPE_CHECKING:
    from edgevoice.personas.speaking import SpeakingPersona


class PersonaChoice:
    """Implements ``PersonaChooser``: what programs want of the box's personas, by the model's own tools."""

    def __init__(self, speaking: "SpeakingPersona") -> None:
        self._speaking = speaking

    def choices(self) -> dict[str, Any]:
        """Return who answers and with which voice, and who could."""
        wanted = self._speaking.wanted
        return {
            "persona": wanted.persona.name,
            "personas": list(self._speaking.newest.names),
            "voice": wanted.service.voice,
            "voices": list(self._speaking.voices),
        }

    async def choose(self, name: str) -> dict[str, Any]:
        """Choose a persona. Raises ``Refused``."""
        return await self._call("set_persona", {"name": name})

    async def speak_with(self, voice: str) -> dict[str, Any]:
        """Choose a voice. Raises ``Refused``."""
        return await self._call("set_voice", {"voice": voice})

    async def _call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        # The tools list the personas of the moment, so they are made anew.
        await self._speaking.reread()
        await use_tool(FunctionSource(persona_tools(self._speaking)), name, arguments)
        return self.choices()


def persona_choice(settings: Settings, context: BoxContext) -> PersonaChoice | None:
    """Return what chooses among the box's personas, ``None`` if it has none."""
    speaking = context.storage.speaking
    if speaking is None:
        return None
    live = context.live
    # Until the first session the choices are those of the settings.
    speaking.begin("", live.service if live is not None else settings.service)
    return PersonaChoice(speaking)
