"""Echo self-test: the test signal, and the analysis of its recording. Arrays in, figures out: no card, no clock.

Three sweeps give the path from speaker to microphone, at the beginning and at the end; how far it has moved between
them is the drift of the two clocks. A speech-like sound between them serves to measure levels and to try cancellers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples

QUIET_S = 3.0
"""How long the room is recorded before anything is played."""

_LEAD_S = 0.5
_SWEEP_S = 1.0
_SWEEP_HZ = (100.0, 7200.0)
_GAP_S = 1.2
_SPEECH_S = 6.0
_SPEECH_GAP_S = 0.6

_SWEEPS_S = (
    _LEAD_S,
    _LEAD_S + _SWEEP_S + _GAP_S,
    _LEAD_S + 2 * (_SWEEP_S + _GAP_S) + _SPEECH_S + _SPEECH_GAP_S,
)
_SPEECH_AT_S = _LEAD_S + 2 * _SWEEP_S + _GAP_S + _SPEECH_GAP_S

TAIL_S = 1.2
"""How long to go on recording after the last sample was handed over: a Bluetooth link may be that late."""

SIGNAL_S = _SWEEPS_S[2] + _SWEEP_S

_PEAK = 0.5
"""Of full scale: as loud as the services' voices."""

_EARLIEST_S, _LATEST_S = -0.1, 1.0
"""Where to look for an echo, relative to the streams' clocks; before 0 because a driver may hide a buffer."""

_FIRST_ARRIVAL = 0.35
"""Share of the strongest tap from which a tap counts as the direct sound: a reflection may be stronger."""

_SURE_DB = 20.0
"""The strongest tap relative to the rest: among so many taps, noise alone reaches some 16 dB."""

_RESPONSE_S = 0.2
_HARMONIC_S = 0.05
_RAIL = 32_700
_HUM_HZ = 100.0
_EARLY_S = 0.008
"""An echo that comes before its reference can never be cancelled: the reference is early by this much."""

