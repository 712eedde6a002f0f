"""Test programs that listen to and play on the virtual card through real PyAudio."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import numpy as np
import numpy.typing as npt
import pyaudio

from tests.waiting import LIMIT_S

Samples = npt.NDArray[np.int16]
MICROPHONE = "edgevoice_mic"
SPEAKER = "edgevoice_dac"


class Listener:
    """Collects what a capture callback gets; ``stall_s`` makes the next call late."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.overflows = 0
        self.stall_s = 0.0

    def __call__(
        self, data: bytes | None, frames: int, times: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        assert data is not None
        self.chunks.append(data)
        self.overflows += bool(status & pyaudio.paInputOverflow)
        stall_s, self.stall_s = self.stall_s, 0.0
        threading.Event().wait(stall_s)
        return None, pyaudio.paContinue

    @property
    def samples(self) -> Samples:
        return np.frombuffer(b"".join(self.chunks), dtype=np.int16)


class Player:
    """Feeds a playback callback from ``queue``, else zeros; notes when the DAC should emit each block of the queue."""

    def __init__(self) -> None:
        self.queue = b""
        self.callbacks = 0
        self.underflows = 0
        self.stall_s = 0.0
        self.expected_s: list[float] = []

    def __call__(
        self, data: bytes | None, frames: int, times: Mapping[str, float], status: int
    ) -> tuple[bytes | None, int]:
        self.callbacks += 1
        self.underflows += bool(status & pyaudio.paOutputUnderflow)
        stall_s, self.stall_s = self.stall_s, 0.0
        threading.Event().wait(stall_s)
        block, self.queue = self.queue[: 2 * frames], self.queue[2 * frames :]
        if block:
            self.expected_s.append(time.monotonic() + times["output_buffer_dac_time"] - times["current_time"])
        return block.ljust(2 * frames, b"\0"), pyaudio.paContinue


@contextmanager
def pyaudio_on_the_card() -> Iterator[pyaudio.PyAudio]:
    audio = pyaudio.PyAudio()
    try:
        yield audio
    finally:
        audio.terminate()


def noise(seconds: float, rate_hz: int) -> Samples:
    """Return white noise without a zero sample, so that its first and last sample are certain to be found."""
    samples = np.random.default_rng(1).integers(-20000, 20000, round(seconds * rate_hz), dtype=np.int16)
    samples[samples == 0] = 1
    return samples


def until(is_so: Callable[[], bool]) -> None:
    pulse = threading.Event()
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        pulse.wait(0.005)


def place_of(needle: Samples, haystack: Samples) -> int:
    """Return the position of ``needle`` in ``haystack``, bit for bit, or -1."""
    place = haystack.tobytes().find(needle.tobytes())
    return place // 2 if place % 2 == 0 else -1


def devices(audio: pyaudio.PyAudio) -> dict[str, int]:
    return {str(audio.get_device_info_by_index(index)["name"]): index for index in range(audio.get_device_count())}


# Periods of 50 ms instead of the speaker's 10: this tests the card, not how busy the machine is.
def listen(audio: pyaudio.PyAudio, listener: Listener, *, frames: int = 800) -> "closing[pyaudio._Stream]":
    stream = audio.open(
        16_000,
        1,
        pyaudio.paInt16,
        input=True,
        input_device_index=devices(audio)[MICROPHONE],
        frames_per_buffer=frames,
        stream_callback=listener,
    )
    return closing(stream)


def play(audio: pyaudio.PyAudio, player: Player, *, frames: int = 1200) -> "closing[pyaudio._Stream]":
    stream = audio.open(
        24_000,
        1,
        pyaudio.paInt16,
        output=True,
        output_device_index=devices(audio)[SPEAKER],
        frames_per_buffer=frames,
        stream_callback=player,
    )
    return closing(stream)
