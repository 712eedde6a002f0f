"""Afresh: what the models say that hear each sound without memory of the last minutes. Counts in blocks."""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.voice import EventModel, SoundModel, VoiceModel

BEFORE_BLOCKS = 32
_KNOWN_BLOCKS = 25
"""What came before a sound: how much of it the event model hears with its first blocks, 640 ms; and how much the others
hear first.
"""

_SURE_ANEW = 0.92
_SURE_BLOCKS = 5
"""How sure the second model must be, and in how many blocks of the sound, before its probabilities count.

Silero VAD's memory saturates. Of 16 people 10 dB softer than the echo or as loud as it, each was recognised after 5 s
of what a canceller leaves of the box's own voice; after 20 s the model scored 1 or 2 below 0.8, after 3 minutes 2 or 3;
one clear remark of 2 s never came over 0.04. Without memory it recognises them, but also takes more laughs and dogs
for people, and what an overdriven loudspeaker leaves; those it doubts again after some blocks. Of 34 remarks as loud as
the echo and 42 words 10 dB softer, by people who speak normally, 33 and 37 were heard without a second model and 34 and
39 with it, and the same 25 of 121 noises cut the answer; with 1 to 4 sure blocks one more did, with 6 or more one word
fewer was heard, and with no condition at all 45 noises cut. With 300 ms before the sound it was 33 and 39.
"""

_STEEPNESS = 4.0
_BENEFIT = 0.5
_SPEECH = 0.95
_SPEECH_BLOCKS = 8
"""How much of a doubt remains of what the sound model says of the kind of a sound: the logistic function of so many
times its odds. What the others took for a voice keeps the benefit of so much more. And how sure the sound model must be
of speech, and in how many blocks of the sound, before its own probability counts: that of a voice, doubted.

FireRedVAD recognises nearly all of the actors with cartoon voices whom Silero VAD does not take for speech, but rates
laughs, dogs and clatters as high as people. Of 45 remarks by such actors 25 were heard without it and 30 with it, 40
without the doubt, but then 40 of 144 noises cut the answer; 17 did without it and 22 with it. Of 76 remarks and words
of people who speak normally, as loud as the echo, 75 and 76 were heard.
"""

_SPEECH_ODDS = 0.2
_LOOK_AGAIN_BLOCKS = 2
"""What the event model must make of a sound for it to be speech, and how long a doubt lasts.

YAMNet was asked about the recorded trials of K's predecessor. As loud as the echo, 75 of 76 people of one half were
heard with it and without, 95 % after 426 and 386 ms, and 13 and 17 of 144 noises cut the answer; of the other half 87
of 88, after 434 ms, and 9 and 30 of 156. With 0.0 it was 12 there, and with 0.4 one person fewer in the first half.
Recordings that were found later, 74 of them: 3 instead of 16 cut.
"""

_MISTRUST = 0.1
_MOST_MISTRUST = 1.0
_FORGOTTEN = 0.5 ** (1 / 50)
"""How much more than that the event model must make of what follows a noise: this share of how far below 0 it rated
each look, at most so much in all. Half of it is forgotten in a second.

Laughs and howls last, and in the end some part of them is rated like a word. Chosen on the looks of one half: 3 instead
of 7 of its dogs cut the answer, 7 of 9 sneezes, 56 of 57 laughs, and people were heard as often and as soon. With twice
as much it was one person fewer.
"""


class Afresh:
    """Hears one sound at a time: the voice model as it is before it has heard anything, and the other two, if any."""

    def __init__(
        self, model: VoiceModel, sound_model: SoundModel | None = None, event_model: EventModel | None = None
    ) -> None:
        self._model = model
        self._sound_model = sound_model
        self._event_model = event_model
        self._anew: VoiceModel | None = None
        self._heard: deque[Samples] = deque(maxlen=BEFORE_BLOCKS + 1)
        self._length = self._next_look = 0
        self._mistrust = 0.0
        self._sure_blocks = 0
        self._speech_blocks = 0

    def begin(self, before: Sequence[Samples], block: Samples, certainty: float) -> float:
        """Start with a sound whose first block this is, after those before it; return as ``judge`` does."""
        self._anew, self._sure_blocks, self._speech_blocks = self._model.anew(), 0, 0
        self._heard.clear()
        self._heard.extend(before)
        self._length = self._next_look = 0
        if len(before) < BEFORE_BLOCKS:
            self._mistrust = 0.0  # An answer has just begun, and how long ago the last one ended is not known here.
        known = before[-_KNOWN_BLOCKS:]
        for each in known:
            self._anew.take(each)
        if self._sound_model is not None:
            self._sound_model.begin(known)
        return self.judge(block, certainty)

    def end(self) -> None:
        """Stop listening: the sound is over, or known to be speech."""
        self._anew = None

    def judge(self, block: Samples, certainty: float, *, is_loud: bool = True) -> float:
        """Take the sound's next block, and what the model with memory says of it; return what counts.

        Between sounds, and without the two models' objection, that is ``certainty``. Unless the sound is loud enough to
        be a person, the sound model, which costs the most, does not hear it yet: so a television costs less.
        """
        self._mistrust *= _FORGOTTEN
        if self._anew is None:
            return certainty
        self._heard.append(block)
        self._length += 1
        anew = self._anew.take(block)
        self._sure_blocks += anew >= _SURE_ANEW
        if anew >= _SURE_ANEW and self._sure_blocks >= _SURE_BLOCKS:
            certainty = max(certainty, anew)
        if self._sound_model is None:
            return certainty
        if not is_loud:
            self._sound_model.wait(block)
            return certainty
        return self._doubted(self._sound_model, block, certainty)

    def takes_for_speech(self) -> bool:
        """Return whether the event model takes the sound so far for speech as well; after a doubt, False for a while.

        It costs as much as a second of the others, so ask when everything else speaks for a person.
        """
        if self._event_model is None or self._anew is None:
            return True
        if self._length < self._next_look:
            return False
        heard = np.concatenate(self._heard)
        odds = self._event_model.speech_odds(heard, max(0, len(heard) - self._length * BLOCK))
        if odds >= _SPEECH_ODDS + self._mistrust:
            self._mistrust = 0.0
            return True
        self._mistrust = min(self._mistrust + _MISTRUST * max(-odds, 0.0), _MOST_MISTRUST)
        self._next_look = self._length + _LOOK_AGAIN_BLOCKS
        return False

    def _doubted(self, model: SoundModel, block: Samples, certainty: float) -> float:
        judged = model.take(block)
        speech = [voice * _logistic(_STEEPNESS * words) for voice, words in judged]
        self._speech_blocks += sum(each >= _SPEECH for each in speech)
        if model.is_behind:
            return certainty
        certainty *= _logistic(_STEEPNESS * (judged[-1][1] + _BENEFIT))
        is_speech = speech[-1] >= _SPEECH and self._speech_blocks >= _SPEECH_BLOCKS
        return max(certainty, speech[-1]) if is_speech else certainty


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-max(odds, -50.0)))
