"""The volume controls of a card, through libasound's simple mixer; whoever uses one decides nothing here."""

import contextlib
import ctypes
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.cards import place_of

_SONAME = "libasound.so.2"
_CHANNELS = 32
_AT_LEAST = 1
"""Rounding of a level to the steps of a control: the first that is not below it."""


_SHARED = frozenset({"default", "sysdefault", "dmix", "front", "surround40", "surround51", "iec958"})
"""What ALSA may put between a program and the card of its argument, so that several programs play on it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A control of playback: its name, its range, and where it is, in dB; ``is_even``: all its channels are there."""

    name: str
    lowest_db: float
    highest_db: float
    level_db: float
    is_even: bool = True


@dataclass(frozen=True, slots=True)
class MixerPlace:
    """ALSA's name for the mixer of a device; ``is_alone``: no other program plays on it, since it is a card's own."""

    ctl: str
    is_alone: bool = False


def mixer_place(device: str) -> MixerPlace:
    """Return where the mixer of a device is: on its card, else the mixer that is called as the device.

    A device that the configuration of ALSA defines as ``plug`` before a card, as scripts/setup does, is that card's.
    """
    own = device
    if place_of(device) is None and ":" not in device:
        with contextlib.suppress(AlsaError):
            own = _behind_plug(device) or device
    place = place_of(own)
    if place is None:
        return MixerPlace(device)
    # A name in brackets is how PortAudio calls a card's own device.
    return MixerPlace(f"hw:{place.card}", is_alone=own.partition(":")[0] not in _SHARED)


class Mixer:
    """The controls of one card, by ALSA's name for it, open until ``close``; raises ``AlsaError`` if it does not open.

    Each call may take as long as the card does, tens of milliseconds over USB; ``AlsaError`` says that it is gone. Not
    for several threads at once.
    """

    def __init__(self, ctl: str) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        self._check(self._library.snd_mixer_open(ctypes.byref(self._handle), 0), "opening a mixer")
        try:
            self._check(self._library.snd_mixer_attach(self._handle, ctl.encode()), f"opening the mixer of {ctl}")
            self._check(self._library.snd_mixer_selem_register(self._handle, None, None), "reading the controls")
            self._check(self._library.snd_mixer_load(self._handle), "reading the controls")
        except AlsaError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def scales(self) -> list[Scale]:
        """Return the controls that set how loud playback is, in dB, in the card's order."""
        self._refresh()
        return [scale for element in self._elements() if (scale := self._scale_of(element)) is not None]

    def level_db(self, name: str) -> float:
        """Return where a control is now, whoever moved it."""
        self._refresh()
        return self._level(self._element(name))

    def move(self, name: str, level_db: float) -> float:
        """Move a control to the lowest of its steps that is not below this level; return which that is."""
        self._refresh()
        element, wanted = self._element(name), math.ceil(100 * level_db - 0.01)
        moved = self._library.snd_mixer_selem_set_playback_dB_all(element, wanted, _AT_LEAST)
        self._check(moved, f"moving {name}")
        return self._level(element)

    def close(self) -> None:
        """Close the mixer; every control stays where it is."""
        if self._handle.value:
            self._library.snd_mixer_close(self._handle)
            self._handle = ctypes.c_void_p()

    def _refresh(self) -> None:
        """Read what was changed by others; without it libasound returns what it read first. Never waits."""
        self._check(self._library.snd_mixer_handle_events(self._handle), "asking the card")

    def _elements(self) -> Iterator[int]:
        element = self._library.snd_mixer_first_elem(self._handle)
        while element:
            yield element
            element = self._library.snd_mixer_elem_next(element)

    def _element(self, name: str) -> int:
        for element in self._elements():
            if self._name_of(element) == name:
                return element
        raise AlsaError(0, f'there is no control "{name}"')

    def _name_of(self, element: int) -> str:
        name: bytes = self._library.snd_mixer_selem_get_name(element)
        return name.decode(errors="replace")

    def _scale_of(self, element: int) -> Scale | None:
        library, lowest, highest = self._library, ctypes.c_long(), ctypes.c_long()
        if not library.snd_mixer_selem_is_active(element) or not library.snd_mixer_selem_has_playback_volume(element):
            return None
        ranged = library.snd_mixer_selem_get_playback_dB_range(element, ctypes.byref(lowest), ctypes.byref(highest))
        if ranged < 0 or lowest.value >= highest.value:
            return None
        levels = self._levels(element)
        if not levels:
            return None
        is_even = len(set(levels)) == 1
        return Scale(self._name_of(element), lowest.value / 100, highest.value / 100, max(levels) / 100, is_even)

    def _level(self, element: int) -> float:
        levels = self._levels(element)
        if not levels:
            raise AlsaError(0, f'"{self._name_of(element)}" has no level in dB')
        return max(levels) / 100

    def _levels(self, element: int) -> list[int]:
        found, level = [], ctypes.c_long()
        for channel in range(_CHANNELS):
            if not self._library.snd_mixer_selem_has_playback_channel(element, channel):
                continue
            if self._library.snd_mixer_selem_get_playback_dB(element, channel, ctypes.byref(level)) >= 0:
                found.append(level.value)
        return found

    def _check(self, result: int, doing: str) -> int:
        if result < 0:
            raise AlsaError(-result, f"{doing}: {os.strerror(-result)}")
        return result


