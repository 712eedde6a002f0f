"""Whisper: decides from measurements whether the user whispers. No I/O, no clock.

A person far away is quiet, too, but has a voice: it has a pitch, and most of its power below 600 Hz. A whisper has
neither: it is a noise that the mouth shapes.
"""

from dataclasses import dataclass

SOFTER_DB = -12.0
"""How much softer an answer to a whisper is: as if the volume were halved."""

_LEAST_S = 0.4
"""With less speech than that, a word with many fricatives would count."""

_LEAST_ABOVE_ROOM_DB = 9.0
"""Below that it is the room that is measured, and a voice in it would be lost."""

_MOST_VOICED = 0.1
_MOST_LOW = 0.15
"""Of 84 recorded sentences in seven languages, near and far, 5 to 30 dB above two kinds of noise, one passed both.

A synthesiser's 16 whispers under the same conditions all did, and half of those made from the recordings by taking
their pitch away.
"""

_LEAST_BELOW_VOICE_DB = 3.0
"""Whoever hisses as loudly as they speak does not whisper."""


@dataclass(frozen=True, slots=True)
class SpeechSound:
    """How the speech of a turn sounds.

    ``speech_s`` is how much of it there is, ``level_db`` how loud that is on a scale of the microphone's own, and
    ``above_room_db`` how far above the room. ``voiced_share`` of it has a pitch; ``low_share`` of its power lies below
    600 Hz.
    """

    speech_s: float
    level_db: float
    above_room_db: float
    voiced_share: float
    low_share: float

    @property
    def is_clear(self) -> bool:
        """Whether there is enough of it, far enough above the room, to be judged."""
        return self.speech_s >= _LEAST_S and self.above_room_db >= _LEAST_ABOVE_ROOM_DB


def is_whisper(sound: SpeechSound, voice_db: float | None = None) -> bool:
    """Return whether it is whispered; ``voice_db`` is the level at which somebody spoke to the box before, if known."""
    if not sound.is_clear or sound.voiced_share > _MOST_VOICED or sound.low_share > _MOST_LOW:
        return False
    return voice_db is None or sound.level_db <= voice_db - _LEAST_BELOW_VOICE_DB
