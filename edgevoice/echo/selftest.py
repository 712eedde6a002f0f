"""Echo self-test: what is played, and what the recording of it tells. Arrays in, figures out: no card, no clock.

Three sweeps give the path from speaker to microphone, at the beginning and at the end; how far it has moved between
them is the drift of the two clocks. A sound like speech stands between them, for levels and for trying cancellers on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, EchoCanceller, Samples

QUIET_S = 3.0
"""How long the room is listened to before anything is played."""

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
"""Where an echo is looked for, beyond what the clocks of the streams tell; before 0 when a driver hides a buffer."""

_FIRST_ARRIVAL = 0.35
"""Share of the strongest tap from which one is taken for the direct sound: a reflection may be stronger."""

_SURE_DB = 20.0
"""The strongest tap over the rest: among so many taps, noise alone reaches some 16 dB."""

_RESPONSE_S = 0.2
_HARMONIC_S = 0.05
_RAIL = 32_700
_HUM_HZ = 100.0
_EARLY_S = 0.008
"""An echo that comes before its reference can never be cancelled: the reference is this much early."""

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
    """What a recording tells.

    Levels in dBFS (a square wave at full scale is 0), without what lies below 100 Hz. ``echo_db``: how far the speaker
    is heard above the room's noise, both together over the noise alone. ``return_loss_db``: how much fainter it is
    heard than it was handed over. ``delay_ms``: how much later it is heard than the streams' clocks tell.
    ``drift_ppm``: by how much the speaker's clock is faster than the microphone's, and one standard error of that;
    None when not every sweep was heard. ``distortion_percent``: harmonics of the sweep against the sweep.
    ``clipped_percent``: of the periods of 20 ms while the signal plays, those that reach full scale;
    ``silenced_percent``: those in which the microphone gives one number only.

    ``is_heard``: the speaker is found in what the microphone heard; else nothing about the echo means anything.
    ``is_dead``: the microphone gives one number only, all the time, as behind a hardware mute switch.
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
    """What a canceller reached on a recording, once it knew the room.

    ``cancelled_db``: echo and noise before it against what it left. ``left_db``: what it left over the room's noise.
    """

    cancelled_db: float
    left_db: float


def signal() -> Samples:
    """Return what is to be played: two sweeps, a sound like speech, and a sweep; s16 at 24 kHz."""
    whole = np.zeros(round(SIGNAL_S * FAR_END_HZ))
    for at_s in _SWEEPS_S:
        _put(whole, at_s, _sweep())
    _put(whole, _SPEECH_AT_S, _speech())
    played: Samples = np.rint(whole * _PEAK * 32_767).astype(np.int16)
    return played


def measure(recording: Recording) -> Measured:
    """Analyse a recording. One that is shorter than the signal is a ``ValueError``."""
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
    """Run the recording through a canceller twice; return what it reached the second time on the sound like speech.

    Once is not enough: a filter needs longer to learn a room than this recording lasts. The reference is put in place
    by the delay and the drift that were measured, as a box that has run for a while knows them.
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
    """Return an exponential sweep (Farina, AES 108, 2000): its harmonics come before the response, apart from it."""
    low, high = _SWEEP_HZ
    time_s = np.arange(round(_SWEEP_S * FAR_END_HZ)) / FAR_END_HZ
    rate = np.log(high / low)
    sweep: Sound = np.sin(2 * np.pi * low * _SWEEP_S / rate * (np.exp(time_s * rate / _SWEEP_S) - 1))
    return sweep * _faded(len(sweep), 0.02)


def _speech() -> Sound:
    """Return a sound like speech: syllables with pauses, a voice of gliding pitch and some hiss, falling spectrum."""
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
    # Speech has rare peaks: the limiter of a voice keeps them to twelve decibels over the rest.
    spoken /= 4 * float(np.sqrt(np.mean(np.square(spoken))))
    return np.clip(spoken, -1, 1)


def _faded(size: int, fade_s: float) -> Sound:
    count = round(fade_s * FAR_END_HZ)
    rise = np.sin(np.linspace(0, np.pi / 2, count)) ** 2
    return np.concatenate([rise, np.ones(size - 2 * count), rise[::-1]])


# --- the path --------------------------------------------------------------------------------------------------------


def _response(recording: Recording, near: Sound, at_s: float) -> Sound:
    """Return the path's response as one sweep shows it; tap 0 is ``_EARLIEST_S`` and a harmonic's lead before it."""
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
    # What the whole near-end sample leaves of the exact place.
    ratio *= np.exp(2j * np.pi * np.fft.rfftfreq(size) * (exact - round(exact)))
    response: Sound = np.fft.irfft(ratio, size)[: round((_LATEST_S - _FIRST_TAP_S) * NEAR_END_HZ)]
    return response


_FIRST_TAP_S = _EARLIEST_S - _SWEEP_S * np.log(3) / np.log(_SWEEP_HZ[1] / _SWEEP_HZ[0]) - _HARMONIC_S
"""The third harmonic of the earliest echo."""


def _searched(response: Sound) -> Sound:
    return response[round((_EARLIEST_S - _FIRST_TAP_S) * NEAR_END_HZ) :]


def _is_echo(response: Sound) -> bool:
    """Say whether a sweep was heard: a device that cancels its own echo may let only the first of them pass."""
    taps = np.abs(_searched(response))
    return _db(float(taps.max() / max(float(np.median(taps)), 1e-12)) ** 2) > _SURE_DB


def _direct(response: Sound) -> float:
    """Return when the direct sound arrives, in near-end samples after the clocks' own tale."""
    taps = np.abs(_searched(response))
    first = int(np.argmax(taps >= _FIRST_ARRIVAL * taps.max()))
    # To the top of that rise, not to its foot.
    first += int(np.argmax(taps[first : first + 8]))
    return first + _EARLIEST_S * NEAR_END_HZ