def _behind_plug(name: str) -> str:
    """Return what ALSA's configuration puts behind ``plug`` under this name; empty if that is no plain name."""
    library = _library()
    top, update = ctypes.c_void_p(), ctypes.c_void_p()
    if library.snd_config_update_r(ctypes.byref(top), ctypes.byref(update), None) < 0:
        raise AlsaError(0, "the configuration of ALSA cannot be read")
    try:
        is_plug = _text_in(top, f"pcm.{name}.type") == "plug"
        return _text_in(top, f"pcm.{name}.slave.pcm") if is_plug else ""
    finally:
        library.snd_config_delete(top)
        library.snd_config_update_free(update)


def _text_in(top: ctypes.c_void_p, key: str) -> str:
    library, found, text = _library(), ctypes.c_void_p(), ctypes.c_char_p()
    if library.snd_config_search(top, key.encode(), ctypes.byref(found)) < 0:
        return ""
    if library.snd_config_get_string(found, ctypes.byref(text)) < 0 or text.value is None:
        return ""
    return text.value.decode(errors="replace")


@cache
def _library() -> ctypes.CDLL:
    """Return libasound for calls that may take as long as a card: other threads run meanwhile."""
    try:
        library = ctypes.CDLL(_SONAME)
    except OSError as error:
        raise AlsaError(0, f"{_SONAME} does not load: {error}") from error
    pointer, number, count = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
    element = "snd_mixer_selem_"
    signatures: dict[str, list[type[object]]] = {
        "snd_mixer_open": [pointer, number],
        "snd_mixer_attach": [pointer, ctypes.c_char_p],
        "snd_mixer_selem_register": [pointer, pointer, pointer],
        **{f"snd_mixer_{name}": [pointer] for name in ("load", "handle_events", "close", "first_elem", "elem_next")},
        **{f"{element}{name}": [pointer] for name in ("get_name", "is_active", "has_playback_volume")},
        f"{element}has_playback_channel": [pointer, number],
        f"{element}get_playback_dB_range": [pointer, pointer, pointer],
        f"{element}get_playback_dB": [pointer, number, pointer],
        f"{element}set_playback_dB_all": [pointer, count, number],
        "snd_config_update_r": [pointer, pointer, ctypes.c_char_p],
        "snd_config_search": [pointer, ctypes.c_char_p, pointer],
        "snd_config_get_string": [pointer, pointer],
        **{f"snd_config_{name}": [pointer] for name in ("delete", "update_free")},
    }
    for name, arguments in signatures.items():
        getattr(library, name).argtypes = arguments
    library.snd_mixer_first_elem.restype = library.snd_mixer_elem_next.restype = pointer
    library.snd_mixer_selem_get_name.restype = ctypes.c_char_p
    return library
