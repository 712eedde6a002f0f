"""The types of single settings: ranges and patterns, and what an error asks for. They are data, read by `catalogue`."""

import re
from typing import Annotated, Final

from msgspec import Meta

SECRET: Final = re.compile(r"\$\{(?P<name>[A-Za-z0-9_-]{1,64})\}")
"""Stands for a secret in a value of the settings; the secret itself is stored elsewhere (`host/credentials.py`)."""

ToolName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""The name of a tool as the Realtime protocol takes it. Which tools there are is known only where they come from."""

PersonaName = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$", extra={"must_be": 'the name of a persona, such as "pirate"'})
]
"""Which personas there are is known only where they are kept."""

NotEmpty = Annotated[str, Meta(min_length=1, pattern=r"\S")]
Percent = Annotated[int, Meta(ge=0, le=100)]
Gpio = Annotated[int, Meta(ge=0, le=27)]
"""The BCM number of a pin on the 40-pin header."""

TimeOfDay = Annotated[
    str,
    Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$", extra={"must_be": 'empty or a time of day, such as "22:00"'}),
]

_ABSOLUTE: Final = r"/[^\x00-\x1f\x7f-\x9f]*"
"""A relative path would mean another place for the service, for a person's command, and in each folder."""

# ``is_private``: may contain a key by mistake, so no error repeats the value. ``must_be``: what an error asks for.
Address = Annotated[
    str,
    Meta(extra={"is_private": True, "must_be": 'empty, "local", or an address that begins with ws:// or wss://'}),
]
KeyFile = Annotated[
    str,
    Meta(
        pattern=rf"^(~?{_ABSOLUTE})?$",
        extra={"is_private": True, "must_be": "empty or an absolute path, such as /etc/edgevoice/api_key"},
    ),
]
AbsolutePath = Annotated[
    str, Meta(pattern=rf"^({_ABSOLUTE})?$", extra={"must_be": "empty or an absolute path: it must begin with /"})
]
Folder = Annotated[
    str, Meta(pattern=f"^{_ABSOLUTE}$", extra={"must_be": "the absolute path of a folder: it must begin with /"})
]
WakewordModel = Annotated[
    str,
    Meta(
        min_length=1,
        pattern=r"^(~[^/]*)?/|^(?!.*(/|\.(?i:onnx|json|tflite)$))",
        extra={"must_be": "a text: the name of a word, or a path that begins with / or ~/"},
    ),
]
Language = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        extra={"must_be": 'a language code, such as "en" or "de-DE"'},
    ),
]

Score = Annotated[float, Meta(ge=0.05, le=0.99, extra={"must_be": "a number between 0.05 and 0.99"})]
SureScore = Annotated[float, Meta(ge=0.05, le=1, extra={"must_be": "a number between 0.05 and 1"})]