_HALF_TAPS = 24

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What was handed to the speaker from the signal's first sample on, and what the microphone heard around it.

    ``far`` is s16 at 24 kHz, after the volume; ``near`` is s16 at 16 kHz and begins ``ahead_s`` seconds before ``far``,
    by the clocks of the two streams: at least ``QUIET_S``.
    """

    near: Samples
    far: Samples
    ahead_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures measured from a recording.

    Levels are in dBFS (a square wave at full scale is 0), without anything below 100 Hz. ``echo_db``: how far the
    speaker is heard above the room's noise, both together over the noise alone. ``return_loss_db``: how much fainter it
    is heard than it was handed over. ``delay_ms``: how much later it is heard than the streams' clocks indicate.
    ``drift_ppm``: by how much the speaker's clock is faster than the microphone's, and one standard error of that; None
    if not every sweep was heard. ``distortion_percent``: harmonics of the sweep relative to the sweep.
    ``clipped_percent``: the share of 20 ms periods, while the signal plays, that reach full scale;
    ``silenced_percent``: the share in which the microphone delivers a single constant value.

    ``is_heard``: the speaker was found in what the microphone heard; otherwise no figure about the echo is meaningful.
    ``is_dead``: the microphone delivers one constant value all the time, as behind a hardware mute switch.
    """

    noise_dbfs: float
    played_dbfs: float
    echo_db: float = 0.0
    return_loss_db: float = 0.0
    delay_ms: float = 0.0
    drift_ppm: float | None = None
    drift_error_ppm: float | None = None
    distortion_percent: float = 0.0
    clipped_percent: float = 0.0
    silenced_percent: float = 0.0
    is_heard: bool = False
    is_dead: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What a canceller achieved on a recording once it knew the room.

    ``cancelled_db``: echo and noise before it relative to what it left. ``left_db``: what it left over the room's
    noise.
    """

    cancelled_db: float
    left_db: float


def signal() -> Samples:
    """Return the test signal: two sweeps, a speech-like sound, and a sweep; s16 at 24 kHz."""
    whole = np.zeros(round(SIGNAL_S * FAR_END_HZ))
    for at_s in _SWEEPS_S:
        _put(whole, at_s, _sweep())
    _put(whole, _SPEECH_AT_S, _speech())
    played: Samples = np.rint(whole * _PEAK * 32_767).astype(np.int16)
    return played


def measure(recording: Recording) -> Measured:
    """Analyse a recording; raise ``ValueError`` if it is shorter than the signal."""
    if (
        len(recording.far) < round(SIGNAL_S * FAR_END_HZ)
        or len(recording.near) < _near_at(recording, SIGNAL_S) + NEAR_END_HZ
    ):
        raise ValueError("the recording ends before the signal")
    near = _without_hum(recording.near)
    noise = _power(_without_hum(recording.near[: _near_at(recording, 0)]))
    speech = recording.far[_section(_SPEECH_AT_S, _SPEECH_S)].astype(np.float64)
    played = _power(speech, BLOCK * FAR_END_HZ // NEAR_END_HZ)
    levels = Measured(
        noise_dbfs=_dbfs(noise),
        played_dbfs=_dbfs(played),
        clipped_percent=_percent_of_periods(recording, lambda periods: np.max(np.abs(periods), axis=1) >= _RAIL),
        silenced_percent=_percent_of_periods(recording, lambda periods: np.ptp(periods, axis=1) == 0),
        is_dead=bool(np.ptp(recording.near) == 0),
    )
    responses = [_response(recording, near, at_s) for at_s in _SWEEPS_S]
    found = [response for response in responses if _is_echo(response)]
    if levels.is_dead or not found:
        return levels
    delay = _direct(found[0])
    drift_ppm, error_ppm = _drift(responses) if len(found) == len(responses) else (None, None)
    heard = _power(near[_heard_section(recording, delay)])
    return replace(
        levels,
        echo_db=_db(heard / noise),
        return_loss_db=_db(played / max(heard - noise, noise / 4)),
        delay_ms=1000 * delay / NEAR_END_HZ,
        drift_ppm=drift_ppm,
        drift_error_ppm=error_ppm,
        distortion_percent=_distortion_percent(found[0], delay),
        is_heard=True,
    )


def try_canceller(canceller: EchoCanceller, recording: Recording, measured: Measured) -> Trial:
    """Run the recording through a canceller twice; return what it achieved the second time on the speech-like sound.

    Once is not enough: a filter needs longer to learn a room than this recording lasts. The reference is aligned by the
    measured delay and drift, as in a box that has been running for a while.
    """
    reference = _aligned_far(recording, measured)
    near = recording.near[: len(recording.near) // BLOCK * BLOCK]
    cleaned = np.zeros_like(near)
    for at in (*range(0, len(near), BLOCK), *range(0, len(near), BLOCK)):
        cleaned[at : at + BLOCK] = canceller.process(near[at : at + BLOCK], reference[at : at + BLOCK])
    section = _heard_section(recording, measured.delay_ms * NEAR_END_HZ / 1000)
    before = _power(_without_hum(near)[section])
    after = _power(_without_hum(cleaned)[section])
    noise = 10 ** (measured.noise_dbfs / 10) * 32_768**2
    return Trial(cancelled_db=_db(before / after), left_db=_db(after / noise))


# --- the signal ------------------------------------------------------------------------------------------------------


def _put(whole: Sound, at_s: float, part: Sound) -> None:
    begin = round(at_s * FAR_END_HZ)
    whole[begin : begin + len(part)] = part


def _sweep() -> Sound:
    """Return an exponential sweep (Farina, AES 108, 2000): its harmonics precede the response, separated from it."""
    low, high = _SWEEP_HZ
    time_s = np.arange(round(_SWEEP_S * FAR_END_HZ)) / FAR_END_HZ
    rate = np.log(high / low)
    sweep: Sound = np.sin(2 * np.pi * low * _SWEEP_S / rate * (np.exp(time_s * rate / _SWEEP_S) - 1))
    return sweep * _faded(len(sweep), 0.02)


def _speech() -> Sound:
    """Return a speech-like sound: syllables with pauses, a voice of gliding pitch and some hiss, falling spectrum."""
    chance = np.random.default_rng(20)
    size = round(_SPEECH_S * FAR_END_HZ)
    time_s = np.arange(size) / FAR_END_HZ
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 0.7 * time_s) + 10 * np.sin(2 * np.pi * 2.3 * time_s)
    turns = np.cumsum(pitch_hz) / FAR_END_HZ
    pulses = np.diff(np.floor(turns), prepend=0.0) * 8
    source = np.fft.rfft(pulses + 0.3 * chance.standard_normal(size))
    hz = np.fft.rfftfreq(size, 1 / FAR_END_HZ)
    # The long-term spectrum of speech: flat to 500 Hz, then 9 dB an octave less (Byrne and others, JASA 96, 1994).
    source *= (hz > _HUM_HZ) * np.minimum(1, 500 / np.maximum(hz, 1)) ** 1.5
    voice = np.fft.irfft(source, size)
    envelope = np.zeros(size)
    at_s = 0.0
    while at_s < _SPEECH_S - 0.3:
        length_s = chance.uniform(0.12, 0.28)
        begin, end = round(at_s * FAR_END_HZ), round((at_s + length_s) * FAR_END_HZ)
        envelope[begin:end] = chance.uniform(0.5, 1) * np.hanning(end - begin)
        at_s += length_s + (0.25 if chance.random() < 0.15 else chance.uniform(0, 0.06))
    spoken: Sound = voice * envelope
    # Speech has few peaks: the limiter of a voice keeps them within twelve decibels above the rest.
    spoken /= 4 * float(np.sqrt(np.mean(np.square(spoken))))
    return np.clip(spoken, -1, 1)


def _faded(size: int, fade_s: float) -> Sound:
    count = round(fade_s * FAR_END_HZ)
    rise = np.sin(np.linspace(0, np.pi / 2, count)) ** 2
    return np.concatenate([rise, np.ones(size - 2 * count), rise[::-1]])


# --- the path --------------------------------------------------------------------------------------------------------


def _response(recording: Recording, near: Sound, at_s: float) -> Sound:
    """Return the path's response to one sweep; tap 0 is ``_EARLIEST_S`` and a harmonic's lead before it."""
    far = recording.far[_section(at_s, _SWEEP_S)].astype(np.float64)
    lead = round(-_FIRST_TAP_S * NEAR_END_HZ)
    exact = (recording.ahead_s + at_s) * NEAR_END_HZ
    begin = round(exact) - lead
    heard = near[max(0, begin) : begin + lead + round((_SWEEP_S + _LATEST_S) * NEAR_END_HZ)]
    size = 1 << (len(heard) + round(_SWEEP_S * NEAR_END_HZ)).bit_length()
    bins = size // 2 + 1
    # The far-end at the near-end's rate: the same spectrum up to 8 kHz.
    played = np.fft.rfft(far, size * FAR_END_HZ // NEAR_END_HZ)[:bins] * NEAR_END_HZ / FAR_END_HZ
    power = np.square(np.abs(played))
    ratio = np.fft.rfft(heard, size) * np.conj(played) / (power + 1e-3 * power.max())
    # The fractional part that rounding to a whole near-end sample left over.
    ratio *= np.exp(2j * np.pi * np.fft.rfftfreq(size) * (exact - round(exact)))
    response: Sound = np.fft.irfft(ratio, size)[: round((_LATEST_S - _FIRST_TAP_S) * NEAR_END_HZ)]
    return response


_FIRST_TAP_S = _EARLIEST_S - _SWEEP_S * np.log(3) / np.log(_SWEEP_HZ[1] / _SWEEP_HZ[0]) - _HARMONIC_S
"""The third harmonic of the earliest echo."""


def _searched(response: Sound) -> Sound:
    return response[round((_EARLIEST_S - _FIRST_TAP_S) * NEAR_END_HZ) :]


def _is_echo(response: Sound) -> bool:
    """Return whether a sweep was heard: a device that cancels its own echo may let only the first sweep through."""
    taps = np.abs(_searched(response))
    return _db(float(taps.max() / max(float(np.median(taps)), 1e-12)) ** 2) > _SURE_DB


def _direct(response: Sound) -> float:
    """Return when the direct sound arrives, in near-end samples relative to the streams' clocks."""
    taps = np.abs(_searched(response))
    first = int(np.argmax(taps >= _FIRST_ARRIVAL * taps.max()))
    # The top of that rise, not its foot.
    first += int(np.argmax(taps[first : first + 8]))
    return first + _EARLIEST_S * NEAR_END_HZ


