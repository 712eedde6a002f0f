"""Click: what the end of an answer adds to its spectrum. No I/O."""

import numpy as np
import numpy.typing as npt

_TONE_HZ = 440
_ABOVE_HZ = 2000
_WINDOW_S = 0.02

_Samples = npt.NDArray[np.int16]


def click_db(emitted: _Samples, received: _Samples, rate_hz: int) -> float:
    """Return how loudly the end of an answer clicks, in decibels against an answer that stops dead.

    ``emitted`` and ``received`` hold the same samples of the answer, as they left the card and as they arrived, up to
    the last one that was heard; they are at least 20 ms long, and no sample received is zero. Their ratio is what the
    cut did to the answer; put on a tone of 440 Hz, all that it spreads above 2 kHz is the click. ``ValueError`` if
    they are too short or differ in length, or if the answer was silent 15 ms before its end.
    """
    size = round(_WINDOW_S * rate_hz)
    if len(emitted) != len(received) or len(emitted) < size:
        raise ValueError(f"{len(emitted)} and {len(received)} samples, not {size} or more of each")
    gain = emitted[-size:].astype(np.float64) / received[-size:]
    full = gain[: size // 4].mean()
    if not full:
        raise ValueError("the answer was silent before its end")
    stopped = np.concatenate([np.full(size, full), np.zeros(size)])
    faded = np.concatenate([gain, np.zeros(size)])
    return float(10 * np.log10(_spread(faded, rate_hz) / _spread(stopped, rate_hz)))


def _spread(gain: npt.NDArray[np.float64], rate_hz: int) -> float:
    """Return the energy above 2 kHz of a tone with this gain, whatever its phase."""
    # The head is faded in, so that only the end counts.
    half = len(gain) // 4
    gain = gain * np.concatenate([(1 - np.cos(np.pi * np.arange(half) / half)) / 2, np.ones(len(gain) - half)])
    tone = np.exp(2j * np.pi * _TONE_HZ / rate_hz * np.arange(len(gain)))
    spectrum = np.abs(np.fft.fft(gain * tone)) ** 2
    return float(spectrum[np.abs(np.fft.fftfreq(len(gain), 1 / rate_hz)) > _ABOVE_HZ].sum())
