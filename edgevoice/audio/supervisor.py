"""Supervisor: the one owner of both streams. Opens them, sees when they die, opens them again."""

import asyncio
import contextlib
import ctypes
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pyaudio

from edgevoice import threads
from edgevoice.audio import devices, microphone, pcms, speaker
from edgevoice.audio.capture import Callback, open_capture
from edgevoice.audio.card_memory import CardMemory
from edgevoice.core.backoff import Backoff
from edgevoice.core.facts import Device, DeviceLost, DeviceRestored
from edgevoice.core.ports import Report
from edgevoice.errors import AudioUnavailable, DeviceBusy
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_TICK_S = 0.2
_LATE_AFTER_S = 0.25
"""Age of the last callback at which its thread loses its real-time priority: after an unplug it spins."""

_DEAD_AFTER_S = 0.5
"""Age of the last callback that means loss. No other sign exists: PortAudio reports a live stream after an unplug."""

_STARVED_S = 0.2
"""How late this task's own tick may be before callback ages prove nothing: then every thread was late."""

_CLOSE_LIMIT_S = 2.0
"""Closing blocks for as long as a frozen sound server stays frozen; then only a new process helps."""

_OPEN_LIMIT_S = 10.0
_LASTING_CALLS = 1000
"""Callbacks after which a stream is taken to last: 10 s of the speaker, 20 s of the microphone."""

_RETRY = Backoff(first_s=0.25, factor=2, limit_s=1.5)


@dataclass(slots=True)
class _Streams:
    """What is open, and why the rest is not."""

    library: pyaudio.PyAudio
    opened_at: float
    open: list[Device] = field(default_factory=list)
    failures: dict[Device, AudioUnavailable] = field(default_factory=dict)


