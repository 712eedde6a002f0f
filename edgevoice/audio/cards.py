"""Cards by ALSA's names: what the kernel lists, how people name a card, and which names survive a restart.

Opens no card. A card's number follows the order in which cards were found; its id, such as "Jabra", stays.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PLACE = Path("/proc/asound")

_ARGUMENTS = r"[A-Za-z0-9_.=,\-]+"
_BY_ALSA = re.compile(rf"[a-z][a-z0-9_]*:{_ARGUMENTS}")
"""A PCM with arguments, such as plughw:CARD=Jabra,DEV=0 (ALSA's library, "PCM naming conventions")."""

_BY_CARD = re.compile(r"(?:CARD=[A-Za-z0-9_\-]+|\d{1,2})(?:,(?:DEV=)?\d{1,2})?")
"""The arguments alone."""

_IN_BRACKETS = re.compile(r"(?P<words>.*?)(?::[^:]*)? \((?:plug)?hw:(?P<card>\d+),(?P<device>\d+)\)")
"""How PortAudio names a device of a card: its words, its device's words, and its numbers."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card that the kernel knows."""

    number: int
    id: str


@dataclass(frozen=True, slots=True)
class Place:
    """A card and a device on it, as named in the settings; ``card`` is an id, or digits."""

    card: str
    device: int = 0

    @property
    def number(self) -> int | None:
        """The card's number, if it was named by number."""
        return int(self.card) if self.card.isdigit() else None


def cards_present(place: Path | None = None) -> list[Card]:
    """Return the cards that are present, by number; empty if the kernel lists none."""
    cards = []
    for each in (place or PLACE).glob("card[0-9]*"):
        try:
            cards.append(Card(int(each.name.removeprefix("card")), (each / "id").read_text(encoding="utf-8").strip()))
        except (OSError, ValueError):
            continue  # pulled out at this moment, or no card's folder
    return sorted(cards, key=lambda card: card.number)


def alsa_name(name: str, cards: list[Card]) -> str:
    """Return the PCM that a name in the settings denotes by ALSA's rules, or by a card's id; else an empty text.

    A card alone, as ``Jabra``, ``CARD=Jabra`` or ``2``, is opened through ``plughw``, which converts rate and format.
    """
    if _BY_ALSA.fullmatch(name):
        return name
    if _BY_CARD.fullmatch(name) or name in {card.id for card in cards}:
        return f"plughw:{name}"
    return ""


def is_of_sound_server(name: str) -> bool:
    """Return whether ALSA opens a name through PulseAudio or PipeWire, whose devices are no cards of ALSA's."""
    return name.partition(":")[0] in {"pulse", "pipewire"}


def place_of(name: str) -> Place | None:
    """Return the card and device that a name denotes, by id or number; ``None`` for a name without a card."""
    if bracketed := _IN_BRACKETS.fullmatch(name):
        return Place(bracketed["card"], int(bracketed["device"]))
    pcm, _, arguments = name.partition(":")
    if not _BY_ALSA.fullmatch(name):
        arguments = name if _BY_CARD.fullmatch(name) else ""
    elif pcm in {"plug", "file", "null"} or is_of_sound_server(name):
        return None
    parts = [part.partition("=")[2] or part for part in arguments.split(",") if part]
    if not parts:
        return None
    return Place(parts[0], int(parts[1]) if parts[1:] and parts[1].isdigit() else 0)


def words_of(name: str) -> str:
    """Return a card's own description from PortAudio's name for it, without numbers; empty for other names."""
    bracketed = _IN_BRACKETS.fullmatch(name)
    return bracketed["words"] if bracketed else ""


def stable_name(name: str, cards: list[Card]) -> str:
    """Return a name for the same device that does not contain a number; ``name`` itself if there is none better."""
    place = place_of(name)
    if place is None or place.number is None:
        return name
    found = next((card for card in cards if card.number == place.number), None)
    return f"plughw:CARD={found.id},DEV={place.device}" if found is not None else name
