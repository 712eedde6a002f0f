"""What a session is configured with: the settings in force, the wake word's, the persona's, memory's, and the tools."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import structs

from edgevoice.realtime.link import Said
from edgevoice.realtime.session import Json, changes_of, session_of
from edgevoice.settings.instructions import WHISPERED
from edgevoice.settings.service import ServiceSettings
from edgevoice.wakeword.words import WakeWord

if TYPE_CHECKING:
    from edgevoice.memory.remembering import Remembering
    from edgevoice.personas.speaking import SpeakingPersona


_FOLLOW: Final = ("model", "instructions", "tools", "audio")
"""What a persona changes of a session; the service's own notes, for example, are only handed back when one begins."""


class SessionConfiguration:
    """Makes the ``session`` object of each session, and the changes to it while it is open.

    ``service`` returns the settings in force, and ``tools`` the tools that may be called. Without ``remembering`` and
    ``speaking`` nothing is remembered, and there are no personas. ``asked`` returns what the box has just asked by
    itself, so that the model knows what the user replies to.
    """

    def __init__(
        self,
        service: Callable[[], ServiceSettings],
        words: Sequence[WakeWord],
        tools: Callable[[], list[Json]],
        remembering: "Remembering | None" = None,
        speaking: "SpeakingPersona | None" = None,
        asked: Callable[[], Sequence[Said]] = tuple,
    ) -> None:
        self._service = service
        self._words = {word.name: word for word in words}
        self._tools = tools
        self._remembering = remembering
        self._speaking = speaking
        self._asked = asked
        self._own = ServiceSettings()
        self._sent: Json = {}
        self._is_whispered = False
        self._update: Callable[[Json], None] = _nobody_follows

    async def earlier(self) -> Sequence[Said]:
        """Return what a new session is given of earlier conversations; await it before ``begin``."""
        if self._speaking is not None:
            await self._speaking.reread()
        earlier = await self._remembering.earlier() if self._remembering is not None else ()
        asked = self._asked()
        return (*earlier, *asked) if asked else earlier

    def begin(self, word: str) -> Json:
        """Return the ``session`` object of a new session, which this wake word opens."""
        self._is_whispered = False
        self._own = self._of_word(word)
        if self._speaking is not None:
            self._speaking.begin(word, self._own)
        self._sent = self._now()
        return self._sent

    def follow(self, update: Callable[[Json], None]) -> None:
        """Pass to ``update`` what another persona or a whisper changes, as a partial ``session`` object."""
        self._update = update
        if self._speaking is not None:
            self._speaking.on_change(self._changed)

    def whisper(self, *, is_whispered: bool) -> None:
        """Have the voice of the open session whisper from its next answer on, if it can, or no longer."""
        if is_whispered is not self._is_whispered and self._sent:
            self._is_whispered = is_whispered
            self._changed()

    def _changed(self) -> None:
        if changes := self._changes():
            self._update(changes)

    def _changes(self) -> Json:
        # A voice that has spoken, and the model, stay where the service does not change them: it would refuse the
        # whole update for them.
        before = self._sent
        now = {**before, **{name: value for name, value in self._now().items() if name in _FOLLOW}}
        if self._own.spoken_dialect == "openai":
            now["model"] = before["model"]
            now["audio"]["output"]["voice"] = before["audio"]["output"]["voice"]
        self._sent = now
        return changes_of(before, now)

    def _now(self) -> Json:
        service = self._speaking.settings() if self._speaking is not None else self._own
        if self._remembering is not None:
            service = self._remembering.service(service)
        if self._is_whispered and service.is_steered:
            service = structs.replace(service, instructions=f"{service.instructions}\n\n{WHISPERED}".lstrip())
        return session_of(service, self._tools())

    def _of_word(self, name: str) -> ServiceSettings:
        word, service = self._words.get(name), self._service()
        if word is None:
            return service
        particular = {"voice": word.voice, "instructions": word.instructions}
        return structs.replace(service, **{key: value for key, value in particular.items() if value is not None})


def _nobody_follows(_changes: Json) -> None:
    """Replace the link until there is one."""
