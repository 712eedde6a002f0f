"""A sound card made of a clock, a FIFO and files, for tests, demonstrations and laptops.

Changes nothing outside its folder and the plugin cache, except by ``install``, which is undone at the end.
"""

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.store.folders import MEMORY, HeldFolder, hold_scratch
from edgevoice.testbed.virtual.microphone_fifo import MicrophoneFifo
from edgevoice.testbed.virtual.plugin import build_plugin
from edgevoice.testbed.virtual.room import ROOM_RATE_HZ, AcousticPath, Drift
from edgevoice.testbed.virtual.tape import Tape, TapeUnreadable, read_tapes

MICROPHONE: Final = "edgevoice_mic"
SPEAKER: Final = "edgevoice_dac"
SPEECH_RATE_HZ: Final = 16_000

_OLD_S: Final = 86_400.0
_MOST_CHANNELS: Final = 16
_MIXER_STEPS: Final = 60
_ENVIRONMENT_KEY: Final = "ALSA_CONFIG_PATH"


class VirtualCard:
    """A virtual card that exists from ``with`` to the end of its block.

    ALSA, and so PortAudio, shows two devices, ``edgevoice_mic`` and ``edgevoice_dac``, and ``default``, which is both;
    real cards are hidden from programs that use the card's ``environment``. The card takes any rate from 8 to 48 kHz,
    s16, without resampling, the speaker mono or stereo; only a microphone opened at 16 kHz hears speech unchanged. With
    ``card_rate_hz`` the card supports only that rate, as I2S cards support only 48 kHz, and the devices are behind
    ALSA's ``plug``, which resamples. What is said before a program opens the microphone is kept until then.

    With a ``mixer`` the speaker has one control of that name, from -60 to 0 dB in steps of 1 dB, which changes no tape;
    ``mixer_db`` is where it is.

    With several ``microphone_channels``, up to 16, the microphone is behind ``plug``, too, which gives a program that
    asks for one channel the mean of all.

    With a ``room`` the microphone also hears the speaker, and supports 16 kHz only; another ``card_rate_hz`` is then a
    ``ValueError``. ``drift`` gives each side a clock of its own; the tapes hold their true rate, and their times stay
    those of ``time.monotonic()``.

    ``folder`` keeps the tapes after the end, and those of an earlier card in it are removed at the start; without it a
    private folder in memory is made, and removed at the end. Without a compiler or ALSA's headers:
    ``VirtualCardUnavailable``.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        card_rate_hz: int | None = None,
        microphone_channels: int = 1,
        room: AcousticPath | None = None,
        drift: Drift | None = None,
        mixer: str = "",
    ) -> None:
        if room is not None and card_rate_hz not in {None, ROOM_RATE_HZ}:
            raise ValueError(f"a room is for a card of {ROOM_RATE_HZ} Hz, not of {card_rate_hz}")
        if not 1 <= microphone_channels <= _MOST_CHANNELS:
            raise ValueError(f"a microphone has 1 to {_MOST_CHANNELS} channels, not {microphone_channels}")
        self._wanted_folder = folder
        self._room = room
        self._drift = drift or Drift()
        self._card_rate_hz = card_rate_hz
        self._channels = microphone_channels
        self._mixer = mixer
        self._folder: Path | None = None
        self._held: HeldFolder | None = None
        self._fifo: MicrophoneFifo | None = None
        self._environment_before: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        plugin = build_plugin()
        try:
            self._folder = self._make_folder()
            self._sweep()
            if self._room is not None:
                self._response.write_bytes(np.asarray(self._room.response).astype("<f4").tobytes())
            card = _configuration(self.folder, plugin, self._card_rate_hz, self._channels, self._room, self._drift)
            if self._mixer:
                self._level.write_bytes(struct.pack("i", _MIXER_STEPS))
                card += _mixing(self.folder, plugin, self._mixer)
            self._configuration.write_text(card)
            self._fifo = MicrophoneFifo(self._source)
        except OSError as error:
            self._remove_folder()
            raise VirtualCardUnavailable(
                f"the virtual card cannot use {error.filename or 'its folder'}: {error.strerror}",
                remedy="Give it a folder on a Linux file system that you may write to.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._uninstall()
        self._open_fifo.close()
        self._fifo = None
        self._remove_folder()

    @property
    def folder(self) -> Path:
        """The folder of the FIFO, the tapes and the ALSA configuration."""
        if self._folder is None:
            raise VirtualCardUnavailable("the virtual card is not open", remedy="Use it in a `with` block.")
        return self._folder

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment variables with which a process sees this card, and only this card."""
        return {_ENVIRONMENT_KEY: str(self._configuration)}

    def install(self) -> None:
        """Set the environment in this process until the card is closed; call before the first ``PyAudio()``."""
        for key, value in self.environment.items():
            self._environment_before.setdefault(key, os.environ.get(key))
            os.environ[key] = value

    def speak(self, pcm: bytes | npt.NDArray[np.int16]) -> None:
        """Queue ``pcm``, s16 mono at 16 kHz, for the microphone to hear next.

        If the microphone has several channels, ``pcm`` may be of shape (samples, channels); mono is heard on channel 0.
        Returns at once (copying 1 MiB takes under 1 ms). Accepts all or nothing: ``MicrophoneFull`` if it does not fit;
        32 s fit on one channel, or a third of that on a card of 48 kHz. Half a sample, or samples other than s16, raise
        ``ValueError``.
        """
        samples = _speech(pcm, self._channels)
        if self._card_rate_hz not in {None, SPEECH_RATE_HZ}:
            samples = soxr.resample(samples, SPEECH_RATE_HZ, self._card_rate_hz)
        self._open_fifo.pour(memoryview(samples.astype("<i2", copy=False).tobytes()))

    @property
    def unheard_s(self) -> float:
        """Return how many seconds of queued speech the microphone has not heard yet."""
        return self._open_fifo.waiting_bytes / (2 * self._channels * (self._card_rate_hz or SPEECH_RATE_HZ))

    def unplug(self) -> None:
        """Unplug the card: running streams get ENODEV and never come back, and opening one fails."""
        self._unplugged.touch()

    def plug_in(self) -> None:
        """Plug the card in again; programs must reopen it, and each side then records on a new tape."""
        self._unplugged.unlink(missing_ok=True)

    @property
    def mixer_db(self) -> float:
        """Where the control of the mixer is, whoever moved it; set it as somebody does by hand, in whole dB."""
        level: int = struct.unpack("i", self._level.read_bytes())[0]
        return float(level - _MIXER_STEPS)

    @mixer_db.setter
    def mixer_db(self, level_db: float) -> None:
        with self._level.open("r+b") as file:
            file.write(struct.pack("i", round(level_db) + _MIXER_STEPS))

    @property
    def near_end(self) -> Tape:
        """Return the newest tape of what the microphone delivered; ``TapeUnreadable`` before a stream has started."""
        return _newest(self.near_end_tapes, "no program has started to listen to the virtual card")

    @property
    def far_end(self) -> Tape:
        """Return the newest tape of what the speaker emitted; ``TapeUnreadable`` before a stream has started."""
        return _newest(self.far_end_tapes, "no program has started to play on the virtual card")

    @property
    def near_end_tapes(self) -> list[Tape]:
        """Return the tape of each stream that listened, oldest first."""
        return read_tapes(self.folder / "near-end.tape")

    @property
    def far_end_tapes(self) -> list[Tape]:
        """Return the tape of each stream that played, oldest first."""
        return read_tapes(self.folder / "far-end.tape")

    @property
    def _configuration(self) -> Path:
        return self.folder / "asound.conf"

    @property
    def _source(self) -> Path:
        return self.folder / "microphone.fifo"

    @property
    def _response(self) -> Path:
        return self.folder / "response.f32"

    @property
    def _level(self) -> Path:
        return self.folder / "mixer.level"

    @property
    def _unplugged(self) -> Path:
        return self.folder / "unplugged"

    @property
    def _open_fifo(self) -> MicrophoneFifo:
        if self._fifo is None:
            raise VirtualCardUnavailable("the virtual card is not open", remedy="Use it in a `with` block.")
        return self._fifo

    def _make_folder(self) -> Path:
        if self._wanted_folder is not None:
            self._wanted_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._wanted_folder.resolve()
        # The tapes grow by 80 kB a second; in memory they do not wear out an SD card.
        self._held = hold_scratch("edgevoice-card-", first=str(MEMORY), spare=_is_new)
        return self._held.path

    def _sweep(self) -> None:
        for tape in (*self.near_end_tapes, *self.far_end_tapes):
            tape.path.unlink()
        for left in (self._source, self._unplugged, self._response):
            left.unlink(missing_ok=True)

    def _remove_folder(self) -> None:
        if self._held is not None:
            self._held.remove()
        self._folder = self._held = None

    def _uninstall(self) -> None:
        for key, value in self._environment_before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        self._environment_before.clear()