class Supervisor:
    """Keeps both streams running; reports each half that is lost or restored, in the loop's thread.

    ``names`` are the devices' names, and ``channel`` is the microphone's, from 0. ``every_channel`` gets each period
    with all of the card's channels, interleaved, and their number, in PortAudio's thread. ``memory`` knows which cards
    numbers in the names have meant. ``run`` ends only by an
    error: a sound system that cannot even be closed is ``AudioUnavailable``, and the process must end, because
    PortAudio's threads cannot be got rid of in any other way.
    """

    def __init__(
        self,
        ears: microphone.Microphone,
        mouth: speaker.Speaker,
        names: Mapping[Device, str],
        report: Report,
        *,
        channel: int = 0,
        every_channel: Callable[[bytes, int], None] | None = None,
        memory: CardMemory | None = None,
    ) -> None:
        self._ears = ears
        self._channel = channel
        self._every_channel = every_channel
        self._mouth = mouth
        self._names = names
        self._memory = memory or CardMemory(None)
        self._report = report
        self._streams: _Streams | None = None
        self._lost: dict[Device, str] = {}
        self._tries = 0
        self._errors: list[Exception] = []
        self._threads: set[int] = set()
        self._looked_at = 0.0

    @property
    def looked_at(self) -> float | None:
        """When a lost microphone was last looked for, in monotonic seconds; ``None`` while it is there."""
        return self._looked_at if Device.MICROPHONE in self._lost else None

    async def run(self) -> None:
        """Open, watch, re-open, for ever."""
        try:
            while True:
                await self._open()
                await self._watch()
                await self._close()
        finally:
            # The process is on its way out: what does not close in time is left to the kernel.
            with contextlib.suppress(AudioUnavailable):
                await self._close()

    async def _open(self) -> None:
        opening = asyncio.ensure_future(_within(self._open_streams, _OPEN_LIMIT_S, "opening the sound system"))
        try:
            self._streams = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Streams that open now would run until the process ends: nobody would know of them.
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
            # Once, not with every try: a box may be without its card for weeks.
            tell(_log, logging.ERROR, "device-lost", device=str(device), problem=failure.line())
        if device not in self._lost:
            self._report(DeviceLost(device))
        self._lost[device] = str(failure)

    async def _watch(self) -> None:
        """Return when the streams must be opened anew."""
        streams = self._streams
        retry_at = time.monotonic() + _RETRY.delay_s(max(0, self._tries - 1), random.random)
        while streams is not None:
            slept_at = time.monotonic()
            await asyncio.sleep(_TICK_S)
            # Who could not look in time can say nothing about how late others are: the machine stood still for all.
            is_starved = time.monotonic() - slept_at > _TICK_S + _STARVED_S
            if self._errors:
                raise self._errors[0]
            self._looked_at = time.monotonic()
            ages_s = {device: self._looked_at - self._called_at(device, streams) for device in streams.open}
            if any(age_s > _LATE_AFTER_S for age_s in ages_s.values()):
                self._calm_threads()
            dead = [device for device, age_s in ages_s.items() if age_s > _DEAD_AFTER_S and not is_starved]
            for device in dead:
                self._lose(device, DeviceBusy(f"the {device} has stopped: unplugged, or its sound server has died"))
            # Looking for a missing microphone closes the speaker for a moment, so it waits for a silent one. A speaker
            # that is missing itself keeps what it was to play, and would be waited for for ever.
            is_quiet = Device.SPEAKER not in streams.open or self._mouth.is_silent
            wants_retry = streams.failures and time.monotonic() >= retry_at and is_quiet
            if dead or wants_retry:
                return

    def _called_at(self, device: Device, streams: _Streams) -> float:
        called_at = self._ears.called_at if device is Device.MICROPHONE else self._mouth.called_at
        return max(called_at, streams.opened_at)

    async def _close(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            await _within(streams.library.terminate, _CLOSE_LIMIT_S, "closing the sound system")

    def _open_streams(self) -> _Streams:
        names = {device: self._memory.resolve(device, name) for device, name in self._names.items()}
        pcms.offer(names.values())
        streams = _Streams(devices.open_library(), time.monotonic())
        for device, open_one in ((Device.MICROPHONE, self._open_ears), (Device.SPEAKER, self._open_mouth)):
            try:
                open_one(streams.library, names[device])
                streams.open.append(device)
            except AudioUnavailable as failure:
                # With its traceback it would hold what holds it: garbage, every second or two without a card.
                streams.failures[device] = failure.with_traceback(None)
        streams.opened_at = time.monotonic()
        return streams

    def _open_ears(self, library: pyaudio.PyAudio, name: str) -> None:
        found = devices.find(library, Device.MICROPHONE, name)
        open_capture(
            library,
            found,
            self._channel,
            self._ears.callback,
            every_channel=self._every_channel,
            guard=self._guarded,
        )

    def _open_mouth(self, library: pyaudio.PyAudio, name: str) -> None:
        found = devices.find(library, Device.SPEAKER, name)
        try:
            library.open(
                rate=speaker.RATE_HZ,
                channels=1,
                format=pyaudio.paInt16,
                output=True,
                output_device_index=found.index,
                frames_per_buffer=speaker.PERIOD,
                stream_callback=self._guarded(self._mouth.callback),
            )
        except (OSError, ValueError) as error:
            raise DeviceBusy(f'"{found.name}" does not open at {speaker.RATE_HZ} Hz: {error}') from error

    def _calm_threads(self) -> None:
        """Take real time back from PortAudio's threads: two that spin would starve a machine of two cores, and us."""
        while self._threads:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.sched_setscheduler(self._threads.pop(), os.SCHED_OTHER, os.sched_param(0))

    def _guarded(self, callback: Callback) -> Callback:
        """Wrap a callback: it asks for real time in its thread, and an error in it ends more than the stream."""
        calls = 0

        def guarded(pcm: bytes | None, frames: int, times: Any, status: int) -> tuple[bytes | None, int]:
            nonlocal calls
            calls += 1
            if calls == 1:
                self._threads.add(threading.get_native_id())
                _ask_for_real_time()
            elif calls == _LASTING_CALLS:
                _stay_known_to_the_interpreter()
            try:
                return callback(pcm, frames, times, status)
            except Exception as error:  # noqa: BLE001 - PortAudio's thread has nobody to raise to; `_watch` raises it
                self._errors.append(error)
                return None, pyaudio.paAbort

        return guarded


def _ask_for_real_time() -> None:
    """Let this thread go before others; without permission (LimitRTPRIO) it goes on as it is."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))


def _stay_known_to_the_interpreter() -> None:
    """Keep the interpreter's record of this foreign thread from one callback to the next.

    Without it each callback makes one, with a stack of its own, and throws it away. The record, 4 kB, outlives the
    thread: that is why only a stream that lasts asks for it. One that is opened anew every two seconds, because the
    other half of the sound system is missing, would fill the memory in weeks.
    """
    ctypes.pythonapi.PyGILState_Ensure()


async def _within(function: Callable[[], _T], limit_s: float, doing: str) -> _T:
    """Run what may block for ever in a thread that the process need not wait for; late is ``AudioUnavailable``."""
    try:
        # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes together with the result.
        async with asyncio.timeout(limit_s):
            return await threads.run(function, name=doing)
    except TimeoutError:
        raise AudioUnavailable(f"{doing} takes longer than {limit_s:g} s: the sound system hangs") from None
