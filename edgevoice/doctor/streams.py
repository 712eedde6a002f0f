"""The box's own streams, opened for a check: what the microphone hears and what the speaker receives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from msgspec import structs

from edgevoice.audio.card_volume import SOFTWARE
from edgevoice.audio.devices import find, sound_library
from edgevoice.audio.microphone import Microphone
from edgevoice.audio.opening import open_supervisor
from edgevoice.audio.speaker import Speaker
from edgevoice.core.facts import Device, DeviceLost, Event
from edgevoice.errors import DeviceBusy, EdgevoiceError, PanelUnavailable
from edgevoice.panel.opening import open_mute_pin
from edgevoice.settings.schema import Settings

STEP_S = 0.1

_NOTHING = np.zeros(0, np.int16)


class SoundNotMeasured(EdgevoiceError):
    """A test sound was played or heard with gaps."""

    code = "echo-not-measured"
    remedy = "Run it again when the machine is less busy."


@dataclass(slots=True)
class PlayedAudio:
    """What was passed to the speaker, from the stream's first sample."""

    pieces: list[npt.NDArray[np.int16]] = field(default_factory=list)

    def played(self, samples: npt.NDArray[np.int16] | None, frames: int) -> None:
        """Take a period, in PortAudio's thread."""
        self.pieces.append(np.zeros(frames, np.int16) if samples is None else samples.copy())

    def take_back(self, frames: int) -> None:
        """Forget the last frames: the speaker was passed others instead."""
        self.pieces = [np.concatenate([*self.pieces, _NOTHING])[: -frames or None]]


def find_devices(settings: Settings) -> None:
    """Raise ``DeviceMissing`` for a name that no card has."""
    with sound_library([settings.microphone.device, settings.speaker.device]) as library:
        find(library, Device.MICROPHONE, settings.microphone.device)
        find(library, Device.SPEAKER, settings.speaker.device)


@asynccontextmanager
async def open_streams(
    settings: Settings,
    microphone: Microphone,
    speaker: Speaker,
    every_channel: Callable[[bytes, int], None] | None = None,
) -> AsyncIterator[list[Device]]:
    """Keep both streams open; yields the list of those that are lost.

    ``every_channel`` receives each of the microphone's periods with all of its channels, and their number.
    """
    lost: list[Device] = []

    def report(event: Event) -> None:
        if isinstance(event, DeviceLost):
            lost.append(event.device)

    with ExitStack() as opened:
        _let_amplifier_sound(settings, opened)
        # What is measured is what the box plays: the card's control is where the owner left it.
        far = structs.replace(settings.speaker, mixer=SOFTWARE)
        supervisor = open_supervisor(settings.microphone, far, microphone, speaker, report, every_channel=every_channel)
        running = asyncio.create_task(supervisor.run())
        try:
            yield lost
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


def _let_amplifier_sound(settings: Settings, opened: ExitStack) -> None:
    """Take the amplifier's mute pin, if any, as the box does; if a running box has it, the amplifier is already on."""
    with contextlib.suppress(PanelUnavailable):
        open_mute_pin(settings.amplifier, opened, None)


async def until(is_so: Callable[[], bool], limit_s: float, lost: list[Device]) -> None:
    """Wait until it is true; raises ``DeviceBusy`` if a device is lost, ``SoundNotMeasured`` at the time limit."""
    for _ in range(round(limit_s / STEP_S)):
        if lost:
            raise DeviceBusy(
                f"the {lost[0]} does not open, or was lost",
                remedy="If the box itself is running: `sudo systemctl stop edgevoice`, then try again; "
                "`fuser -v /dev/snd/*` names the program that uses the card.",
            )
        if is_so():
            return
        await asyncio.sleep(STEP_S)
    raise SoundNotMeasured("the sound card does not keep up with real time")


def gaps(microphone: Microphone, speaker: Speaker) -> int:
    """Return how many gaps there have been so far, in either direction."""
    return microphone.clock.jumps + speaker.clock.jumps + microphone.overflows + speaker.underflows


def nobody_hears(_frame: bytes, _end: int) -> None:
    """Stand in for the wake word."""


def nobody_waits() -> None:
    """Stand in for the uplink: the recording is fetched at its end."""
