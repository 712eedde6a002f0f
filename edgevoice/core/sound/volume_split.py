"""Splits the volume between the card's own control and the samples. No I/O, no clock.

Gains are factors from 0 to 1; levels are in dB, and 0 dB is where the owner left the control. The samples carry what
the control does not, so that together they are exact, whatever steps the control has.
"""

import math

HEADROOM_DB = 6.0
"""How far the control stays above what is needed: two sounds at once do not clip, and a few steps up need no move."""

LOWEST_DB = -30.0
"""How far the control goes down at most: below that nothing is gained, and what rings would have further to go."""

_WORTH_DB = 2.0
"""A control is not moved for less: some cards click, or take 50 ms."""

_SAME_DB = 0.02
"""Levels that are no further apart are the same: libasound counts in hundredths of a dB."""


def factor_of(level_db: float) -> float:
    """Convert dB to a factor."""
    return float(10 ** (level_db / 20))


def next_level_db(card_db: float, needed: float, *, lowest_db: float = LOWEST_DB, is_silent: bool) -> float | None:
    """Return where to move the control, ``None`` if it stays: ``needed`` is the largest gain of what may sound now.

    While something sounds, the control only goes up, and no further than needed: what the card holds already was made
    for the level before. It goes down in silence, where nobody hears it, so that no step is ever heard. ``lowest_db``
    is the end of its range.
    """
    needed_db = 20 * math.log10(needed) if needed > 0 else LOWEST_DB
    is_short = min(0.0, needed_db) > card_db + _SAME_DB
    if not is_silent:
        return min(0.0, needed_db) if is_short else None
    wanted_db = min(0.0, max(LOWEST_DB, lowest_db, needed_db + HEADROOM_DB))
    return wanted_db if is_short or abs(wanted_db - card_db) >= _WORTH_DB else None


def rest_of(gain: float, card: float) -> float:
    """Return the gain of the samples where ``gain`` is wanted and the control gives ``card`` of it; at most 1."""
    return min(1.0, gain / card)
