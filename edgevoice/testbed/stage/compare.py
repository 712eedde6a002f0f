"""Comparing what was heard with what arrived, sample by sample. Pure: arrays in, figures out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.core.sound.rates import NEAR_END_HZ, WIRE_HZ
from edgevoice.errors import EdgevoiceError

Samples = npt.NDArray[np.int16]

_WINDOW = WIRE_HZ // 20
"""Samples per window: 50 ms."""

_SEARCH = WIRE_HZ
"""How far a window may have moved: one second."""

_CLOSE_ENOUGH = 0.02
"""Share of a window's energy that may differ: the streaming and the one-shot resampler differ by less than 0.1 %."""


class NothingInCommon(EdgevoiceError, ValueError):
    """Two recordings that should hold the same sound do not."""

    code = "nothing-in-common"
    remedy = "Try again on a machine that is less busy."


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the received audio differs from the near end, in samples at the wire's rate.

    ``first`` is the near-end sample at which it begins. ``lost`` and ``doubled`` count samples; ``compared`` says how
    many could be compared: silence fits anywhere, and so proves nothing.
    """

    first: int
    lost: int
    doubled: int
    compared: int


def compare_uplink(heard: Samples, arrived: Samples) -> Comparison:
    """Compare near-end samples at 16 kHz with what the service received at 24 kHz.

    Raises ``NothingInCommon``.
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
    """Return the near-end sample at which ``received`` begins, and what should have been received from there.

    The rates are 2 to 3, so the place at the wire's rate gives the near-end sample only roughly: its neighbours are
    tried.
    """
    # Only the beginning is matched, so that later losses cannot shift it.
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
        raise NothingInCommon("the received audio has nothing in common with the near end")
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
    # The least squares, not the highest product: loud passages must not attract a wrong match.
    return int(np.argmin(power - 2 * fits)) + begin - at


@dataclass(frozen=True, slots=True)
class HeardOnTape:
    """How much of an item is on the far-end tape, in samples; ``late`` counts those after its end.

    ``hidden`` counts those that may have been emitted as well: so soft that the fade's end made zeros of them.
    """

    samples: int
    late: int
    hidden: int = 0

    def error_ms(self, heard_ms: float) -> float:
        """Return by how much a report of what was heard exceeds what was; 0 if it may be right."""
        reported = heard_ms * WIRE_HZ / 1000
        return (reported - min(max(reported, self.samples), self.samples + self.hidden)) * 1000 / WIRE_HZ


_PROBE = 480
"""Samples that must agree to count as a piece of the item: 20 ms."""

_NEAR = 48
"""Samples that must agree after a hole: 2 ms, because the next hole may follow soon."""

_MOST_LOST = 1200
"""Samples that a card may lose in an underrun: 50 ms, more than it is ever given in advance."""

_SOFTEST = 0.15
"""The least share of its amplitude that an answer keeps while it is ducked: 15 dB down is 0.178."""

_LONGEST_HOLE = 20 * WIRE_HZ
"""Longer than an answer may stall: after 15 s the box abandons it."""


def find_on_tape(tape: Samples, item: Samples, since: int) -> HeardOnTape:
    """Find an item's audio on the far-end tape after frame ``since``, and how much of it was emitted.

    ``item`` is the received audio, at the tape's rate; the tape must hold it unscaled (full volume) except where it was
    ducked. It may end in a fade, and may have holes from underruns. Raises ``NothingInCommon`` when its beginning is
    missing.
    """
    skipped = int(np.flatnonzero(item)[0]) if item.any() else 0
    first = _find(tape, item[skipped : skipped + _PROBE], since)
    if first is None:
        raise NothingInCommon("the item's audio is not on the tape")
    place, heard = first - skipped, 0
    while True:
        length = min(len(item) - heard, len(tape) - place)
        differs = np.flatnonzero(~_is_of(tape[place : place + length], item[heard : heard + length]))
        if not len(differs):
            return HeardOnTape(heard + length, 0)
        same = int(differs[0])
        # Zeros match the quietest samples: they may belong to the hole that begins here.
        sounding = np.flatnonzero(tape[place : place + same])
        same = int(sounding[-1]) + 1 if len(sounding) else 0
        place, heard = place + same, heard + same
        hole, lost = _hole(tape[place : place + _LONGEST_HOLE], item[heard:])
        if not hole:
            break
        place, heard = place + hole, heard + lost
    # The fade: the samples shrink to zero within 3 ms, and then there is silence.
    sounding = np.flatnonzero(tape[place : place + WIRE_HZ // 100])
    faded = int(sounding[-1]) + 1 if len(sounding) else 0
    end = heard + faded
    late = _find(tape[: place + len(item)], item[end : end + _PROBE], place + faded)
    return HeardOnTape(end, 0 if late is None else _PROBE, _hidden(tape[: place + faded], item[:end], item[end:]))


def _hidden(emitted: Samples, heard: Samples, ahead: Samples) -> int:
    """Return for how many samples ``ahead`` at most a fade that ends with them is silent all the same.

    ``emitted`` is the tape and ``heard`` the item until then: they say whether the answer was ducked.
    """
    whole, soft = (np.abs(each[-4 * FADE : -FADE].astype(np.int32)).sum() for each in (heard, emitted))
    levels = np.abs(ahead[:FADE].astype(np.int32)) * min(1.0, soft / max(whole, 1))
    fade = fade_out(FADE)
    return max(count for count in range(len(levels) + 1) if (levels[:count] * fade[FADE - count :] < 1).all())


def _is_of(tape: Samples, item: Samples) -> npt.NDArray[np.bool_]:
    """Mark each sample that is the item's: as received, or softer and of the same sign."""
    emitted, received = np.abs(tape.astype(np.int32)), np.abs(item.astype(np.int32))
    is_alike = (np.sign(tape) == np.sign(item)) | (emitted == 0)
    is_softer = is_alike & (emitted <= received) & (emitted + 1 >= _SOFTEST * received)
    is_its_own: npt.NDArray[np.bool_] = (tape == item) | is_softer
    return is_its_own


def _find(tape: Samples, probe: Samples, since: int) -> int | None:
    """Return the frame after ``since`` at which ``probe`` begins on the tape."""
    if len(probe) < _PROBE or not probe.any():
        return None
    candidates = np.flatnonzero(tape[since : len(tape) - len(probe)] == probe[0]) + since
    return next((int(at) for at in candidates if np.array_equal(tape[at : at + len(probe)], probe)), None)


def _hole(tape: Samples, ahead: Samples) -> tuple[int, int]:
    """Return how many zeros an underrun emitted before the item continues, and how many samples were lost.

    After an underrun the stream is restarted, and the data that the card already held is lost. The first is 0 if the
    item does not continue.
    """
    sounding, coming = np.flatnonzero(tape), np.flatnonzero(ahead)
    if not len(sounding) or not len(coming):
        return 0, 0
    # What follows may begin with zeros of its own: its first sound marks the end of the hole.
    first, quiet = int(sounding[0]), int(coming[0])
    probe = tape[first : first + _NEAR]
    candidates = ahead[quiet : quiet + _MOST_LOST + len(probe)]
    if len(candidates) < len(probe):
        return 0, 0
    # Ducked or fading, the rest is softer than what was received, but each sample has the same sign.
    places = np.lib.stride_tricks.sliding_window_view(candidates, len(probe))
    fits = np.flatnonzero(_is_of(probe, places).all(axis=1))
    if not len(fits):
        return 0, 0
    lost = int(fits[0])
    return max(0, first - (quiet if lost == 0 else 0)), (quiet + lost if lost else 0)
