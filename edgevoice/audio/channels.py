"""Channels: which of a microphone's channels is the near-end, and how it is extracted. Opens nothing.

ALSA's ``plug`` gives a program that asks for one channel the mean of all: an I2S microphone alone on the left loses
6 dB, and an array's own loopback is mixed with the voices. Asked for several, it returns the card's first channels
unchanged, duplicates the only one of a mono card, and fills channels that the card lacks with zeros (alsa-lib,
pcm_plug.c).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MOST = 16
"""The most channels to use: more than any array for a Pi has, and fewer than the 128 that ``plug`` offers."""

Capture = Callable[[bytes | None, int, Mapping[str, float] | None, int], Any]
"""A capture callback, as PortAudio calls it."""


def counts_for(channel: int, inputs: int) -> list[int]:
    """Return the channel counts with which to open a device of ``inputs`` to hear number ``channel``, the best first.

    Empty if it has too few channels. The last entries allow for a card that accepts only all of its channels, or only
    one.
    """
    if channel >= inputs:
        return []
    least = min(inputs, max(2, channel + 1))
    wanted = [least, *([inputs] if inputs <= MOST else []), *([1] if channel == 0 else [])]
    return list(dict.fromkeys(wanted))


def counts_for_all(inputs: int) -> list[int]:
    """Return the channel counts with which to open a device to see every channel, the best first."""
    return [count for count in dict.fromkeys((min(inputs, MOST), 8, 6, 4, 2, 1)) if count <= inputs]


def taking(channel: int, count: int, callback: Capture) -> Capture:
    """Return a callback that passes on one channel of ``count``, interleaved s16, in two millionths of a second."""
    if count == 1:
        return callback

    def take(pcm: bytes | None, frames: int, times: Mapping[str, float] | None, status: int) -> Any:
        one = None if pcm is None else np.frombuffer(pcm, "<i2")[channel::count].tobytes()
        return callback(one, frames, times, status)

    return take


def missing(name: str, inputs: int, channel: int) -> str:
    """Return the error line for a card called ``name`` that lacks the channel in the settings."""
    has = "channel 0 alone" if inputs == 1 else f"channels 0 to {inputs - 1}"
    return f'"{name}" has {has}; microphone.channel is {channel}'
