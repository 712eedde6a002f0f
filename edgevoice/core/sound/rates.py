"""Rates: how many samples per second each kind of audio has.

The rate of a model, a voice or the virtual card is defined with it: that is a property of theirs, not our choice.
"""

from typing import Final

NEAR_END_HZ: Final = 16_000
"""What the microphone hears, from the card to the pre-roll: the rate at which the wake word models were trained."""

FAR_END_HZ: Final = 24_000
"""What the speaker plays: the rate of the answers, so that none is resampled."""

WIRE_HZ: Final = 24_000
"""Audio to and from the service, either way: what the Realtime protocol calls ``audio/pcm``."""
