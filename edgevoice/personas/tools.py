"""The tools by which a model becomes another persona, and speaks with another voice or at another speed."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from msgspec import Meta

from edgevoice.errors import EdgevoiceError, PersonaInvalid, StorageUnavailable, ToolRefused, WishRefused
from edgevoice.personas import state as states
from edgevoice.personas.personas import Shelf
from edgevoice.personas.speaking import SpeakingPersona
from edgevoice.personas.state import Choice, NothingToUndo, PersonaState
from edgevoice.personas.voices import found, next_voice

SLOWEST: Final = 0.5
FASTEST: Final = 1.5
"""The range of ``service.speed``."""

_LATER: Final = "once your next answer has been heard: announce it there in one short sentence"
_NEXT_TIME: Final = "with the next conversation: this service keeps the voice of one that has begun. Say so"


class PersonaTools:
    """Small typed setters over what speaks in the conversation that is going on."""

    def __init__(self, speaking: SpeakingPersona) -> None:
        self._speaking = speaking

    def functions(self) -> tuple[Callable[..., Any], ...]:
        """Return the functions, for a registry."""
        return (self._set_persona(), self._set_voice(), self.set_speed, self.undo_persona, self.reset_persona)

    def _set_persona(self) -> Callable[..., Any]:
        known = ", ".join(self._speaking.newest.names)

        async def set_persona(
            name: Annotated[str, f"{known}, or another one that the user names"] | None = None,
        ) -> dict[str, Any]:
            """Become another persona when the user asks for it; without a name, list those that there are."""
            if name is None:
                return {"persona": self._speaking.wanted.persona.name, "personas": self._speaking.newest.names}
            return await self._change(
                lambda shelf, place, before: states.choose(shelf.state, place, before, shelf.find(name))
            )

        return set_persona

    def _set_voice(self) -> Callable[..., Any]:
        async def set_voice(
            voice: Annotated[str, "the voice's name, if the user gives one"] | None = None,
        ) -> dict[str, Any]:
            """Speak with another voice when the user asks for it; without a name, with the next one."""
            voices = self._speaking.voices
            chosen = (
                found(voice, voices) if voice is not None else next_voice(self._speaking.wanted.service.voice, voices)
            )
            if chosen is None:
                raise WishRefused(f"there is no such voice; there are {', '.join(voices)}")
            return await self._change(
                lambda shelf, place, before: states.speak_with(shelf.state, place, before, chosen)
            )

        return set_voice

    async def set_speed(
        self,
        speed: Annotated[float, Meta(ge=SLOWEST, le=FASTEST), "1 is the voice's own pace"] | None = None,
        change: Annotated[float, Meta(ge=-1, le=1), "by how much faster, or slower when negative; 0.15 is a good step"]
        | None = None,
    ) -> dict[str, Any]:
        """Speak faster or slower when the user asks for it."""
        if (speed is None) == (change is None):
            raise WishRefused("give either speed or change")
        now = self._speaking.wanted.service.speed
        wanted = speed if speed is not None else now + (change or 0)
        limited = round(min(FASTEST, max(SLOWEST, wanted)), 2)
        if limited == now:
            raise WishRefused(f"the speed is {now:g} already; it can be {SLOWEST:g} to {FASTEST:g}")
        return await self._change(lambda shelf, place, before: states.speak_at(shelf.state, place, before, limited))

    async def undo_persona(self) -> dict[str, Any]:
        """Speak as before the last change of persona, voice or speed, when the user asks for it."""
        return await self._change(lambda shelf, place, _before: states.undo(shelf.state, place))

    async def reset_persona(self) -> dict[str, Any]:
        """Speak as at first: no persona, voice or speed that somebody has asked for."""
        return await self._change(lambda shelf, place, _before: states.reset(shelf.state, place))

    async def _change(self, change: Callable[[Shelf, str, Choice], PersonaState]) -> dict[str, Any]:
        before = self._speaking.wanted.service
        try:
            await self._speaking.change(change)
        except NothingToUndo:
            raise WishRefused("nothing has been changed that could be undone") from None
        except (PersonaInvalid, StorageUnavailable) as error:
            raise _refused(error) from error
        wanted = self._speaking.wanted
        service = wanted.service
        told = {"persona": wanted.persona.name, "voice": service.voice, "speed": service.speed, "takes_effect": _LATER}
        if service.voice != before.voice and not self._speaking.can_change_voice:
            told["voice_takes_effect"] = _NEXT_TIME
        return told


def _refused(error: EdgevoiceError) -> ToolRefused:
    kind = ToolRefused if isinstance(error, StorageUnavailable) else WishRefused
    return kind(f"nothing has changed: {error}")
