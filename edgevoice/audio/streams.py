"""Streams: opens both halves of the sound system on the cards that the settings name. Blocks: not for the loop."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from edgevoice.audio import alsa, devices, low_latency, microphone, pcms, speaker
from edgevoice.audio.alsa_input import AlsaInput
from edgevoice.audio.alsa_output import AlsaOutput
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.capture import Callback, open_capture, open_channel
from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.card_volume import CardVolume, CardVolumes
from edgevoice.audio.cards import alsa_name, cards_present
from edgevoice.audio.portaudio import INT16
from edgevoice.core.facts import Device
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.errors import AudioUnavailable, DeviceBusy
from edgevoice.journal import tell
from edgevoice.settings.sound import Backend

if TYPE_CHECKING:
    import pyaudio

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
    """What is open, since when in monotonic seconds, and why the rest is not; ``library`` is PortAudio, if it runs."""

    opened_at: float
    library: "pyaudio.PyAudio | None" = None
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
        if self.library is not None:
            self.library.terminate()
        volume, self.volume = self.volume, None
        if volume is not None:
            volume.close()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why ALSA does not open what it calls ``pcm``."""

    pcm: str
    error: AudioUnavailable


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
        """Open whichever half can be opened; raise ``AudioUnavailable`` if the sound system does not start at all.

        PortAudio, which lists every card first, is started only for what ALSA does not open by its name.
        """
        names = {device: self._memory.resolve(device, name) for device, name in self._names.items()}
        alsa.forget_configuration()
        streams = Streams(time.monotonic())
        refusals = {device: self._open_by_name(streams, device, name) for device, name in names.items()}
        left = [device for device in names if device not in streams.open]
        if left:
            pcms.offer(names.values())
            try:
                streams.library = devices.open_library()
            except AudioUnavailable:
                streams.close()
                raise
            for device in left:
                try:
                    self._find_and_open(streams, streams.library, device, names[device], refusals[device])
                    streams.open.append(device)
                except AudioUnavailable as failure:
                    # With its traceback it would keep a reference cycle alive: garbage, every second without a card.
                    streams.failures[device] = failure.with_traceback(None)
        if Device.SPEAKER in streams.open:
            streams.volume = self._volumes.open(names[Device.SPEAKER], self._mouth)
        streams.opened_at = time.monotonic()
        return streams

    def restore(self) -> None:
        """Leave the card as it was found; every stream is closed, for good."""
        self._volumes.restore()

    def _open_by_name(self, streams: Streams, device: Device, name: str) -> _Refusal | None:
        """Open a device as ALSA knows it; return why that failed, ``None`` if it did not, or is not to be tried."""
        if self._backends[device] == "portaudio":
            return None
        refusal = self._try_pcm(streams, device, name, alsa_name(name, cards_present()) or name)
        if refusal is None:
            streams.open.append(device)
        return refusal

    def _find_and_open(
        self,
        streams: Streams,
        library: "pyaudio.PyAudio",
        device: Device,
        name: str,
        refusal: _Refusal | None,
    ) -> None:
        """Open a device as PortAudio knows it: by ALSA, unless that refused it already, or by PortAudio."""
        found = devices.find(library, device, name)
        backend = self._backends[device]
        if backend != "portaudio":
            pcm = devices.pcm_of(found)
            if refusal is None or refusal.pcm != pcm:
                refusal = self._try_pcm(streams, device, found.name, pcm)
            if refusal is None:
                return
            if backend == "alsa" or not isinstance(refusal.error, DeviceBusy):
                raise refusal.error
        if device is Device.MICROPHONE:
            # A late microphone loses nothing for three periods; a late speaker is heard.
            guard = partial(self.threads.guard, is_urgent=False)
            every = self._every_channel
            open_capture(library, found, self._channel, self._ears.callback, every_channel=every, guard=guard)
        else:
            period = speaker.PERIOD if backend == "portaudio" else low_latency.PERIOD
            self._open_portaudio(library, found, period)
        if refusal is not None:
            self._tell_once("input-portaudio" if device is Device.MICROPHONE else "output-portaudio", found, refusal)

    def _try_pcm(self, streams: Streams, device: Device, name: str, pcm: str) -> _Refusal | None:
        """Open a device by ALSA itself; return why that cannot be done, ``None`` if it is open."""
        try:
            self._open_pcm(streams, device, name, pcm)
        except AudioUnavailable as error:
            return _Refusal(pcm, error.with_traceback(None))
        return None

    def _open_pcm(self, streams: Streams, device: Device, name: str, pcm: str) -> None:
        with devices.silent_stderr():
            if device is Device.SPEAKER:
                streams.output = AlsaOutput(pcm, self._mouth, self.threads)
                return
            try:
                inputs = alsa.capture_channels(pcm)
            except alsa.AlsaError as error:
                raise DeviceBusy(f'"{name}" does not open: {error.strerror}') from error

            def open_with(channels: int, callback: Callback) -> None:
                streams.input = AlsaInput(pcm, channels, callback, self._ears, self.threads, self._is_hurried)

            open_channel(open_with, name, inputs, self._channel, self._ears.callback, every_channel=self._every_channel)

    def _tell_once(self, event: str, found: devices.SoundDevice, refusal: _Refusal) -> None:
        """Log why ALSA does not open a card itself, unless that was the reason the last time."""
        if self._told.get(event) != refusal.error.line():
            self._told[event] = refusal.error.line()
            tell(_log, logging.INFO, event, device=found.name, why=str(refusal.error))

    def _open_portaudio(self, library: "pyaudio.PyAudio", found: devices.SoundDevice, period: int) -> None:
        if period < speaker.PERIOD:
            low_latency.suggest_output_latency(found.index, period / FAR_END_HZ)
        try:
            library.open(
                rate=FAR_END_HZ,
                channels=1,
                format=INT16,
                output=True,
                output_device_index=found.index,
                frames_per_buffer=period,
                stream_callback=self.threads.guard(self._mouth.callback),
            )
        except (OSError, ValueError) as error:
            raise DeviceBusy(f'"{found.name}" does not open at {FAR_END_HZ} Hz: {error}') from error
