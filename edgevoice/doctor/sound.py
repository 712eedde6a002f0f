"""Judging sound: what a microphone delivered, and whether it heard the tone from the speaker. Opens nothing."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.errors import MICROPHONE_DEAD

Samples = npt.NDArray[np.int16]

TONE_S = 1.0
_TONE_HZ = (300.0, 3400.0)
_TONE_GAIN = 10 ** (-10 / 20)

_FULL_SCALE = 32_700
_MOST_CLIPPED = 0.001
_FAINT_DBFS, _LOUD_DBFS = -78.0, -30.0
_MOST_RATE_ERROR = 0.05
"""A wrong rate differs by a factor; on a busy machine it differs by a per cent or two over 2 s."""

_FOUND_DB = 22.0
"""Above the mean of the matched filter's output. Of 60 simulated recordings each of noise, bursts and claps, none
exceeded 17.2 dB; the tone in rooms with a reverberation of 0.05 to 0.5 s gave 32 to 40 dB.
"""

_SILENT_AFTER = {
    "alsa": "; an interrupted answer falls silent in 4 to 7 ms (ALSA)",
    "portaudio": "; an interrupted answer falls silent in 15 to 25 ms (PortAudio: the card cannot be written again)",
}
"""What the back end that played means to a person."""

_LOUDER_DB = 6.0
"""Above the filter's output before the tone: continuous talk is not a tone."""


class State(StrEnum):
    """The result of opening a device."""

    OPEN = "open"
    MISSING = "missing"
    WITH_THE_BOX = "with the box"
    BUSY = "busy"
    WRONG_RATE = "wrong rate"
    NO_CHANNEL = "no such channel"


@dataclass(frozen=True, slots=True)
class Half:
    """One half of the sound system: its name in the settings, the result of opening it, and why.

    ``stable`` is a better name for the same card if the settings use a number.
    """

    name: str
    state: State
    problem: str = ""
    remedy: str = ""
    stable: str = ""


@dataclass(slots=True)
class MixHeard:
    """What was captured of the mix, s16 at 24 kHz; ``problem`` says why nothing was, and ``remedy`` what to do."""

    device: str
    problem: str = ""
    remedy: str = "Restart what makes it: the sound server, or the loopback."
    pieces: list[Samples] = field(default_factory=list)

    def played(self, samples: Samples | None, frames: int) -> None:
        """Take a period, in the capture's thread."""
        self.pieces.append(np.zeros(frames, np.int16) if samples is None else samples)

    def take_back(self, _frames: int) -> None:
        """Do nothing: what was captured has sounded."""


@dataclass(frozen=True, slots=True)
class Capture:
    """What one examination recorded: s16 at 16 kHz before the tone, and from its beginning, with the measured rate.

    ``channels`` holds both again with every channel of the card, shape (samples, channels). ``backend`` is what
    played, "alsa" or "portaudio". ``mix`` is what the echo reference of the settings captured, if they name one.
    """

    microphone: Half
    speaker: Half
    quiet: Samples
    during: Samples
    rate_hz: float = float(NEAR_END_HZ)
    overflows: int = 0
    underflows: int = 0
    channels: tuple[Samples, Samples] | None = None
    backend: str = ""
    mix: MixHeard | None = None


def tone(rate_hz: int = FAR_END_HZ) -> Samples:
    """Return a whistle that rises through the band of speech; no room noise resembles it."""
    times = np.arange(round(TONE_S * rate_hz)) / rate_hz
    low, high = _TONE_HZ
    sweep = np.sin(2 * np.pi * (low * times + (high - low) / (2 * TONE_S) * times**2))
    fade = np.clip(np.minimum(times, TONE_S - times) / 0.02, 0, 1)
    return np.asarray(32_767 * _TONE_GAIN * sweep * fade, dtype=np.int16)


def judge_microphone(heard: Capture) -> Finding:
    """Judge what was recorded while nothing was played."""
    name, half, quiet = "microphone", heard.microphone, heard.quiet
    if half.state is not State.OPEN:
        return _not_opened(name, half)
    if not len(quiet):
        return wrong(name, f"{half.name} opens but delivers nothing", "Unplug it and plug it in again.")
    if not quiet.any() and not heard.during.any():
        return wrong(
            name,
            f"{half.name} delivers exact zeros",
            "Check its mute switch or button; then, in `alsamixer`, F4, that capture is on and turned up.",
            code=MICROPHONE_DEAD,
        )
    if abs(heard.rate_hz / NEAR_END_HZ - 1) > _MOST_RATE_ERROR:
        return wrong(
            name,
            f"{half.name} delivers {heard.rate_hz:.0f} samples per second instead of {NEAR_END_HZ}",
            "Use a name that resamples (default, edgevoice_mic), and install libasound2-plugins.",
            rate_hz=round(heard.rate_hz),
        )
    return _judge_level(name, half, quiet, heard.overflows)


