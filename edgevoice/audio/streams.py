"""Streams: opens both halves of the sound system on the cards that the settings name. Blocks: not for the loop."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import pyaudio

from edgevoice.audio import devices, low_latency, microphone, pcms, speaker
from edgevoice.audio.alsa_input import AlsaInput
from edgevoice.audio.alsa_output import AlsaOutput
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.capture import Callback, open_capture
from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.card_ring import RingUnavailable
from edgevoice.audio.card_volume import CardVolume, CardVolumes
from edgevoice.core.facts import Device
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.errors import AudioUnavailable, DeviceBusy
from edgevoice.journal import tell
from edgevoice.settings.sound import Backend

_log = logging.getLogger(__name__)


Backends = Mapping[Device, Backend]
"""What captures, and what plays."""

BY_PORTAUDIO: Backends = dict.fromkeys(Device, "portaudio")


_DEAD_AFTER_S = 0.5
"""Age of PortAudio's last callback that means loss: it reports a live stream even after an unplug."""

_STUCK_AFTER_S = 2.0
"""The same for a thread of ours, which rests for up to 0.4 s and would say that its card is gone."""


@dataclass(slots=True)
class Streams:
    """What is open, since when in monotonic seconds, and why the rest is not."""

    library: pyaudio.PyAudio
    opened_at: float
    output: AlsaOutput | None = None
    input: AlsaInput | None = None
    volume: CardVolume | None = None
    open: list[Device] = field(default_factory=list)
    failures: dict[Device, AudioUnavailable] = field(default_factory=dict)

    @property
    def is_quick(self) -> bool:
        """Whether every stream that is open says by itself that its card is gone, as those of PortAudio do not."""
        by_alsa = {Device.MICROPHONE: self.input is not None, Device.SPEAKER: self.output is not None}
        return all(by_alsa[device] for device in self.open)

    def is_lost(self, device: Device, age_s: float) -> bool:
        """Return whether a stream is lost that was last called so many seconds ago."""
        stream = self.input if device is Device.MICROPHONE else self.output
        if stream is None:
            return age_s > _DEAD_AFTER_S
        return stream.is_lost or age_s > _STUCK_AFTER_S

    def close(self) -> None:
        """Close everything; blocks for as long as a sound server that hangs."""
        opened, self.input, self.output = (self.input, self.output), None, None
        for each in opened:
            if each is not None:
                each.close()
        self.library.terminate()
        volume, self.volume = self.volume, None
        if volume is not None:
            volume.close()


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
        backends: Backends = BY_PORTAUDIO,
        volumes: CardVolumes | None = None,
        is_hurried: Callable[[], bool] = lambda: True,
    ) -> None:
        self._backends = backends
        self._volumes = volumes or CardVolumes()
        self._is_hurried = is_hurried
        self._ears = ears
        self._mouth = mouth
        self._names = names
        self._channel = channel
        self._every_channel = every_channel
        self._memory = memory or CardMemory(None)
        self._told: dict[str, str] = {}
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
        if Device.SPEAKER in streams.open:
            streams.volume = self._volumes.open(names[Device.SPEAKER], self._mouth)
        streams.opened_at = time.monotonic()
        return streams

    def restore(self) -> None:
        """Leave the card as it was found; every stream is closed, for good."""
        self._volumes.restore()

    def _open_ears(self, streams: Streams, name: str) -> None:
        found = devices.find(streams.library, Device.MICROPHONE, name)
        backend = self._backends[Device.MICROPHONE]
        refusal: DeviceBusy | None = None
        if backend != "portaudio":
            try:
                self._capture(streams, found, partial(self._open_input, streams, devices.pcm_of(found)))
            except DeviceBusy as error:
                if backend == "alsa":
                    raise
                refusal = error.with_traceback(None)
            else:
                return
        self._capture(streams, found, None)
        if refusal is not None:
            self._tell_once("input-portaudio", found, refusal)

    def _capture(
        self, streams: Streams, found: devices.SoundDevice, directly: Callable[[int, Callback], None] | None
    ) -> None:
        open_capture(
            streams.library,
            found,
            self._channel,
            self._ears.callback,
            every_channel=self._every_channel,
            # A late microphone loses nothing for three periods; a late speaker is heard.
            guard=partial(self.threads.guard, is_urgent=False),
            directly=directly,
        )

    def _open_input(self, streams: Streams, pcm: str, channels: int, callback: Callback) -> None:
        with devices.silent_stderr():
            streams.input = AlsaInput(pcm, channels, callback, self._ears, self.threads, self._is_hurried)

    def _open_mouth(self, streams: Streams, name: str) -> None:
        found = devices.find(streams.library, Device.SPEAKER, name)
        backend = self._backends[Device.SPEAKER]
        if backend != "portaudio":
            try:
                with devices.silent_stderr():
                    streams.output = AlsaOutput(devices.pcm_of(found), self._mouth, self.threads)
            except RingUnavailable as error:
                if backend == "alsa":
                    raise
                self._tell_once("output-portaudio", found, error)
            else:
                return
        period = speaker.PERIOD if backend == "portaudio" else low_latency.PERIOD
        self._open_portaudio(streams.library, found, period)

    def _tell_once(self, event: str, found: devices.SoundDevice, refusal: AudioUnavailable) -> None:
        """Log why ALSA does not open a card itself, unless that was the reason the last time."""
        if self._told.get(event) != refusal.line():
            self._told[event] = refusal.line()
            tell(_log, logging.INFO, event, device=found.name, why=str(refusal))

    def _open_portaudio(self, library: pyaudio.PyAudio, found: devices.SoundDevice, period: int) -> None:
        if period < speaker.PERIOD:
            low_latency.suggest_output_latency(found.index, period / FAR_END_HZ)
        try:
            library.open(
                rate=FAR_END_HZ,
                channels=1,
                format=pyaudio.paInt16,
                output=True,
                output_device_index=found.index,
                frames_per_buffer=period,
                stream_callback=self.threads.guard(self._mouth.callback),
            )
        except (OSError, ValueError) as error:
            raise DeviceBusy(f'"{found.name}" does not open at {FAR_END_HZ} Hz: {error}') from error
