"""The microphone for commands that show or learn what is heard: opened as the daemon opens it, closed by Ctrl-C."""

import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from edgevoice.audio.capture import open_capture
from edgevoice.audio.devices import find, sound_library
from edgevoice.audio.microphone import Microphone
from edgevoice.core.facts import Device
from edgevoice.errors import DeviceBusy
from edgevoice.settings.sound import MicrophoneSettings

_MOST_WAITING: Final = 50
_DEAD_AFTER_S: Final = 1.0
_WAIT_S: Final = 0.2

Frame = tuple[bytes, int]
"""1280 samples, mono s16 at 16 kHz, and the number of the sample after them."""


@contextmanager
def frames_heard(settings: MicrophoneSettings, is_over: threading.Event) -> Iterator[Iterator[Frame]]:
    """Open the microphone as the daemon does, and give its frames until ``is_over``; alone, as nothing is played."""
    waiting: queue.Queue[Frame] = queue.Queue(_MOST_WAITING)

    def hear(frame: bytes, end: int) -> None:
        # A terminal that was stopped: what it has missed is of no use to it.
        with suppress(queue.Full):
            waiting.put_nowait((frame, end))

    microphone = Microphone(hear, _nobody_waits)
    with sound_library([settings.device]) as library:
        found = find(library, Device.MICROPHONE, settings.device)
        opened_at = time.monotonic()
        try:
            open_capture(library, found, settings.channel, microphone.callback)
        except DeviceBusy as error:
            error.remedy = (
                "Does the box itself run? `sudo systemctl stop edgevoice`, then try again; "
                "`fuser -v /dev/snd/*` names whoever has the card."
            )
            raise

        def frames() -> Iterator[Frame]:
            while not is_over.is_set():
                try:
                    yield waiting.get(timeout=_WAIT_S)
                except queue.Empty:
                    if time.monotonic() - max(opened_at, microphone.called_at) > _DEAD_AFTER_S:
                        raise DeviceBusy(
                            "the microphone has stopped: unplugged, or its sound server has died"
                        ) from None

        yield frames()


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """Turn Ctrl-C into an event: the screen is put in order and the card given back before it ends."""
    is_over = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        is_over.set()

    earlier = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield is_over
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _nobody_waits() -> None:
    """Stand in for the uplink."""
