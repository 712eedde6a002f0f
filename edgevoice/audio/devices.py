"""Sound devices by name. Indices change with every card that is plugged in, so none is ever kept."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyaudio

from edgevoice.core.facts import Device
from edgevoice.errors import AudioUnavailable, DeviceMissing

_STDERR = 2


@dataclass(frozen=True, slots=True)
class Found:
    """A device that PortAudio sees; ``rate_hz`` is the rate that it prefers."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate_hz: int

    def can_be(self, device: Device) -> bool:
        """Say whether it can serve as this half of the sound system."""
        return (self.inputs if device is Device.MICROPHONE else self.outputs) > 0


@contextmanager
def sound_library() -> Iterator[pyaudio.PyAudio]:
    """Give a fresh PortAudio, which enumerates the cards anew, and end it with everything opened through it."""
    library = open_library()
    try:
        yield library
    finally:
        library.terminate()


def open_library() -> pyaudio.PyAudio:
    """Start PortAudio without its chatter about JACK and absent surround cards; ``AudioUnavailable`` if it cannot."""
    with _silent_stderr():
        try:
            return pyaudio.PyAudio()
        except OSError as error:
            raise AudioUnavailable(f"PortAudio does not start: {error}") from error


def present(library: pyaudio.PyAudio) -> list[Found]:
    """Return every device, in PortAudio's order."""
    return [_found(library.get_device_info_by_index(index)) for index in range(library.get_device_count())]


def find(library: pyaudio.PyAudio, device: Device, name: str) -> Found:
    """Return the device of that name: exactly, else the only one whose name contains it, whatever the case.

    "default" is the one that ALSA takes by default. None, or several, is ``DeviceMissing`` with the names present.
    """
    able = [found for found in present(library) if found.can_be(device)]
    exact = [found for found in able if found.name == name]
    if exact:
        return exact[0]
    if name == "default":
        return _default(library, device, able)
    similar = [found for found in able if name.casefold() in found.name.casefold()]
    if len(similar) == 1:
        return similar[0]
    names = ", ".join(sorted({found.name for found in similar or able})) or "none at all"
    problem = "more than one" if similar else "no"
    raise DeviceMissing(f'{problem} {device} is called "{name}"; present: {names}')


def _default(library: pyaudio.PyAudio, device: Device, able: list[Found]) -> Found:
    get = library.get_default_input_device_info
    if device is Device.SPEAKER:
        get = library.get_default_output_device_info
    try:
        return _found(get())
    except OSError:
        names = ", ".join(sorted({found.name for found in able})) or "none at all"
        raise DeviceMissing(f"there is no default {device}; present: {names}") from None


def _found(info: Mapping[str, Any]) -> Found:
    return Found(
        index=int(info["index"]),
        name=str(info["name"]),
        inputs=int(info["maxInputChannels"]),
        outputs=int(info["maxOutputChannels"]),
        rate_hz=int(info["defaultSampleRate"]),
    )


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send what C libraries print to nowhere: their complaints are no failures, and would look like ours."""
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
