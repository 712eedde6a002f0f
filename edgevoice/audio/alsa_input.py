"""ALSA input: reads a microphone from a thread of its own, which wakes as rarely as the box can bear."""

import os
import select
import threading
import time
from collections.abc import Callable

from edgevoice.audio.alsa import AlsaError, Pcm
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.capture import Callback
from edgevoice.audio.card_ring import require_ring
from edgevoice.audio.microphone import FRAME, PERIOD, Microphone
from edgevoice.core.sound.rates import NEAR_END_HZ

_BUFFER = 32 * PERIOD
"""Frames that the card keeps for us, 640 ms: it costs no delay, and a busy machine loses nothing."""

_EARLY_S = 0.0005
"""How much after the last sample of a period is due the thread wakes: a card's position is a little behind."""

_SOON_S = 0.002


class AlsaInput:
    """Captures ``channels`` of a card at 16 kHz from opening to ``close``; raises ``AlsaError`` if it does not open.

    ``callback`` gets each period of 20 ms, in the thread of the input, as from PortAudio. While the box is not
    ``is_hurried``, the thread wakes once in 80 ms, when a frame for the wake word is complete, and hands over four
    periods at once: every sample is read once either way. The clock of ``microphone`` is fitted to what the card has
    captured at each waking. ``is_lost`` says that the card is gone.
    """

    def __init__(
        self,
        name: str,
        channels: int,
        callback: Callback,
        microphone: Microphone,
        threads: CallbackThreads,
        is_hurried: Callable[[], bool],
    ) -> None:
        self._pcm = Pcm(name, is_playback=False)
        try:
            self._pcm.configure(NEAR_END_HZ, channels=channels, period=PERIOD, buffer=_BUFFER, runs_free=False)
            require_ring(self._pcm.chain())
            self._pcm.prepare()
            self._pcm.start()
        except AlsaError:
            self._pcm.close()
            raise
        self._channels = channels
        self._callback = callback
        self._microphone = microphone
        self._threads = threads
        self._is_hurried = is_hurried
        self.is_lost = False
        self._closing = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        microphone.timing.restart()
        self._thread = threading.Thread(target=self._run, name="alsa-input", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop at once."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        self._pcm.close()
        os.close(self._closing)

    def _run(self) -> None:
        self._threads.join()
        try:
            wait_s = 0.0
            while not select.select([self._closing], [], [], wait_s)[0]:
                wait_s = self._take()
        except AlsaError:
            self.is_lost = True
        except Exception as error:  # noqa: BLE001 - nothing can catch it in this thread; it is in `errors`
            self._threads.errors.append(error)

    def _take(self) -> float:
        """Hand over every whole period that was captured; return for how many seconds nothing is to be done."""
        is_hurried = self._is_hurried()
        available = self._pcm.captured(self._microphone.timing.lost)
        self._microphone.timing.observe(self._microphone.position + available, time.monotonic())
        frames = available - available % PERIOD
        if frames:
            size = 2 * self._channels
            pcm = self._pcm.read(frames, size)
            piece = PERIOD * size if is_hurried else len(pcm)
            for at in range(0, len(pcm), piece):
                self._callback(pcm[at : at + piece], piece // size, None, 0)
        step = PERIOD if is_hurried else FRAME - self._microphone.position % FRAME
        return max(_SOON_S, (step - available % PERIOD) / NEAR_END_HZ + _EARLY_S)
