"""Supervisor: the only owner of both streams. Opens them, notices when they die, reopens them."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.card_volume import CardVolumes
from edgevoice.audio.microphone import Microphone
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.streams import BY_PORTAUDIO, Backends, StreamOpener, Streams
from edgevoice.core.backoff import Backoff
from edgevoice.core.facts import Device, DeviceLost, DeviceRestored
from edgevoice.core.ports import Report
from edgevoice.errors import AudioUnavailable, DeviceBusy
from edgevoice.journal import tell
from edgevoice.threads import run as run_in_thread
from edgevoice.tick import until_tick_s

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_TICK_S = 0.25
_RARE_TICK_S = 0.5
"""The same where no stream is PortAudio's: those of ALSA say by themselves that their card is gone."""

_SOONEST_S = 0.1

_LATE_AFTER_S = 0.25
"""Age of the last callback at which its thread loses its real-time priority: after an unplug it spins."""

_STARVED_S = 0.2
"""How late this task's own tick may be before callback ages prove nothing: then every thread was late."""

_CLOSE_LIMIT_S = 2.0
"""Closing blocks for as long as a frozen sound server stays frozen; then only a new process helps."""

_OPEN_LIMIT_S = 10.0
_RETRY = Backoff(first_s=0.25, factor=2, limit_s=1.5)


def log_loss(device: Device, error: AudioUnavailable) -> None:
    """Log that a device is lost, and why."""
    tell(_log, logging.ERROR, "device-lost", device=str(device), problem=error.line())


class Supervisor:
    """Keeps both streams running; reports each half that is lost or restored, in the loop's thread.

    ``names`` are the devices' names, and ``channel`` is the microphone's, from 0. ``every_channel`` gets each period
    with all of the card's channels, interleaved, and their number, in the stream's thread. ``memory`` knows which cards
    the numbers in the names referred to. ``backends`` capture and play, and ``volumes`` opens the control of
    the speaker's card; while the box is not ``is_hurried``, the near
    end may come in pieces of 80 ms. ``lost`` receives the error with which a half is lost, before ``report`` receives
    the fact; it logs the error. ``run`` ends only by an error: a sound system that cannot even be closed is
    ``AudioUnavailable``, and the process must end, because PortAudio's threads cannot be removed in any other way.
    """

    def __init__(
        self,
        ears: Microphone,
        mouth: Speaker,
        names: Mapping[Device, str],
        report: Report,
        *,
        channel: int = 0,
        every_channel: Callable[[bytes, int], None] | None = None,
        memory: CardMemory | None = None,
        backends: Backends = BY_PORTAUDIO,
        volumes: CardVolumes | None = None,
        is_hurried: Callable[[], bool] = lambda: True,
        lost: Callable[[Device, AudioUnavailable], None] = log_loss,
    ) -> None:
        self._opener = StreamOpener(
            ears,
            mouth,
            names,
            channel=channel,
            every_channel=every_channel,
            memory=memory,
            backends=backends,
            volumes=volumes,
            is_hurried=is_hurried,
        )
        self._ears = ears
        self._mouth = mouth
        self._report = report
        self._explain = lost
        self._streams: Streams | None = None
        self._lost: dict[Device, str] = {}
        self._tries = 0
        self._looked_at = 0.0

    @property
    def looked_at(self) -> float | None:
        """When a lost microphone was last looked for, in monotonic seconds; ``None`` while it is there."""
        return self._looked_at if Device.MICROPHONE in self._lost else None

    async def run(self) -> None:
        """Open, watch and reopen, until cancelled."""
        try:
            while True:
                await self._open()
                await self._watch()
                await self._close()
        finally:
            # The process is ending: what does not close in time is left to the kernel.
            with contextlib.suppress(AudioUnavailable):
                await self._close()
                await _within(self._opener.restore, _CLOSE_LIMIT_S, "restoring the volume of the card")

    async def _open(self) -> None:
        opening = asyncio.ensure_future(_within(self._opener.open, _OPEN_LIMIT_S, "opening the sound system"))
        try:
            self._streams = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Streams that open now would run unnoticed until the process ends.
            while not opening.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({opening})
            if opening.exception() is None:
                self._streams = opening.result()
            raise
        for device in self._streams.open:
            if self._lost.pop(device, None) is not None:
                tell(_log, logging.INFO, "device-restored", device=str(device))
                self._report(DeviceRestored(device))
        for device, failure in self._streams.failures.items():
            self._lose(device, failure)
        self._tries = 0 if not self._streams.failures else self._tries + 1
        self._looked_at = time.monotonic()

    def _lose(self, device: Device, failure: AudioUnavailable) -> None:
        if self._lost.get(device) != str(failure):
            # Once, not with every attempt: a box may be without its card for weeks.
            self._explain(device, failure)
        if device not in self._lost:
            self._report(DeviceLost(device))
        self._lost[device] = str(failure)

    async def _watch(self) -> None:
        """Return when the streams must be reopened."""
        streams, threads = self._streams, self._opener.threads
        retry_at = time.monotonic() + _RETRY.delay_s(max(0, self._tries - 1), random.random)
        while streams is not None:
            slept_at, tick_s = time.monotonic(), _RARE_TICK_S if streams.is_quick else _TICK_S
            await asyncio.sleep(self._pause_s(tick_s, retry_at))
            # If our own tick was late, callback ages prove nothing: the whole machine stood still.
            is_starved = time.monotonic() - slept_at > tick_s + _STARVED_S
            if threads.errors:
                raise threads.errors[0]
            self._looked_at = time.monotonic()
            ages_s = {device: self._looked_at - self._called_at(device, streams) for device in streams.open}
            if not streams.is_quick and any(age_s > _LATE_AFTER_S for age_s in ages_s.values()):
                threads.calm()
            dead = [device for device, age_s in ages_s.items() if streams.is_lost(device, age_s) and not is_starved]
            for device in dead:
                self._lose(device, DeviceBusy(f"the {device} has stopped: unplugged, or its sound server has died"))
            # Looking for a missing microphone closes the speaker for a moment, so it waits until the speaker is silent.
            # A missing speaker keeps what it was to play, so waiting for its silence would never end.
            is_quiet = Device.SPEAKER not in streams.open or self._mouth.is_silent
            wants_retry = streams.failures and time.monotonic() >= retry_at and is_quiet
            if dead or wants_retry:
                return

    def _pause_s(self, tick_s: float, retry_at: float) -> float:
        """Return the seconds until the next look: the box's tick, but a missing card is not kept waiting for that."""
        pause_s = until_tick_s(asyncio.get_running_loop().time(), tick_s)
        if not self._lost:
            return pause_s
        return min(pause_s, max(_SOONEST_S, retry_at - time.monotonic()))

    def _called_at(self, device: Device, streams: Streams) -> float:
        called_at = self._ears.called_at if device is Device.MICROPHONE else self._mouth.called_at
        return max(called_at, streams.opened_at)

    async def _close(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            await _within(streams.close, _CLOSE_LIMIT_S, "closing the sound system")


async def _within(function: Callable[[], _T], limit_s: float, doing: str) -> _T:
    """Run a call that may block forever in a thread that the process may abandon; a timeout is ``AudioUnavailable``."""
    try:
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes together with the result.
        async with asyncio.timeout(limit_s):
            return await run_in_thread(function, name=doing)
    except TimeoutError:
        raise AudioUnavailable(f"{doing} takes longer than {limit_s:g} s: the sound system hangs") from None
