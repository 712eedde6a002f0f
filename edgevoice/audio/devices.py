"""Sound devices by name. Indices and numbers change with every card that is plugged in, so none is ever kept."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgevoice import threads
from edgevoice.audio.alsa import forget_configuration
from edgevoice.audio.cards import Card, alsa_name, cards_present, place_of, stable_name, words_of
from edgevoice.audio.jack import without_left_database
from edgevoice.audio.pcms import is_ours, listed_as, offer
from edgevoice.core.facts import Device
from edgevoice.errors import AudioUnavailable, DeviceBusy, DeviceMissing

if TYPE_CHECKING:
    import pyaudio

_STDERR = 2

_START_LIMIT_S = 8.0
"""PortAudio starts in 0.2 s on a PC. A hanging sound server, or a stale lock, would block it forever."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A device that PortAudio sees; ``rate_hz`` is the rate that it prefers."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate_hz: int

    def can_be(self, device: Device) -> bool:
        """Return whether the device can serve as this half of the sound system."""
        return (self.inputs if device is Device.MICROPHONE else self.outputs) > 0


@contextmanager
def sound_library(names: Iterable[str] = ()) -> Iterator["pyaudio.PyAudio"]:
    """Yield a new PortAudio, which enumerates the cards again; on exit it closes everything opened through it.

    ``names`` are those that will be looked for.
    """
    offer(names)
    library = open_library()
    try:
        yield library
    finally:
        library.terminate()


def open_library() -> "pyaudio.PyAudio":
    """Start PortAudio without its messages about JACK and absent surround cards.

    Raises ``AudioUnavailable`` if it cannot start, or has not started within 8 s.
    """
    with silent_stderr():
        try:
            return threads.start(_start, name="starting PortAudio").result(_START_LIMIT_S)
        except TimeoutError:
            raise AudioUnavailable(
                f"PortAudio has not started within {_START_LIMIT_S:g} s: the sound system hangs",
                remedy="Try again, then restart the sound server (PipeWire, PulseAudio, JACK) or the machine.",
            ) from None
        except OSError as error:
            raise AudioUnavailable(f"PortAudio does not start: {error}") from error


def _start() -> "pyaudio.PyAudio":
    # With the libraries of JACK it takes 2 MB, which a box whose cards ALSA opens by itself never needs.
    import pyaudio  # noqa: PLC0415

    # PortAudio keeps a configuration that a mixer or a ring has read, even if names were offered since.
    forget_configuration()
    with without_left_database():
        return pyaudio.PyAudio()


def present(library: "pyaudio.PyAudio") -> list[SoundDevice]:
    """Return every device, in PortAudio's order."""
    return [_found(library.get_device_info_by_index(index)) for index in range(library.get_device_count())]


def find(library: "pyaudio.PyAudio", device: Device, name: str) -> SoundDevice:
    """Return the device of that name: PortAudio's or ALSA's for it, or else the only one whose name contains it.

    A card may be named by its id, as ``CARD=Jabra``, by its number, or by its words, ignoring case; "default" is ALSA's
    default device. PortAudio's full name contains a number: if that has changed, the card is found by its words. If no
    device matches, or several do, ``DeviceMissing`` lists the names present; a device that does not open is
    ``DeviceBusy``. Names by ALSA's rules must have been offered before the library was opened, see `pcms`.
    """
    everything = [found for found in present(library) if found.can_be(device)]
    able = [found for found in everything if not is_ours(found.name)]
    cards = cards_present()
    pcm = alsa_name(name, cards)
    exact = [found for found in able if found.name == name]
    exact += [replace(found, name=name) for found in everything if pcm and found.name == listed_as(pcm)]
    if exact:
        return exact[0]
    if name == "default":
        return _default(library, device, able)
    part = name.casefold()
    similar = [found for found in able if part in found.name.casefold()]
    if not similar and (words := words_of(name)):
        similar = [found for found in able if words_of(found.name) == words]
    if len(similar) == 1:
        return similar[0]
    raise _missing(device, name, similar, able, cards)


def pcm_of(found: SoundDevice) -> str:
    """Return ALSA's name for a device; one of a card is opened through ``plughw``, which converts its format."""
    place = place_of(found.name)
    if alsa_name(found.name, cards_present()) or place is None:
        return alsa_name(found.name, cards_present()) or found.name
    return f"plughw:{place.card},{place.device}"


def _missing(
    device: Device, name: str, similar: Sequence[SoundDevice], able: Sequence[SoundDevice], cards: Sequence[Card]
) -> AudioUnavailable:
    """Return the error for a missing device, with the names of those present."""
    place = place_of(name)
    if not similar and place is not None and cards:
        ids = ", ".join(card.id for card in cards)
        if place.card not in {card.id for card in cards} | {str(card.number) for card in cards}:
            return DeviceMissing(f'no card is called "{place.card}", as "{name}" says; cards present: {ids}')
        if alsa_name(name, list(cards)):
            return DeviceBusy(
                f'the card of "{name}" is present, but its {device} does not open: in use, or the card has none',
                remedy="`fuser -v /dev/snd/*` names the program; `arecord -l` and `aplay -l` list what cards can do.",
            )
    # Names that stay with the card, as they should be written in the settings.
    names = ", ".join(sorted({stable_name(found.name, list(cards)) for found in similar or able})) or "none at all"
    problem = "more than one" if similar else "no"
    return DeviceMissing(f'{problem} {device} is called "{name}"; present: {names}')


def _default(library: "pyaudio.PyAudio", device: Device, able: list[SoundDevice]) -> SoundDevice:
    get = library.get_default_input_device_info
    if device is Device.SPEAKER:
        get = library.get_default_output_device_info
    try:
        return _found(get())
    except OSError:
        names = ", ".join(sorted({stable_name(found.name, cards_present()) for found in able})) or "none at all"
        raise DeviceMissing(f"there is no default {device}; present: {names}") from None


def _found(info: Mapping[str, Any]) -> SoundDevice:
    return SoundDevice(
        index=int(info["index"]),
        name=str(info["name"]),
        inputs=int(info["maxInputChannels"]),
        outputs=int(info["maxOutputChannels"]),
        rate_hz=int(info["defaultSampleRate"]),
    )


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard what C libraries print: their messages are not failures, and would look like ours."""
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
