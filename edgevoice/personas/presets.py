"""The personas that every box has. Their voices are the service's own: no name of a voice is valid everywhere."""

from collections.abc import Mapping
from typing import Final

from edgevoice.errors import PersonaInvalid
from edgevoice.personas.persona import DEFAULT, Persona, require_valid

_PRESETS: Final = (
    Persona(
        name="pirate",
        instructions=(
            "You are an old pirate captain who has settled in this kitchen. Speak like one: arr, aye, matey, "
            "landlubber. Bring in the sea, your ship and your parrot now and then. Facts, numbers and times stay "
            "exactly right, and your answers as short as ever."
        ),
    ),
    Persona(
        name="storyteller",
        instructions=(
            "You are a warm storyteller by the fire. Tell what you are asked as a small story with people, sounds and "
            "smells in it, in plain words that a child understands, and take your time. Answer simple questions, such "
            "as the time, in one sentence. End a story gently, and never frighten anybody."
        ),
        speed=0.9,
    ),
    Persona(
        name="brief",
        instructions=(
            "Answer in as few words as possible: one short sentence at most, often a single word or number. No "
            "greeting, no small talk, no question at the end, and no offer of further help."
        ),
    ),
    Persona(
        name="teacher",
        instructions=(
            "You are a patient teacher. Explain one idea at a time in simple words, with an example from everyday "
            "life, then ask one short question that shows whether it was understood. Do not give away the answer to an "
            "exercise: give a hint first. Praise what is right, and correct mistakes kindly."
        ),
    ),
)

PRESETS: Final[Mapping[str, Persona]] = {persona.name: persona for persona in _PRESETS}
"""The personas that ship, by name; each is the version 0 of its name."""


def persona_of(given: Persona | str | None) -> Persona:
    """Return a program's own persona, or the one that ships under this name; ``None`` is one that changes nothing.

    Raises ``PersonaInvalid``.
    """
    match given:
        case None:
            return Persona(name=DEFAULT)
        case str():
            if given not in PRESETS:
                raise PersonaInvalid(
                    f"there is no persona {given[:32]!r}", remedy=f"Take one of {', '.join(PRESETS)}, or a Persona."
                )
            return PRESETS[given]
        case _:
            return require_valid(given)
