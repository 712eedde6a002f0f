"""Streams: opens both halves of the sound system on the cards that the settings name. Blocks: not for the loop."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import pyaudio

from edgevoice.audio import devices, microphone, pcms, speaker
from edgevoice.audio.alsa_output import AlsaOutput
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.capture import open_capture
from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.card_ring import RingUnavailable
from edgevoice.core.facts import Device
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.errors import AudioUnavailable, DeviceBusy
from edgevoice.journal import tell
from edgevoice.settings.sound import Backend

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Streams:
    """What is open, since when in monotonic seconds, and why the rest is not."""

    library: pyaudio.PyAudio
    opened_at: float
    output: AlsaOutput | None = None
    open: list[Device] = field(default_factory=list)
    failures: dict[Device, AudioUnavailable] = field(default_factory=dict)

    def close(self) -> None:
        """Close everything; blocks for as long as a sound server that hangs."""
        output, self.output = self.output, None
        if output is not None:
            output.close()
        self.library.terminate()


class StreamOpener:
    """Opens the streams of a microphone and a speaker; the parameters are those of `Supervisor`."""

    def __init__(
        self,
        ears: microphone.Microphone,
        mouth: speaker.Speaker,
        names: Mapping[Device, str],
        *,
        channel: int = 0,
        every_channel: Callable[[bytes, int], None] | None = None,
        memory: CardMemory | None = None,
        backend: Backend = "auto",
    ) -> None:
        self._backend: Backend = backend
        self._ears = ears
        self._mouth = mouth
        self._names = names
        self._channel = channel
        self._every_channel = every_channel
        self._memory = memory or CardMemory(None)
        self._told = ""
        self.threads = CallbackThreads()

    def open(self) -> Streams:
        """Open whichever half can be opened; raise ``AudioUnavailable`` if the sound system does not start at all."""
        names = {device: self._memory.resolve(device, name) for device, name in self._names.items()}
        pcms.offer(names.values())
        streams = Streams(devices.open_library(), time.monotonic())
        for device, open_one in ((Device.MICROPHONE, self._open_ears), (Device.SPEAKER, self._open_mouth)):
            try:
                open_one(streams, names[device])
                streams.open.append(device)
            except AudioUnavailable as failure:
                # With its traceback it would keep a reference cycle alive: garbage, every second or two without a card.
                streams.failures[device] = failure.with_traceback(None)
        streams.opened_at = time.monotonic()
        return streams

    def _open_ears(self, streams: Streams, name: str) -> None:
        open_capture(
            streams.library,
            devices.find(streams.library, Device.MICROPHONE, name),
            self._channel,
            self._ears.callback,
            every_channel=self._every_channel,
            # A late microphone loses nothing for three periods; a late speaker is heard.
            guard=partial(self.threads.guard, is_urgent=False),
        )

    def _open_mouth(self, streams: Streams, name: str) -> None:
        found = devices.find(streams.library, Device.SPEAKER, name)
        if self._backend != "portaudio":
            try:
                with devices.silent_stderr():
                    streams.output = AlsaOutput(devices.pcm_of(found), self._mouth, self.threads)
            except RingUnavailable as error:
                if self._backend == "alsa":
                    raise
                if self._told != error.line():
                    self._told = error.line()
                    tell(_log, logging.INFO, "output-portaudio", device=found.name, why=str(error))
            else:
                return
        self._open_portaudio(streams.library, found)

    def _open_portaudio(self, library: pyaudio.PyAudio, found: devices.SoundDevice) -> None:
        try:
            library.open(
                rate=FAR_END_HZ,
                channels=1,
                format=pyaudio.paInt16,
                output=True,
                output_device_index=found.index,
                frames_per_buffer=speaker.PERIOD,
                stream_callback=self.threads.guard(self._mouth.callback),
            )
        except (OSError, ValueError) as error:
            raise DeviceBusy(f'"{found.name}" does not open at {FAR_END_HZ} Hz: {error}') from error