def _newest(tapes: list[Tape], otherwise: str) -> Tape:
    if not tapes:
        raise TapeUnreadable(otherwise)
    return tapes[-1]


def _speech(pcm: bytes | npt.NDArray[np.int16], channels: int) -> npt.NDArray[np.int16]:
    """Return speech as the card's FIFO takes it: (samples,) for one channel, else (samples, channels)."""
    if isinstance(pcm, bytes):
        if len(pcm) % 2:
            raise ValueError(f"speech must be s16: {len(pcm)} bytes end in half a sample")
        pcm = np.frombuffer(pcm, dtype="<i2").astype(np.int16)
    if pcm.dtype == np.int16 and channels > 1 and pcm.shape[1:] == (channels,):
        return pcm
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise ValueError(f"speech must be s16 mono, not {pcm.dtype} of {pcm.ndim} dimensions")
    if channels == 1:
        return pcm
    spread = np.zeros((len(pcm), channels), np.int16)
    spread[:, 0] = pcm
    return spread


def _configuration(
    folder: Path, plugin: Path, card_rate_hz: int | None, channels: int, room: AcousticPath | None, drift: Drift
) -> str:
    """Return an asound.conf with only the virtual card: programs start fast and touch no real device."""
    only_rate = f"rate {card_rate_hz}" if card_rate_hz else ""
    card = f"type edgevoice {only_rate} unplugged {quoted(folder / 'unplugged')}"
    microphone = f"{card} tape {quoted(folder / 'near-end.tape')} source {quoted(folder / 'microphone.fifo')}"
    microphone += _drifting(drift.microphone_ppm) + (_hearing(folder, room) if room else "")
    speaker = f"{card} tape {quoted(folder / 'far-end.tape')}" + _drifting(drift.speaker_ppm)
    microphone += f" channels {channels}"
    if card_rate_hz or channels > 1:
        microphone = _behind_plug(microphone, card_rate_hz or SPEECH_RATE_HZ, channels=channels)
    if card_rate_hz:
        speaker = _behind_plug(speaker, card_rate_hz, channels=2)
    return f"""\
pcm_type.edgevoice {{ lib {quoted(plugin)} }}
pcm.{MICROPHONE} {{ {microphone} hint {{ show on description "edgevoice virtual microphone" }} }}
pcm.{SPEAKER} {{ {speaker} hint {{ show on description "edgevoice virtual speaker" }} }}
pcm.default {{ type asym playback.pcm "{SPEAKER}" capture.pcm "{MICROPHONE}" }}
"""