def _drift(responses: list[Sound]) -> tuple[float, float]:
    """Return the drift in ppm and its standard error, from how the path moves from sweep to sweep."""
    begin = max(0, round(_direct(responses[0]) - _FIRST_TAP_S * NEAR_END_HZ) - NEAR_END_HZ // 200)
    parts = [response[begin : begin + round(_RESPONSE_S * NEAR_END_HZ)] for response in responses]
    moved = np.array([_moved(parts[0], part) for part in parts])
    times = np.array(_SWEEPS_S) * NEAR_END_HZ
    around = times - times.mean()
    slope = float(around @ moved) / float(around @ around)
    rest = moved - moved.mean() - slope * around
    error = float(np.sqrt(rest @ rest / (len(times) - 2) / (around @ around)))
    # A faster speaker is heard ever earlier.
    return -slope * 1e6, error * 1e6


def _moved(first: Sound, later: Sound) -> float:
    """Return by how many samples a response comes later than another, to a hundredth."""
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
    """Return the second and third harmonics against the sweep itself, as amplitudes."""
    direct = delay - _FIRST_TAP_S * NEAR_END_HZ
    size = round(_HARMONIC_S * NEAR_END_HZ)

    def energy(at: float) -> float:
        begin = max(0, round(at) - size // 5)
        return float(np.sum(np.square(response[begin : begin + size])))

    apart = _SWEEP_S * NEAR_END_HZ / np.log(_SWEEP_HZ[1] / _SWEEP_HZ[0])
    # Between the harmonics and the response there is noise alone.
    noise = energy(direct - 1.6 * size)
    harmonics = sum(max(0.0, energy(direct - apart * np.log(order)) - noise) for order in (2, 3))
    return 100 * float(np.sqrt(harmonics / max(energy(direct), 1e-12)))


def _aligned_far(recording: Recording, measured: Measured) -> Samples:
    """Return the far-end at the near-end's rate, each sample in the place where the microphone hears it."""
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
    """Return the near-end sample that was captured when the signal was at that second."""
    return round((recording.ahead_s + at_s) * NEAR_END_HZ)


def _section(at_s: float, length_s: float) -> slice:
    return slice(round(at_s * FAR_END_HZ), round((at_s + length_s) * FAR_END_HZ))


def _heard_section(recording: Recording, delay: float) -> slice:
    """Return where the sound like speech is heard."""
    begin = _near_at(recording, _SPEECH_AT_S) + round(delay)
    return slice(begin, begin + round(_SPEECH_S * NEAR_END_HZ))


def _without_hum(samples: Samples) -> Sound:
    """Return the samples without what lies below 100 Hz: mains, the offset of a cheap converter."""
    spectrum = np.fft.rfft(samples.astype(np.float64))
    hz = np.fft.rfftfreq(len(samples), 1 / NEAR_END_HZ)
    # A gentle slope: a cliff would ring, and carry the loud parts into the quiet ones.
    spectrum *= np.sin(np.pi / 2 * np.clip(hz / _HUM_HZ - 0.5, 0, 1)) ** 2
    return np.fft.irfft(spectrum, len(samples))


def _power(sound: Sound, period: int = BLOCK) -> float:
    """Return the mean power, without the loudest tenth of the periods: a door, a cough."""
    whole = len(sound) // period * period
    powers = np.sort(np.mean(np.square(sound[:whole].reshape(-1, period)), axis=1))
    # Never nothing at all: a level in dB would have no end.
    return max(float(np.mean(powers[: max(1, len(powers) * 9 // 10)])), 0.01)


def _percent_of_periods(recording: Recording, which: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.bool_]]) -> float:
    """Return how many of the periods while the signal plays are such, in percent."""
    during = recording.near[_near_at(recording, 0) : _near_at(recording, SIGNAL_S)]
    whole = len(during) // BLOCK * BLOCK
    return 100 * float(np.mean(which(during[:whole].astype(np.int32).reshape(-1, BLOCK))))


def _db(ratio: float) -> float:
    return 10 * float(np.log10(max(ratio, 1e-12)))


def _dbfs(power: float) -> float:
    return _db(power / 32_768**2)
