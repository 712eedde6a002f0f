"""Card memory: which card a number in the settings referred to. Logs when that has changed."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

from edgevoice.audio.cards import Card, Place, cards_present, place_of
from edgevoice.core.facts import Device
from edgevoice.journal import tell
from edgevoice.store.files import write_whole

_log = logging.getLogger(__name__)

_LARGEST_BYTES = 10_000


class CardMemory:
    """Keeps in ``path`` the card behind each numbered name, or nothing; one line in the log for each thing to say."""

    def __init__(self, path: Path | None, cards: Callable[[], list[Card]] = cards_present) -> None:
        self._path = path
        self._cards = cards
        self._told: set[str] = set()

    def resolve(self, device: Device, name: str) -> str:
        """Return the name to look for: ``name``, or that of the card to which it referred when it was first used.

        Reads and writes the file; if it cannot be written, nothing is remembered.
        """
        place = place_of(name)
        if place is None or place.number is None:
            return name
        cards = {card.number: card.id for card in self._cards()}
        now, before = cards.get(place.number, ""), self._remembered(device, name)
        if before and before != now:
            return self._moved(device, name, place, before, cards)
        if now:
            if not before:
                self._remember(device, name, now)
            self._say("card-by-number", device, f'"{name}" holds a number, which may change with a restart', now, place)
        return name

    def _moved(self, device: Device, name: str, place: Place, before: str, cards: dict[int, str]) -> str:
        stable = _stable(before, place)
        if before in cards.values():
            number = next(number for number, each in cards.items() if each == before)
            problem = f'"{name}" meant the card {before}, which is number {number} now and is used all the same'
            self._say("card-moved", device, problem, before, place)
            return stable
        if now := cards.get(place.number or 0, ""):
            problem = f'"{name}" meant the card {before}, which is missing; it now means {now}, which is used'
            self._say("card-changed", device, problem, now, place)
        return name

    def _say(self, event: str, device: Device, problem: str, card: str, place: Place) -> None:
        line = f"{problem}. Set {device}.device to {_stable(card, place)}, which stays with that card."
        if line not in self._told:
            self._told.add(line)
            tell(_log, logging.WARNING, event, device=str(device), card=card, problem=line)

    def _remembered(self, device: Device, name: str) -> str:
        match self._read().get(str(device)):
            case {"name": str(known), "card": str(card)} if known == name:
                return card
            case _:
                return ""

    def _read(self) -> dict[str, object]:
        if self._path is None:
            return {}
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(_LARGEST_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _remember(self, device: Device, name: str, card: str) -> None:
        if self._path is None:
            return
        everything = self._read() | {str(device): {"name": name, "card": card}}
        try:
            write_whole(self._path, json.dumps(everything).encode())
        except OSError as error:
            tell(_log, logging.DEBUG, "card-memory", problem=f"{self._path} cannot be written: {error.strerror}")


def _stable(card: str, place: Place) -> str:
    return f"plughw:CARD={card},DEV={place.device}"
