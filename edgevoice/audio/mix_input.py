"""Mix input: captures everything that the machine plays, from ALSA's loopback or a sound server's monitor.

It has a thread of its own, beside PortAudio: it may be lost and found again without the microphone noticing.
"""

import os
import select
import threading
import time

import numpy as np
import numpy.typing as npt

from edgevoice.audio.alsa import AlsaError, Pcm
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.callback_time import CallbackTime
from edgevoice.audio.cards import Card, alsa_name, cards_present, is_of_sound_server, place_of
from edgevoice.audio.devices import silent_stderr
from edgevoice.audio.ring import FarEndListener
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.errors import DeviceBusy

_CARD_HZ = 2 * FAR_END_HZ
"""The rate of sound servers and of most mixes. A loopback that is opened at another one before anybody plays would
impose it on every program that plays later.
"""

_PERIOD_S = 0.02
_BUFFER_S = 0.64
_WAIT_MS = 100
_SOON_S = 0.002

_STILL_S = 2.0
"""Without a sample for so long, the device is gone: a monitor whose sink was removed only stops, without an error. One
that nobody plays to delivers silence.
"""

_FAINT = 2
"""Amplitude up to which the mix counts as silence: dither."""

_DEFAULT_SOURCE = ("pulse", "pipewire")
"""Names that ask a sound server for what ALSA's default asks it for, too: its default source, a microphone."""

_TAPS = 32

_Samples = npt.NDArray[np.int16]


class MixInput:
    """Captures the device ``name`` from opening to ``close``; raises ``DeviceBusy`` if it does not open.

    ``listener`` gets each period of 20 ms, mono at 24 kHz, in the thread of the input; silence is passed as ``None``.
    ``clock`` is fitted to it. ``problem`` says why the device is lost, if it is.
    """

    def __init__(self, name: str, listener: FarEndListener, clock: ClockFit, *, position: int = 0) -> None:
        self._pcm, self._channels = _open(name)
        self._rate_hz = _CARD_HZ if self._channels > 1 else FAR_END_HZ
        self._period = round(_PERIOD_S * self._rate_hz)
        self._halver = Halver()
        self._listener = listener
        self.timing = CallbackTime(clock, "")
        self._read = position * self._rate_hz // FAR_END_HZ
        self.problem = ""
        self._closing = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.timing.restart()
        self._thread = threading.Thread(target=self._run, name="echo-reference", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; blocks for as long as a sound server that hangs."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        self._pcm.close()
        os.close(self._closing)

    def _run(self) -> None:
        CallbackThreads().join()
        try:
            pause_s, came_at = 0.0, time.monotonic()
            while not select.select([self._closing], [], [], pause_s)[0]:
                # Not by the clock, as a card's own input: the position of a monitor moves in steps, and only what is
                # seen just after a step fits its clock.
                self._pcm.wait(_WAIT_MS)
                now = time.monotonic()
                if self._take():
                    pause_s, came_at = 0.0, now
                elif now - came_at < _STILL_S:
                    pause_s = _SOON_S
                else:
                    self.problem = "it has stopped"
                    return
        except AlsaError as error:
            self.problem = str(error.strerror)

    def _take(self) -> int:
        """Hand over every whole period that was captured; return how many."""
        available = self._pcm.captured(self.timing.lost)
        at = (self._read + available) * FAR_END_HZ / self._rate_hz
        self.timing.observe(int(at), time.monotonic())
        periods = available // self._period
        for _ in range(periods):
            pcm = self._pcm.read(self._period, 2 * self._channels)
            self._read += len(pcm) // (2 * self._channels)
            self._hand_over(np.frombuffer(pcm, "<i2"))
        return periods

    def _hand_over(self, samples: _Samples) -> None:
        frames = len(samples) // self._channels * FAR_END_HZ // self._rate_hz
        if not frames or (int(samples.max()) <= _FAINT and int(samples.min()) >= -_FAINT):
            self._halver.rest()
            self._listener.played(None, frames)
        else:
            self._listener.played(self._halver.take(samples) if self._channels > 1 else samples, frames)


class Halver:
    """Turns stereo at 48 kHz into mono at 24 kHz: the mean of both, 0.3 ms late, flat to 8 kHz."""

    def __init__(self) -> None:
        away = np.arange(_TAPS) - (_TAPS - 1) / 2
        shape = 0.5 * np.sinc(0.5 * away) * np.kaiser(_TAPS, 7.0)
        taps = (shape / shape.sum() / 2).astype(np.float32)
        # Each output takes every second frame with every second tap, and the others with the others.
        self._taps = taps[0::2][::-1].copy(), taps[1::2][::-1].copy()
        self._before = np.zeros(_TAPS - 2, np.float32)

    def take(self, samples: _Samples) -> _Samples:
        """Return the next half as many mono samples; ``samples`` are interleaved, an even number of frames."""
        both = samples.astype(np.float32)
        joined = np.concatenate([self._before, both[0::2] + both[1::2]])
        self._before = joined[len(joined) - (_TAPS - 2) :]
        if len(joined) < _TAPS:
            return np.zeros(0, np.int16)
        even, odd = (np.convolve(joined[at::2], self._taps[at], "valid") for at in (0, 1))
        halved: _Samples = np.clip(np.rint(even + odd), -32_768, 32_767).astype(np.int16)
        return halved

    def rest(self) -> None:
        """Forget the last frames: silence comes next."""
        self._before[:] = 0


def is_same_device(one: str, other: str, cards: list[Card]) -> bool:
    """Return whether two names denote one device, as far as ALSA's names show it."""
    places = []
    for name in ("default" if name in _DEFAULT_SOURCE else name for name in (one, other)):
        place = place_of(name) or place_of(alsa_name(name, cards))
        number = place and next((card.number for card in cards if place.card in {card.id, str(card.number)}), None)
        places.append((place.card if number is None else str(number), place.device) if place is not None else (name, 0))
    return places[0] == places[1]


def open_mix(name: str, microphone: str, listener: FarEndListener, clock: ClockFit, *, position: int = 0) -> MixInput:
    """Return the capture of the device ``name``; ``DeviceBusy`` if it does not open, or is the ``microphone``."""
    if is_same_device(name, microphone, cards_present()):
        raise DeviceBusy(f'"{name}" is the microphone itself', remedy="Name an ALSA loopback or a monitor.")
    return MixInput(name, listener, clock, position=position)


def _open(name: str) -> tuple[Pcm, int]:
    """Return the running PCM and its channels: two at 48 kHz, or where the device refuses that, one at 24 kHz."""
    try:
        return _started(name, _CARD_HZ, 2), 2
    except AlsaError as refused:
        converting = name if name.startswith("plug") else f"plug:'{name}'"
        try:
            return _started(converting, FAR_END_HZ, 1), 1
        except AlsaError:
            remedy = 'Set echo.reference to a name that `edgevoice devices` lists as a microphone, or to "own".'
            if is_of_sound_server(name):
                remedy = (
                    "docs/home-assistant.md says how the box reaches a sound server, and what its devices are called."
                )
            raise DeviceBusy(
                f'"{name}" does not open as the echo reference: {refused.strerror}', remedy=remedy
            ) from refused


def _started(name: str, rate_hz: int, channels: int) -> Pcm:
    with silent_stderr():
        pcm = Pcm(name, is_playback=False)
        try:
            pcm.configure(
                rate_hz,
                channels=channels,
                period=round(_PERIOD_S * rate_hz),
                buffer=round(_BUFFER_S * rate_hz),
                runs_free=False,
            )
            pcm.prepare()
            pcm.start()
        except AlsaError:
            pcm.close()
            raise
    return pcm
