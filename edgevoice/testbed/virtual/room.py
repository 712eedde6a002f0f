"""What lies between the virtual card's two sides: a room, and clocks that drift apart. Figures only, no I/O."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

ROOM_RATE_HZ: Final = 16_000
MOST_TAPS: Final = 4000
SHORTEST_DELAY_MS: Final = 5.0
LONGEST_DELAY_MS: Final = 1000.0
MOST_DRIFT_PPM: Final = 1000.0

_DIRECT_TO_REVERBERANT_DB: Final = 6.0
"""In one case, the speaker is nearer to the microphone than any wall: within a living room's critical distance."""

_FIRST_REFLECTION_S: Final = 0.001
"""From the table that the box stands on: 17 cm longer than the direct path, half of it downwards."""

Response = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class AcousticPath:
    """Let the microphone hear the speaker: ``response`` of what is played, ``delay_ms`` later, added to the talker.

    ``response`` is 1 to 4000 taps at 16 kHz, float, the direct path among them; [1.0] alone hears the speaker as loud
    as the tape. ``delay_ms`` is the whole delay before the first tap, converters and air: 5 to 1000 ms; less is
    impossible, as interpolation between the two rates looks 2.67 ms ahead and the speaker's tape comes up to 2 ms late.
    ``clip`` is the loudspeaker's limit in units of s16, a soft one: clip * tanh(sample / clip). Anything else raises
    ``ValueError``.

    The speaker is heard up to 7 kHz, or to 0.94 kHz below half of its rate when that is less than 16 kHz, flat within
    0.01 dB. Everything above 8 kHz is suppressed by at least 80 dB, so nothing aliases. The taps are one sample of the
    microphone apart, by its own clock. A speaker of two channels is heard as their mean.
    """

    response: Response
    delay_ms: float
    clip: float | None = None

    def __post_init__(self) -> None:
        taps = np.asarray(self.response)
        if taps.ndim != 1 or not 1 <= len(taps) <= MOST_TAPS:
            raise ValueError(f"a room's response must be 1 to {MOST_TAPS} taps, not an array of {taps.shape}")
        if not (np.abs(taps) <= np.finfo(np.float32).max).all():
            raise ValueError("a room's response must be finite, also as float32")
        if not SHORTEST_DELAY_MS <= self.delay_ms <= LONGEST_DELAY_MS:
            raise ValueError(
                f"a room's delay must be {SHORTEST_DELAY_MS:g} to {LONGEST_DELAY_MS:g} ms, not {self.delay_ms}"
            )
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise ValueError(f"a loudspeaker's clip must be above 0, not {self.clip}")


@dataclass(frozen=True, slots=True)
class Drift:
    """Let the clocks of microphone and speaker run faster than time.monotonic(), in ppm, each -1000 to 1000.

    Two cheap USB devices are 0 to 100 ppm apart; microphone and speaker of one codec share a clock.
    """

    microphone_ppm: float = 0.0
    speaker_ppm: float = 0.0

    def __post_init__(self) -> None:
        for side, ppm in (("microphone", self.microphone_ppm), ("speaker", self.speaker_ppm)):
            if not abs(ppm) <= MOST_DRIFT_PPM:
                raise ValueError(f"the {side}'s drift must be within {MOST_DRIFT_PPM:g} ppm, not {ppm}")


def synthetic_response(seed: int, *, length_ms: float = 200.0, rt60_s: float = 0.25, gain_db: float = -6.0) -> Response:
    """Return the response of a small room at 16 kHz: a direct path, and noise that decays by 60 dB in ``rt60_s``.

    ``gain_db`` is the gain of white noise through it (the sum of all squared taps), and so the echo's level relative to
    the playback. The direct path is tap 0, 6 dB above all reflections together, which begin after 1 ms. The same
    ``seed`` makes the same room.
    """
    taps = round(length_ms * ROOM_RATE_HZ / 1000)
    if not 1 <= taps <= MOST_TAPS:
        raise ValueError(f"a room's response must last up to {1000 * MOST_TAPS / ROOM_RATE_HZ:g} ms, not {length_ms}")
    time_s = np.arange(taps) / ROOM_RATE_HZ
    reflections = np.random.default_rng(seed).standard_normal(taps) * 10 ** (-3 * time_s / rt60_s)
    reflections[time_s < _FIRST_REFLECTION_S] = 0
    reverberant = float(np.sum(np.square(reflections)))
    response = reflections * 10 ** (-_DIRECT_TO_REVERBERANT_DB / 20) / math.sqrt(reverberant or 1.0)
    response[0] = 1.0
    response *= 10 ** (gain_db / 20) / math.sqrt(float(np.sum(np.square(response))))
    return response.astype(np.float32)
