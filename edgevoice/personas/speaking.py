"""Which persona speaks in the conversation that is going on, and in the next one."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer
from edgevoice.errors import PersonaInvalid, StorageUnavailable
from edgevoice.journal import tell
from edgevoice.personas.pending import PendingChange
from edgevoice.personas.persona import DEFAULT, Persona
from edgevoice.personas.personas import Personas, Shelf
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.state import EVERYWHERE, Choice, PersonaState
from edgevoice.personas.voices import voices_of
from edgevoice.settings.service import ServiceSettings

SETTERS: Final = frozenset({"set_persona", "set_voice", "set_speed", "undo_persona", "reset_persona"})
"""The tools of `tools`: every persona may call them, else it could not be left by speaking."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a place wants: the choice in force, its persona, and the settings of a session with both."""

    choice: Choice
    persona: Persona
    service: ServiceSettings


class SpeakingPersona(Observer):
    """Personas as conversations use them.

    ``words``: the wake words that have a place of their own, each with the persona that the settings name for it.
    ``voices``: those that speech may choose; empty for those known of the service.
    """

    def __init__(
        self, personas: Personas, words: Mapping[str, str] | None = None, voices: tuple[str, ...] = ()
    ) -> None:
        self._personas = personas
        self._words = words or {}
        self._voices = voices
        self._newest = self._in_force = Shelf(PersonaState(), PRESETS)
        self._place = EVERYWHERE
        self._base = ServiceSettings()
        self._pending = PendingChange()
        self._follow: Callable[[], None] = _nobody_follows

    async def open(self, opened: AsyncExitStack) -> None:
        """Open the file for the lifetime of ``opened``. Raises ``StorageUnavailable``."""
        await opened.enter_async_context(self._personas)
        if self._personas.remark:
            tell(_log, logging.ERROR, "personas-damaged", problem=self._personas.remark)
        self._newest = await self._personas.shelf()
        for word, name in self._words.items():
            self._find(name, f"wakeword.words.{word}.persona")

    def on_change(self, follow: Callable[[], None]) -> None:
        """Call ``follow`` in mid-session whenever ``settings`` would return others than before."""
        self._follow = follow

    @property
    def personas(self) -> Personas:
        """The personas that are kept, for changes by hand; a session that begins reads them again."""
        return self._personas

    # --- a session ----------------------------------------------------------------------------------------------------

    async def reread(self) -> None:
        """Read what a command may have changed since; await it before each session. What is known stays if it fails."""
        try:
            self._newest = await self._personas.shelf()
        except StorageUnavailable as error:
            tell(_log, logging.ERROR, "personas-unavailable", code=error.code, problem=error.line())

    def begin(self, word: str, service: ServiceSettings) -> None:
        """Begin a session that this wake word opens, whose settings are those of ``service`` without a persona."""
        self._place = word if word in self._words else EVERYWHERE
        self._base = service
        self._in_force = self._newest

    def settings(self) -> ServiceSettings:
        """Return the settings of the session, with its persona."""
        return self._in(self._in_force).service

    def allows(self, tool: str) -> bool:
        """Return whether the persona of the session may call a tool."""
        return tool in SETTERS or self._in(self._in_force).persona.allows(tool)

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - a change follows what is heard
        """Let a change take effect once the answer that announces it has been heard, or was interrupted."""
        if self._pending.take(notice):
            self._take_effect()

    # --- changes by speech --------------------------------------------------------------------------------------------

    @property
    def newest(self) -> Shelf:
        """What there is, changes that have not taken effect included."""
        return self._newest

    @property
    def wanted(self) -> Wanted:
        """What is wanted in the place of the session, changes that have not taken effect included."""
        return self._in(self._newest)

    @property
    def voices(self) -> tuple[str, ...]:
        """The voices that may be chosen."""
        return voices_of(self._base.spoken_dialect, self._base.voice, self._voices)

    @property
    def can_change_voice(self) -> bool:
        """Whether the service changes voice and model in mid-session: OpenAI keeps those that have spoken."""
        return self._base.spoken_dialect == "inworld"

    async def change(self, change: Callable[[Shelf, str, Choice], PersonaState]) -> None:
        """Change the state of the session's place, and let it take effect after the answer that announces it.

        Once this returns, a power cut does not lose the change. ``change`` is given what there is, the place, and the
        choice in force there. Raises what ``change`` raises, and ``StorageUnavailable``: nothing has changed then.
        """
        place = self._place
        self._newest = await self._personas.change(lambda shelf: change(shelf, place, self._choice(shelf, place)))
        if self._pending.is_awaited:
            self._pending.wait()
        else:
            self._take_effect()

    def _take_effect(self) -> None:
        self._in_force = self._newest
        self._follow()

    def _in(self, shelf: Shelf) -> Wanted:
        choice = self._choice(shelf, self._place)
        persona = shelf.personas.get(choice.persona, Persona(name=DEFAULT))
        own = {"voice": choice.voice, "speed": choice.speed}
        service = structs.replace(
            persona.applied(self._base), **{name: value for name, value in own.items() if value is not None}
        )
        return Wanted(choice, persona, service)

    def _choice(self, shelf: Shelf, place: str) -> Choice:
        return shelf.state.choices.get(place) or Choice(self._words.get(place, DEFAULT))

    def _find(self, name: str, setting: str) -> None:
        try:
            self._newest.find(name)
        except PersonaInvalid as error:
            # Not fatal: a command may add it while the box runs.
            tell(_log, logging.ERROR, "persona-unknown", code=error.code, problem=f"{setting}: {error.line()}")


def _nobody_follows() -> None:
    """Do nothing: there is no session."""