def _mixing(folder: Path, plugin: Path, control: str) -> str:
    paths = f"level {quoted(folder / 'mixer.level')} unplugged {quoted(folder / 'unplugged')}"
    scale = f"lowest_cdb {-100 * _MIXER_STEPS} step_cdb 100 steps {_MIXER_STEPS}"
    return f"""\
ctl_type.edgevoice {{ lib {quoted(plugin)} }}
ctl.{SPEAKER} {{ type edgevoice control "{control}" {paths} {scale} }}
"""


def _is_new(folder: Path) -> bool:
    """Return whether a card of an earlier release, which locked nothing, may still be in use."""
    return time.time() < folder.stat().st_mtime + _OLD_S


def _drifting(ppm: float) -> str:
    return f" drift_ppm {ppm:.3f}" if ppm else ""


def _hearing(folder: Path, room: AcousticPath) -> str:
    paths = f" hears {quoted(folder / 'far-end.tape')} response {quoted(folder / 'response.f32')}"
    clip = f" clip {room.clip:.3f}" if room.clip is not None else ""
    return f"{paths} delay_us {round(room.delay_ms * 1000)}{clip}"


def quoted(path: Path) -> str:
    """Return a path as ALSA's configuration takes it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _behind_plug(pcm: str, rate_hz: int, *, channels: int) -> str:
    # The slave's rate is required: without it PortAudio's probe fails and the device is silently missing.
    slave = f"slave {{ pcm {{ {pcm} }} rate {rate_hz} channels {channels} format S16_LE }}"
    return f'type plug {slave} rate_converter [ "speexrate_medium" "linear" ]'
