"""Capture: opens one channel of a microphone, at the one rate and period that the box uses."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import pyaudio

from edgevoice.audio.channels import counts_for, counts_for_all, missing, taking
from edgevoice.audio.devices import SoundDevice
from edgevoice.audio.microphone import PERIOD
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import ChannelMissing, DeviceBusy

Callback = Callable[[bytes | None, int, Any, int], tuple[bytes | None, int]]


def open_capture(
    library: pyaudio.PyAudio,
    found: SoundDevice,
    channel: int,
    callback: Callback,
    *,
    every_channel: Callable[[bytes, int], None] | None = None,
    guard: Callable[[Callback], Callback] = lambda callback: callback,
    directly: Callable[[int, Callback], None] | None = None,
) -> None:
    """Open ``found``; ``callback`` receives the samples of one channel, s16 at 16 kHz, in the stream's thread.

    ``every_channel`` gets each period with all channels of the card, interleaved, and their number; ``guard`` wraps
    what PortAudio calls. ``directly`` opens so many channels without PortAudio, or raises ``OSError``.
    Raises ``ChannelMissing``, and ``DeviceBusy`` for a card that does not open.
    """
    counts = counts_for(channel, found.inputs)
    if not counts:
        raise ChannelMissing(missing(found.name, found.inputs, channel))
    if every_channel is not None:
        counts = [*(each for each in counts_for_all(found.inputs) if each > channel), *counts]

    def open_with(count: int) -> None:
        one = taking(channel, count, callback)
        wanted = one if every_channel is None else _sharing(one, every_channel, count)
        if directly is not None:
            directly(count, wanted)
            return
        library.open(
            rate=NEAR_END_HZ,
            channels=count,
            format=pyaudio.paInt16,
            input=True,
            input_device_index=found.index,
            frames_per_buffer=PERIOD,
            stream_callback=guard(wanted),
        )

    for count in counts[:-1]:
        # A card may accept fewer channels, or only all of them; the last attempt raises the error.
        with contextlib.suppress(OSError, ValueError):
            open_with(count)
            return
    try:
        open_with(counts[-1])
    except (OSError, ValueError) as error:
        raise DeviceBusy(f'"{found.name}" does not open at {NEAR_END_HZ} Hz: {error}') from error


def _sharing(callback: Callback, every_channel: Callable[[bytes, int], None], count: int) -> Callback:
    """Return a callback that gives each period to ``every_channel`` first."""

    def share(pcm: bytes | None, frames: int, times: Mapping[str, float], status: int) -> tuple[bytes | None, int]:
        if pcm is not None:
            every_channel(pcm, count)
        return callback(pcm, frames, times, status)

    return share
