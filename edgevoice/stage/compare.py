"""Comparing what was heard with what arrived, sample by sample. Pure: arrays in, figures out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.int16]

NEAR_END_HZ = 16_000
WIRE_HZ = 24_000

_WINDOW = WIRE_HZ // 20
"""Samples that are looked at together: 50 ms."""

_SEARCH = WIRE_HZ
"""How far a window may have moved: a second."""

_CLOSE_ENOUGH = 0.02
"""Share of a window's energy that may differ: the streaming and the one-shot resampler differ by less than 0.1 %."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How what arrived differs from what was heard, in samples at the wire's rate.

    ``first`` is the near-end sample at which it begins. ``lost`` and ``doubled`` count samples; ``compared``
    says how many could be looked at: silence fits anywhere, and so proves nothing.
    """

    first: int
    lost: int
    doubled: int
    compared: int


def compare_uplink(heard: Samples, arrived: Samples) -> Comparison:
    """Compare near-end samples at 16 kHz with what the service received of them at 24 kHz.

    Raises ``ValueError`` when they have nothing in common.
    """
    received = arrived.astype(np.float64)
    begin, reference = _aligned(heard, received)
    shift, lost, doubled, compared = 0, 0, 0, 0
    for at in range(0, len(received) - _WINDOW, _WINDOW):
        window = received[at : at + _WINDOW]
        energy = float(window @ window)
        if energy < _WINDOW * 100**2:
            continue  # quieter than any speech
        compared += _WINDOW
        if _differs(reference, window, at + shift, energy):
            moved = _nearest(reference, window, at + shift)
            lost += max(0, moved)
            doubled += max(0, -moved)
            shift += moved
    return Comparison(begin, lost, doubled, compared)


def _aligned(heard: Samples, received: npt.NDArray[np.float64]) -> tuple[int, npt.NDArray[np.float64]]:
    """Return the near-end sample with which ``received`` begins, and what should have been received from there on.

    The rates are as 2 to 3, so the place at the wire's rate tells the near-end sample only roughly: its neighbours are
    tried.
    """
    # Its beginning decides, so that what went missing later cannot pull it out of place.
    size = min(len(received), 5 * WIRE_HZ)
    about = _place(_resampled(heard), received[:size]) * NEAR_END_HZ // WIRE_HZ
    best = (np.inf, 0, received)
    for begin in range(max(0, about - 3), about + 4):
        reference = _resampled(heard[begin:])
        common = min(size, len(reference))
        difference = reference[:common] - received[:common]
        error = float(difference @ difference)
        if error < best[0]:
            best = (error, begin, reference)
    return best[1], best[2]


def _resampled(heard: Samples) -> npt.NDArray[np.float64]:
    resampled: npt.NDArray[np.int16] = soxr.resample(heard, NEAR_END_HZ, WIRE_HZ, quality="MQ")
    return resampled.astype(np.float64)


def _place(reference: npt.NDArray[np.float64], received: npt.NDArray[np.float64]) -> int:
    """Return where ``received`` begins in ``reference``, by cross-correlation."""
    size = 1 << (len(reference) + len(received)).bit_length()
    product = np.fft.rfft(reference, size) * np.conj(np.fft.rfft(received, size))
    correlation = np.fft.irfft(product, size)
    best = int(np.argmax(correlation))
    if correlation[best] <= 0:
        raise ValueError("what arrived has nothing in common with what was heard")
    return best if best < len(reference) else best - size


def _differs(reference: npt.NDArray[np.float64], window: npt.NDArray[np.float64], at: int, energy: float) -> bool:
    expected = reference[max(at, 0) : at + len(window)]
    if len(expected) < len(window):
        return True
    difference = expected - window
    return float(difference @ difference) > _CLOSE_ENOUGH * energy


def _nearest(reference: npt.NDArray[np.float64], window: npt.NDArray[np.float64], at: int) -> int:
    """Return by how many samples a window has moved from where it was expected."""
    begin = max(0, at - _SEARCH)
    around = reference[begin : at + _SEARCH + len(window)]
    if len(around) < len(window):
        return 0
    fits = np.correlate(around, window, "valid")
    power = np.convolve(around**2, np.ones(len(window)), "valid")
    # The least squares, not the highest product: loud passages must not attract what is not theirs.
    return int(np.argmin(power - 2 * fits)) + begin - at


@dataclass(frozen=True, slots=True)
class HeardOnTape:
    """Where an item's audio lies on the far-end tape and how much of it, in samples.

    ``late`` counts what came after.
    """

    first: int
    samples: int
    late: int


def find_on_tape(tape: Samples, item: Samples, since: int) -> HeardOnTape:
    """Find audio of an item on the far-end tape after frame ``since``, and how much of it was emitted.

    ``item`` is what was received, at the tape's rate; the tape must hold it unscaled (full volume). It may end in a
    fade. Raises ``ValueError`` when its beginning is not there.
    """
    skipped = int(np.flatnonzero(item)[0]) if item.any() else 0
    probe = item[skipped : skipped + 480]
    candidates = np.flatnonzero(tape[since : len(tape) - len(probe)] == probe[0]) + since
    first = next((int(at) for at in candidates if np.array_equal(tape[at : at + len(probe)], probe)), None)
    if first is None:
        raise ValueError("the item's audio is not on the tape")
    begin = first - skipped
    length = min(len(item), len(tape) - begin)
    same = tape[begin : begin + length] == item[:length]
    # From the first difference on it fades: the samples shrink towards zero within 5 ms and stay there.
    differs = np.flatnonzero(~same)
    if not len(differs):
        return HeardOnTape(begin, length, 0)
    fade_from = int(differs[0])
    sounding = np.flatnonzero(tape[begin + fade_from : begin + length])
    ends = np.flatnonzero(np.diff(sounding) > WIRE_HZ // 100)
    tail = int(sounding[ends[0]]) + 1 if len(ends) else (int(sounding[-1]) + 1 if len(sounding) else 0)
    after = tape[begin + fade_from + tail : begin + length]
    late = (
        int(np.count_nonzero(after == item[fade_from + tail : length]))
        if _repeats(after, item, fade_from + tail)
        else 0
    )
    return HeardOnTape(begin, fade_from + tail, late)


def _repeats(after: Samples, item: Samples, at: int) -> bool:
    """Say whether what follows the cut is still the old answer: silence against silence does not count."""
    same = after == item[at : at + len(after)]
    return bool(np.any(same & (after != 0)) and np.mean(same[after != 0]) > 0.5)