def _judge_level(name: str, half: Half, quiet: Samples, overflows: int) -> Finding:
    level = _dbfs(quiet)
    clipped = float(np.mean(np.abs(quiet.astype(np.int32)) >= _FULL_SCALE))
    text = f"{half.name}: the room is at {level:.0f} dBFS"
    figures = {"noise_dbfs": round(level, 1), "overflows": overflows}
    if clipped > _MOST_CLIPPED:
        remedy = "Turn the capture gain down: `alsamixer`, F4."
        return doubtful(name, f"{half.name} clips: {100 * clipped:.1f} % at full scale", remedy, **figures)
    if level > _LOUD_DBFS:
        return doubtful(
            name, f"{text}, very loud", "Wait for quiet, or turn the gain down: `alsamixer`, F4.", **figures
        )
    if level < _FAINT_DBFS:
        return doubtful(name, f"{text}, very faint", "Turn the capture gain up: `alsamixer`, F4.", **figures)
    if overflows:
        return doubtful(
            name,
            f"{text}; {overflows} gaps",
            "Stop other programs, or allow real-time priority (LimitRTPRIO).",
            **figures,
        )
    return _well(name, half, text, **figures)


def judge_speaker(heard: Capture, *, cancels_itself: bool) -> Finding:
    """Judge whether the tone was played; ``cancels_itself`` says that this microphone never hears this speaker."""
    name, half = "speaker", heard.speaker
    if half.state is not State.OPEN:
        return _not_opened(name, half)
    if heard.microphone.state is not State.OPEN or not heard.during.any():
        return skipped(name, f"{half.name} played; no microphone listened", "Did you hear a rising whistle?")
    found_db, louder_db = _found_db(heard.during), _peak_db(heard.during) - _peak_db(heard.quiet)
    figures = {"found_db": round(found_db, 1)}
    if found_db >= _FOUND_DB and louder_db >= _LOUDER_DB:
        text = f"{half.name}: the microphone hears it{_SILENT_AFTER.get(heard.backend, '')}"
        if heard.underflows:
            remedy = "Stop other programs, or allow real-time priority (LimitRTPRIO); then try again."
            return doubtful(name, f"{text}, with {heard.underflows} gaps", remedy, **figures)
        return _well(name, half, text, **figures)
    if cancels_itself:
        return _well(name, half, f"{half.name} played; this device cancels its own sound", **figures)
    return doubtful(
        name,
        f"{half.name} played, but the microphone did not hear it",
        "Did you hear it? Then the device cancels its own echo. If not: volume, cable, alsamixer, amplifier.mute_gpio.",
        **figures,
    )


def _well(name: str, half: Half, text: str, **figures: float) -> Finding:
    """Return that a half works, with a warning if its name may mean another card tomorrow."""
    if not half.stable:
        return fine(name, text, **figures)
    remedy = f'Set {name}.device = "{half.stable}": it stays with the card. A number may change at a restart.'
    return doubtful(name, text, remedy, **figures)


def _not_opened(name: str, half: Half) -> Finding:
    if half.state is State.WITH_THE_BOX:
        return skipped(name, f"{half.name}: {half.problem}", half.remedy)
    codes = {State.MISSING: "audio-device-missing", State.NO_CHANNEL: "audio-channel-missing"}
    return wrong(name, half.problem, half.remedy, code=codes.get(half.state, "audio-device-busy"))


def is_tone(samples: Samples, rate_hz: int) -> bool:
    """Return whether the tone is in ``samples``, at this rate."""
    return bool(samples.any()) and _found_db(samples, rate_hz) >= _FOUND_DB


def _matched(samples: Samples, rate_hz: int = NEAR_END_HZ) -> npt.NDArray[np.float64]:
    """Return, for each sample, how well the tone matches from there on."""
    pattern = tone(rate_hz).astype(np.float64) / 32_768
    size = len(samples) + len(pattern)
    spectrum = np.fft.rfft(samples.astype(np.float64) / 32_768, size) * np.conj(np.fft.rfft(pattern, size))
    return np.abs(np.fft.irfft(spectrum, size))[: max(1, len(samples))]


def _found_db(samples: Samples, rate_hz: int = NEAR_END_HZ) -> float:
    matched = _matched(samples, rate_hz)
    return 20 * float(np.log10(np.max(matched) / max(1e-12, float(np.sqrt(np.mean(matched**2))))))


def _peak_db(samples: Samples) -> float:
    # Not below the noise of the last bit: digital silence before the tone proves nothing.
    return 20 * float(np.log10(max(1e-3, float(np.max(_matched(samples))))))


def _dbfs(samples: Samples) -> float:
    sound = samples.astype(np.float64) / 32_768
    return 10 * float(np.log10(max(1e-12, float(np.mean((sound - sound.mean()) ** 2)))))
