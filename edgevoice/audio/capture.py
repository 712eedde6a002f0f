"""Capture: opens one channel of a microphone, at the one rate and period that the box uses."""

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edgevoice.audio.channels import counts_for, counts_for_all, missing, taking
from edgevoice.audio.devices import SoundDevice
from edgevoice.audio.microphone import PERIOD
from edgevoice.audio.portaudio import INT16
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import ChannelMissing, DeviceBusy

if TYPE_CHECKING:
    import pyaudio

Callback = Callable[[bytes | None, int, Any, int], tuple[bytes | None, int]]


def open_capture(
    library: "pyaudio.PyAudio",
    found: SoundDevice,
    channel: int,
    callback: Callback,
    *,
    every_channel: Callable[[bytes, int], None] | None = None,
    guard: Callable[[Callback], Callback] = lambda callback: callback,
) -> None:
    """Open ``found`` with PortAudio; ``callback`` receives the samples of one channel, s16 at 16 kHz, in its thread.

    ``guard`` wraps what PortAudio calls. The other parameters and the errors are those of `open_channel`.
    """

    def open_with(count: int, wanted: Callback) -> None:
        library.open(
            rate=NEAR_END_HZ,
            channels=count,
            format=INT16,
            input=True,
            input_device_index=found.index,
            frames_per_buffer=PERIOD,
            stream_callback=guard(wanted),
        )

    open_channel(open_with, found.name, found.inputs, channel, callback, every_channel=every_channel)


def open_channel(
    open_with: Callable[[int, Callback], None],
    name: str,
    inputs: int,
    channel: int,
    callback: Callback,
    *,
    every_channel: Callable[[bytes, int], None] | None = None,
) -> None:
    """Open a microphone of ``inputs`` channels to hear one of them, with as many channels as it accepts.

    ``open_with`` opens a number of channels with a callback, or raises ``OSError`` or ``ValueError``. ``every_channel``
    gets each period with all channels of the card, interleaved, and their number. Raises ``ChannelMissing``, and
    ``DeviceBusy`` for a card that does not open.
    """
    counts = counts_for(channel, inputs)
    if not counts:
        raise ChannelMissing(missing(name, inputs, channel))
    if every_channel is not None:
        counts = [*(each for each in counts_for_all(inputs) if each > channel), *counts]

    def open_one(count: int) -> None:
        one = taking(channel, count, callback)
        open_with(count, one if every_channel is None else _sharing(one, every_channel, count))

    for count in counts[:-1]:
        # A card may accept fewer channels, or only all of them; the last attempt raises the error.
        with contextlib.suppress(OSError, ValueError):
            open_one(count)
            return
    try:
        open_one(counts[-1])
    except (OSError, ValueError) as error:
        raise DeviceBusy(f'"{name}" does not open at {NEAR_END_HZ} Hz: {error}') from error


def _sharing(callback: Callback, every_channel: Callable[[bytes, int], None], count: int) -> Callback:
    """Return a callback that gives each period to ``every_channel`` first."""

    def share(pcm: bytes | None, frames: int, times: Mapping[str, float], status: int) -> tuple[bytes | None, int]:
        if pcm is not None:
            every_channel(pcm, count)
        return callback(pcm, frames, times, status)

    return share
