"""Which service answers, and how it sounds: converts a program's short record into the settings of a session."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import Key, answers_itself, checked_key, find_key
from edgevoice.local.process import LocalServiceProcess
from edgevoice.realtime.endpoint import Endpoint, local, remote
from edgevoice.settings.catalogue import ENTRIES, ValueRefused, similar
from edgevoice.settings.service import ServiceSettings

KEY_VARIABLE = "INWORLD_API_KEY"
"""Environment variable for the key, by Inworld's own name for it; the box's places for a key come first."""

URL_VARIABLE = "EDGEVOICE_SERVICE_URL"
"""Environment variable for the address, the same as the box's."""

_REMEDY = "Correct the argument."


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeVoice:
    """A Realtime service: the model that answers and the voice that speaks.

    ``model``: the language model, by the service's name for it. ``voice``: who speaks. ``speed``: 0.5 to 1.5; 1 is the
    voice's own pace. ``language``: what the user speaks. ``url``: the service's address; if empty, the environment's
    ``EDGEVOICE_SERVICE_URL`` is used, else Inworld, or without a key the service inside this package, which "local"
    always selects. Any address that is not Inworld's is assumed to speak OpenAI's protocol unless ``options`` sets
    ``dialect``. ``api_key``: if empty, the key is the environment's ``EDGEVOICE_API_KEY``, what is in the file that the
    option ``key_file`` names, or the environment's ``INWORLD_API_KEY``; it appears in no ``repr`` and in no log.
    ``options``: any other setting of the section ``[service]``, by its name, such as ``{"eagerness": "high"}``.
    """

    model: str = "openai/gpt-4.1-mini"
    voice: str = "Sarah"
    speed: float = 1.0
    language: str = "en"
    url: str = ""
    api_key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)

    def service(self, instructions: str) -> ServiceSettings:
        """Return the settings of a session; ``SettingsInvalid`` for an invalid value."""
        given = {
            "model": self.model,
            "voice": self.voice,
            "speed": self.speed,
            "language": self.language,
            "url": self.url,
            "instructions": instructions,
        }
        if not isinstance(self.options, Mapping):
            kind = type(self.options).__name__
            raise SettingsInvalid(f"RealtimeVoice: options is of the type {kind}; it must be a dict", remedy=_REMEDY)
        if twice := sorted(given.keys() & self.options.keys()):
            raise SettingsInvalid(f"options of RealtimeVoice name {', '.join(twice)}: an argument of its own sets that")
        try:
            return ServiceSettings(**{name: _checked(name, value) for name, value in {**given, **self.options}.items()})
        except ValueRefused as refusal:
            raise SettingsInvalid(f"RealtimeVoice: {refusal}", remedy=_REMEDY) from None

    def resolved(self, environment: Mapping[str, str] = os.environ) -> Self:
        """Return a copy completed from the environment: an address and a key if there is none.

        Raises ``SettingsInvalid`` for what cannot be a key, and for a key file that cannot be used.
        """
        completed = replace(self, url=self.url or environment.get(URL_VARIABLE, ""))
        key = completed._key(environment)  # noqa: SLF001 - it is another one of this class
        return replace(completed, api_key=key.reveal() if key is not None else "")

    def _key(self, environment: Mapping[str, str]) -> Key | None:
        if self.api_key:
            return checked_key(self.api_key, source="api_key of RealtimeVoice")
        if (key := find_key(self.service(""), environment)) is not None:
            return key
        alias = environment.get(KEY_VARIABLE, "")
        return checked_key(alias, source=KEY_VARIABLE) if alias.strip() else None

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[Callable[[], Endpoint]]:
        """Yield the endpoint for each session; without a key and an address, the service inside this package.

        Raises ``LocalServiceUnavailable`` if that one cannot run.
        """
        key = self._key({})
        if answers_itself(self.service(""), key):
            async with LocalServiceProcess() as process:
                await process.ensure()
                yield lambda: local(process.socket_path, process.prepare)
            return
        yield lambda: remote(self.service(""), key.reveal() if key is not None else "")


def _checked(name: str, value: object) -> Any:
    """Return the value as the setting of that name has it; raise ``ValueRefused``, with the wording of the settings."""
    if (entry := ENTRIES.get(f"service.{name}")) is None:
        near = similar(name, [each.name for each in ENTRIES.values() if each.section == "service"])
        raise ValueRefused(f"{name} is not an option" + (f"; did you mean {near[0]}?" if near else ""))
    try:
        return entry.read(value)
    except ValueRefused as refusal:
        raise ValueRefused(f"{name} {refusal}") from None
