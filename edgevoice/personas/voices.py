"""The voices that "another voice" may choose: a name that the service does not know would silence the next answer."""

from typing import Final, Literal

_KNOWN: Final = {
    # From Inworld's documentation and samples; it has some hundreds.
    "inworld": (
        "Sarah", "Dennis", "Ashley", "Clive", "Luna", "Edward", "Olivia", "Timothy", "Priya", "Ronald", "Deborah",
        "Jason", "Wendy", "Hades",
    ),
    # OpenAI's for gpt-realtime; other services that speak its protocol take the same names, or have one voice.
    "openai": ("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse"),
}  # fmt: skip


def voices_of(dialect: Literal["inworld", "openai"], own: str, listed: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the voices that may be chosen: those ``listed`` in the settings, else the known ones; ``own`` is one."""
    return tuple(dict.fromkeys((*(listed or _KNOWN[dialect]), own)))


def found(name: str, voices: tuple[str, ...]) -> str | None:
    """Return the voice that somebody means, whose name may be written in any case."""
    return next((voice for voice in voices if voice.casefold() == name.strip().casefold()), None)


def next_voice(voice: str, voices: tuple[str, ...]) -> str:
    """Return the voice after this one; the first after the last, or after one that is not listed."""
    return voices[(voices.index(voice) + 1) % len(voices)] if voice in voices else voices[0]