def _drift(responses: list[Sound]) -> tuple[float, float]:
    """Return the drift in ppm and its standard error, from the movement of the path between sweeps."""
    begin = max(0, round(_direct(responses[0]) - _FIRST_TAP_S * NEAR_END_HZ) - NEAR_END_HZ // 200)
    parts = [response[begin : begin + round(_RESPONSE_S * NEAR_END_HZ)] for response in responses]
    moved = np.array([_moved(parts[0], part) for part in parts])
    times = np.array(_SWEEPS_S) * NEAR_END_HZ
    around = times - times.mean()
    slope = float(around @ moved) / float(around @ around)
    rest = moved - moved.mean() - slope * around
    error = float(np.sqrt(rest @ rest / (len(times) - 2) / (around @ around)))
    # A faster speaker is heard progressively earlier.
    return -slope * 1e6, error * 1e6


def _moved(first: Sound, later: Sound) -> float:
    """Return by how many samples one response is later than another, to a hundredth."""
    finer, size = 32, 2 * len(first)
    product = np.fft.rfft(later, size) * np.conj(np.fft.rfft(first, size))
    fit = np.fft.irfft(product, size * finer)
    best = int(np.argmax(fit))
    before, here, after = fit[best - 1], fit[best], fit[(best + 1) % len(fit)]
    bend = before - 2 * here + after
    best_exact = best + (0.5 * (before - after) / bend if bend else 0.0)
    if best_exact > len(fit) / 2:
        best_exact -= len(fit)
    return float(best_exact) / finer


def _distortion_percent(response: Sound, delay: float) -> float:
    """Return the second and third harmonics relative to the sweep itself, as amplitudes."""
    direct = delay - _FIRST_TAP_S * NEAR_END_HZ
    size = round(_HARMONIC_S * NEAR_END_HZ)

    def energy(at: float) -> float:
        begin = max(0, round(at) - size // 5)
        return float(np.sum(np.square(response[begin : begin + size])))

    apart = _SWEEP_S * NEAR_END_HZ / np.log(_SWEEP_HZ[1] / _SWEEP_HZ[0])
    # Between the harmonics and the response there is only noise.
    noise = energy(direct - 1.6 * size)
    harmonics = sum(max(0.0, energy(direct - apart * np.log(order)) - noise) for order in (2, 3))
    return 100 * float(np.sqrt(harmonics / max(energy(direct), 1e-12)))


def _aligned_far(recording: Recording, measured: Measured) -> Samples:
    """Return the far-end at the near-end's rate, aligned with what the microphone hears."""
    begin = recording.ahead_s * NEAR_END_HZ + measured.delay_ms * NEAR_END_HZ / 1000 - _EARLY_S * NEAR_END_HZ
    step = FAR_END_HZ / NEAR_END_HZ * (1 + (measured.drift_ppm or 0.0) * 1e-6)
    # The delay was measured with the first sweep.
    at = (np.arange(len(recording.near)) - begin - _SWEEPS_S[0] * NEAR_END_HZ) * step + _SWEEPS_S[0] * FAR_END_HZ
    far = np.concatenate([np.zeros(_HALF_TAPS), recording.far.astype(np.float64), np.zeros(_HALF_TAPS + 2)])
    at = np.clip(at, -1, len(recording.far) + 1) + _HALF_TAPS
    aligned = np.zeros(len(at))
    offsets = np.arange(1 - _HALF_TAPS, _HALF_TAPS + 1)
    share = NEAR_END_HZ / FAR_END_HZ * 0.95
    for first in range(0, len(at), NEAR_END_HZ):
        part = at[first : first + NEAR_END_HZ]
        whole = np.clip(part.astype(np.intp), _HALF_TAPS - 1, len(far) - _HALF_TAPS - 1)
        away = offsets[None, :] - (part - whole)[:, None]
        kernel = share * np.sinc(share * away) * np.cos(np.pi * away / (2 * _HALF_TAPS + 2)) ** 2
        aligned[first : first + NEAR_END_HZ] = np.einsum("ij,ij->i", kernel, far[whole[:, None] + offsets])
    result: Samples = np.clip(np.rint(aligned), -32_768, 32_767).astype(np.int16)
    return result


# --- levels ----------------------------------------------------------------------------------------------------------


def _near_at(recording: Recording, at_s: float) -> int:
    """Return the number of the near-end sample that was captured at that second of the signal."""
    return round((recording.ahead_s + at_s) * NEAR_END_HZ)


def _section(at_s: float, length_s: float) -> slice:
    return slice(round(at_s * FAR_END_HZ), round((at_s + length_s) * FAR_END_HZ))


def _heard_section(recording: Recording, delay: float) -> slice:
    """Return the part of the recording that holds the speech-like sound."""
    begin = _near_at(recording, _SPEECH_AT_S) + round(delay)
    return slice(begin, begin + round(_SPEECH_S * NEAR_END_HZ))


def _without_hum(samples: Samples) -> Sound:
    """Return the samples without frequencies below 100 Hz: mains hum, the offset of a cheap converter."""
    spectrum = np.fft.rfft(samples.astype(np.float64))
    hz = np.fft.rfftfreq(len(samples), 1 / NEAR_END_HZ)
    # A gentle slope: a steep one would ring, and spread the loud parts into the quiet ones.
    spectrum *= np.sin(np.pi / 2 * np.clip(hz / _HUM_HZ - 0.5, 0, 1)) ** 2
    return np.fft.irfft(spectrum, len(samples))


def _power(sound: Sound, period: int = BLOCK) -> float:
    """Return the mean power without the loudest tenth of the periods: a door, a cough."""
    whole = len(sound) // period * period
    powers = np.sort(np.mean(np.square(sound[:whole].reshape(-1, period)), axis=1))
    # Never exactly zero: its level in dB would be infinite.
    return max(float(np.mean(powers[: max(1, len(powers) * 9 // 10)])), 0.01)


def _percent_of_periods(recording: Recording, which: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.bool_]]) -> float:
    """Return the percentage of periods, while the signal plays, for which the condition holds."""
    during = recording.near[_near_at(recording, 0) : _near_at(recording, SIGNAL_S)]
    whole = len(during) // BLOCK * BLOCK
    return 100 * float(np.mean(which(during[:whole].astype(np.int32).reshape(-1, BLOCK))))


def _db(ratio: float) -> float:
    return 10 * float(np.log10(max(ratio, 1e-12)))


def _dbfs(power: float) -> float:
    return _db(power / 32_768**2)
