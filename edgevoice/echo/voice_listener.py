"""Voice listener: what the voice model hears of the near-end, and how far it may be believed. Counts in blocks."""

from collections import deque

import numpy as np

from edgevoice.echo.afresh import BEFORE_BLOCKS, Afresh
from edgevoice.echo.canceller import Samples
from edgevoice.echo.surroundings import Surroundings
from edgevoice.echo.voice import UNDECIDED, VOICE, EventModel, SoundModel, VoiceModel

_NEW_VOICE_BLOCKS = 50
"""How long a voice under the bar may be a person who has begun: 1 s; after that it is a television."""

_NOMINAL_DB = 85.0
_UNKNOWN_GAIN_DB = 20.0
_MOST_GAIN_DB = 40.0
"""How loud the echo would be at the level that the voice model hears; it does not recognise a faint voice in a resonant
room. Of 50 remarks as loud as the echo and 10 dB softer, and of 47 words, 40, 36; 41, 26 were heard with 10 dB less,
43, 38; 42, 30 with this and 44, 39; 38, 31 with 10 dB more. Of 16 coughs and laughs 3 cut with each.
"""

_FULL_SCALE = 32_767.0
_MOST_OVERDRIVEN = 4.0
_FORGOTTEN = 10 ** (-0.3 / 20)
"""How far a sound may be amplified beyond full scale, 12 dB, in two blocks running; one that would exceed it just
reaches full scale, until its loudest sample, forgotten by 15 dB per second, no longer would.

Overdriven further, a person is not recognised. Of 38 people 12 dB louder than the echo 31 were heard without this, 95 %
after 914 ms, and 38 with it, after 425 ms. With at most 0 dB it was 326 ms, but then laughs about as loud as the echo,
which the distortion hides, cut the answer: 14 of 26 instead of 8. From the first block on, so did loud ones: 6 of 13
instead of 4.
"""

_CLEAR = 2.0
_UNCLEAR = 0.3
CLEARLY = 0.5
_MOST_CLEAR = 24.0
_FORGIVEN = 0.9965
"""What a new voice must amount to for the answer to be lowered, although it is under the bar: the sum of what its
probabilities exceed 0.3 by. The latest must be 0.5. Once the filter has learned the room, what it leaves of the box's
own voice is hardly ever taken for a voice, unless the loudspeaker is overdriven. So each time it was nobody, twice as
much is needed, up to twelve times as much, and after 4 s of patience half of that again.

Of 50 remarks 20 dB softer than the echo 41 came to 2, half of them within 173 ms; 40 came to 3, within 220 ms. In 6
minutes of quiet rooms the echo came to either 4 times, always in the room with the overdriven loudspeaker; without the
need for the latest to be 0.5, to 3 eight times.
"""


class VoiceListener:
    """The voice model's judgement of each block; without a model every block may be a voice.

    The model remembers what it has heard, so that it knows what a sound rose from. A second one without that memory
    starts afresh with every sound, and counts while it is all but certain. The sound model, if there is one, also hears
    every sound afresh, and doubts both while the sound may be a laugh. It hears a sound later whose latest block came
    while ``is_loud`` was not set.
    """

    def __init__(
        self,
        model: VoiceModel | None,
        surroundings: Surroundings,
        sound_model: SoundModel | None = None,
        event_model: EventModel | None = None,
    ) -> None:
        self._model = model
        self._afresh = Afresh(model, sound_model, event_model) if model is not None else None
        self._surroundings = surroundings
        self._voice_blocks = 0
        self._heard = 0.0
        self._needed = _CLEAR
        self._newest_peak = self._peak = 0.0
        self._before: deque[Samples] = deque(maxlen=BEFORE_BLOCKS + 1)
        self.certainty = 0.0
        self.certainty_of_sound = 0.0
        self.is_loud = True

    def take(self, block: Samples) -> None:
        """Take the newest block: ``certainty`` is now the probability of a voice in it.

        ``certainty_of_sound`` is the same, or what the second model says if it counts, as far as the sound model
        leaves it.
        """
        self.certainty = self.certainty_of_sound = self.listen(block)
        if self._afresh is not None:
            self.certainty_of_sound = self._afresh.judge(self._before[-1], self.certainty, is_loud=self.is_loud)
        self._voice_blocks += 1 if self.certainty >= VOICE else -1
        self._voice_blocks = min(max(self._voice_blocks, 0), 2 * _NEW_VOICE_BLOCKS)
        self._heard = min(max(self._heard + self.certainty - _UNCLEAR, 0.0), _MOST_CLEAR)
        self._needed = max(_CLEAR, self._needed * _FORGIVEN)

    def begin(self) -> None:
        """Have the second model start afresh: a sound begins with the newest block."""
        if self._afresh is not None:
            self.is_loud = True
            *before, block = self._before
            self.certainty_of_sound = self._afresh.begin(before, block, self.certainty)

    def end(self) -> None:
        """Dismiss the second model: the sound is over, or known to be speech."""
        if self._afresh is not None:
            self._afresh.end()

    def pause(self) -> None:
        """Dismiss the second model and what it would hear first: the next block does not continue the last one."""
        self.end()
        self._before.clear()
        self._newest_peak = self._peak = 0.0

    def forget(self) -> None:
        """Forget what was heard: it may have been the box itself."""
        self._heard = 0.0

    def mistrust(self) -> None:
        """Ask for more from now on: what it took for a voice was none."""
        self._needed = min(2 * self._needed, _MOST_CLEAR)

    def listen(self, block: Samples) -> float:
        """Return the probability of a voice. The model is fed every block, so that it knows what a sound rose from."""
        if self._model is None:
            return UNDECIDED
        echo_db = self._surroundings.echo_db
        gain_db = _UNKNOWN_GAIN_DB if echo_db is None else min(max(_NOMINAL_DB - echo_db, 0.0), _MOST_GAIN_DB)
        wide = block.astype(np.float32)
        before, self._newest_peak = self._newest_peak, float(np.abs(wide).max())
        self._peak = max(min(before, self._newest_peak), _FORGOTTEN * self._peak)
        gain = 10 ** (gain_db / 20)
        if gain * self._peak > _MOST_OVERDRIVEN * _FULL_SCALE:
            gain = _FULL_SCALE / self._peak
        heard = np.clip(np.float32(gain) * wide, -_FULL_SCALE, _FULL_SCALE).astype(np.int16)
        self._before.append(heard)
        return self._model.take(heard)

    def takes_for_speech(self) -> bool:
        """Return whether the event model, if there is one, does not object to the sound; see ``Afresh``."""
        return self._afresh is None or self._afresh.takes_for_speech()

    def may_be_voice(self, block: Samples) -> bool:
        """Whether there is a voice in a block, for all that is known."""
        return self._model is None or self.listen(block) >= VOICE

    @property
    def is_clear(self) -> bool:
        """Whether a new voice was heard for so long that it is worth lowering the voice for, even under the bar."""
        return self._heard >= self._needed and self.certainty >= CLEARLY and self._voice_blocks <= _NEW_VOICE_BLOCKS

    @property
    def is_new(self) -> bool:
        """Whether a voice has begun recently, in the newest block or before it; False without a model."""
        return self._model is not None and self.certainty >= VOICE and self._voice_blocks <= _NEW_VOICE_BLOCKS
