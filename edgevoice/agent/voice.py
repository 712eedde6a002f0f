"""Which service answers, and how it sounds: one record, from a program's own words to the settings of a session."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from edgevoice.errors import KeyRefused, SettingsInvalid
from edgevoice.local.process import LocalServiceProcess
from edgevoice.realtime.endpoint import Endpoint, local, remote
from edgevoice.settings import schema

KEY_VARIABLES = ("EDGEVOICE_API_KEY", "INWORLD_API_KEY")
"""Where the key is looked for when a program gives none; the first one that is set counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeVoice:
    """A Realtime service: the model that answers and the voice that speaks.

    ``model``: the language model, by the service's name for it. ``voice``: who speaks. ``speed``: 0.5 to 1.5; 1 is the
    voice's own pace. ``language``: what the user speaks. ``url``: where it answers: empty is Inworld, "local" the
    service inside this package; any other address speaks OpenAI's protocol unless ``options`` sets ``dialect``.
    ``api_key``: empty takes the one of the environment (``EDGEVOICE_API_KEY``, then ``INWORLD_API_KEY``); it is in no
    ``repr`` and in no log. ``options``: any other setting of the section ``[service]``, by its name, such as
    ``{"eagerness": "high"}``.
    """

    model: str = "openai/gpt-4.1-mini"
    voice: str = "Sarah"
    speed: float = 1.0
    language: str = "en"
    url: str = ""
    api_key: str = field(default="", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)

    def service(self, instructions: str) -> schema.ServiceSettings:
        """Return the settings of a session; ``SettingsInvalid`` for a value that cannot be."""
        given = {
            "model": self.model,
            "voice": self.voice,
            "speed": self.speed,
            "language": self.language,
            "url": self.url,
            "instructions": instructions,
        }
        if twice := sorted(given.keys() & self.options.keys()):
            raise SettingsInvalid(f"options of RealtimeVoice name {', '.join(twice)}: an argument of its own sets that")
        try:
            return msgspec.convert({**given, **self.options}, schema.ServiceSettings)
        except msgspec.ValidationError as error:
            raise SettingsInvalid(f"RealtimeVoice: {error}") from None

    @asynccontextmanager
    async def reached(self, environment: Mapping[str, str] = os.environ) -> AsyncIterator[Callable[[], Endpoint]]:
        """Give what is dialled for each session; ``url="local"`` runs the service inside this package meanwhile.

        Raises ``KeyRefused`` where Inworld is to answer and there is no key, and ``LocalServiceUnavailable``.
        """
        if self.url == "local":
            async with LocalServiceProcess() as process:
                await process.ensure()
                yield lambda: local(process.socket_path, process.prepare)
            return
        key = self.api_key or next((environment[name] for name in KEY_VARIABLES if environment.get(name)), "")
        if not key and not self.url:
            raise KeyRefused(
                "there is no key for Inworld",
                remedy=f'Set {KEY_VARIABLES[0]}, give api_key, or try url="local", which needs no account.',
            )
        yield lambda: remote(self.service(""), key)
