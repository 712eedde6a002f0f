"""Near speech: distinguishes a person talking over the box from the box itself, coughs, doors and dishes. No clock.

A bar follows how loud the near-end is while nobody talks. A sound that rises over it *begins*, which is worth lowering
the voice for, and so does a voice that is clear although it is under the bar; if enough speaks for a person, it is
*confirmed*; everything else *fades*.

Two cancellers show how much of it is echo. The linear canceller's output shows it soonest and best, but a filter that
has lost the room returns the box's own voice. The suppressor lets none of that through, but opens late for a person. So
speech is confirmed when the suppressor agrees, or when the filter is beyond doubt: it still explains the echo, and what
it leaves is loud.

A third witness is a model that has learned what speech is (`echo.voice_listener`). Pitch alone mistakes music, many
coughs and a television in the next room for a person.

The suppressor costs more than all the rest. Once the filter has learned the room, the suppressor is called only when
the filter's output comes near its bar: below that its answer would not matter.
"""

from enum import Enum, auto

import numpy as np

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.noise_floor import LEARNED_LEAK_DB, TRUSTED_LEAK_DB, Bar, decibels, level_db
from edgevoice.echo.suppressor import RestingSuppressor
from edgevoice.echo.surroundings import Levels, Surroundings
from edgevoice.echo.talk_spurt import LOUD_DB, Block, Spurt
from edgevoice.echo.voice import EventModel, SoundModel, VoiceModel
from edgevoice.echo.voice_listener import CLEARLY, VoiceListener
from edgevoice.echo.voicing import WINDOW, is_voiced

_BEGIN_EVIDENCE = 6.0
_UNVOICED_EVIDENCE = 20.0
_POSSIBLE = 0.05
_STARTLING_DB = 8.0
"""Decibels over the bar, summed over blocks, that are worth lowering the voice for; and the sum needed while the voice
model hears nothing that could be a voice and the block is not far over. What an echo leaves in its decay comes over the
bar by 1 to 7 dB, and the model rates it 0.00 to 0.05; a person as loud as the echo comes over it by 8 to 14 dB. In 6.9
minutes of quiet rooms the echo reached the sum 16 times, and 42 times if 6 dB were always enough.
"""

_MOST_EVIDENCE = 10.0
"""The most that one block can add to that sum."""

_CANDIDATE_BLOCKS = 3
"""Blocks under the bar after which a sound that has not begun is forgotten."""

_FADED_BLOCKS = 7
"""Blocks under the bar after which a sound has faded: 140 ms, so that full volume is back 300 ms after its end.

The voice stays lowered while the model hears a voice that has begun recently: of 50 remarks 20 dB softer than the echo
26 were heard, not 24.
"""

_PAUSE_BLOCKS = 15
"""Blocks under the bar that end confirmed speech: 300 ms, a breath between two words."""

_SPOKEN_BLOCKS = 50
"""Blocks after confirmed speech that do not count as the room's own sound: 1 s, in which a remark may go on."""

_LONGEST_ALONE_BLOCKS = 100
"""Blocks for which confirmed speech is followed once the far-end is silent: 2 s; after that it is a television."""

_LONGEST_BLOCKS = 60
"""Blocks after which a sound that is still unconfirmed is abandoned: 1.2 s, a kettle."""

_DOUBTED_DB = 8.0
"""How far under its bar the linear canceller may be for the suppressor to be trusted: it may have learned nothing."""

_NEAR_THE_BAR_DB = -5.0
"""Distance from the bar from which the suppressor is consulted as well."""

_CALLED_BLOCKS = 15
"""How long it goes on working after that: 300 ms, in which it settles."""

_UNKNOWN_LEAK_DB = 0.0
_UNKNOWN_SUPPRESSED_LEAK_DB = -14.0
"""What a canceller is assumed to leave of the echo until that is known."""

_DOUBTED_LEAK_DB = -9.0
"""What a filter that was good is assumed to leave once the echo has moved and was found again: so little that a person
is heard a second later, and so much that at first the suppressor is consulted about everything.
"""

_SETTLING_DB = 9.0
"""How much quieter than the linear canceller's output the suppressor's may be and still count as agreeing."""

_ESTIMATED_LEAK_DB = -5.0
"""At or below this leak, the echo is assumed to be as loud as the filter's estimate of it, not as all that is heard.

A person who is as loud as the echo is not echo: while the voice is lowered the bar falls by the same amount, and they
stay over it. Of 50 remarks and 47 words 10 dB softer than the echo, 35 and 33 came over the bar for 120 ms before, 45
and 38 now.
"""

_LOUD_FAR_DB = 60.0
"""Level of a far-end block whose echo would be heard if there were one: an amplitude of 1,000, as in soft speech."""

_HELD_DB = 3.0
_LONG_HELD_DB = 1.5
_FAR_HELD_DB = 1.0
"""How far the echo is assumed to fall per block. A room decays by 60 dB in 250 ms, which is 5; the suppressor is slower
to open and to close; and if only the far-end is known, the echo may come 100 ms later.
"""


_LENIENT_DB = 5.0
"""How far under the bar a block may be and still count once the answer is lowered, if the model clearly hears a voice.
"""


class SpeechChange(Enum):
    """What has changed: something is over the bar; it is speech; it was not speech after all; the speech is over."""

    BEGAN = auto()
    CONFIRMED = auto()
    FADED = auto()
    ENDED = auto()


class _Stage(Enum):
    QUIET = auto()
    CANDIDATE = auto()
    BEGUN = auto()
    CONFIRMED = auto()


class NearSpeech:
    """Listens to one block after another. Not thread-safe.

    It errs towards not cutting: before a canceller has learned the room, or after it loses it, its bar is as high as
    the echo itself. ``voice`` hears what the canceller leaves, and is consulted while something is over the bar;
    without it voices are recognised by pitch alone. ``sound`` hears it too, and says what kind of sound it is.
    ``events`` has the last word, when all else takes a sound for a person.
    ``surroundings`` may be measured elsewhere as well.
    """

    def __init__(
        self,
        voice: VoiceModel | None = None,
        surroundings: Surroundings | None = None,
        sound: SoundModel | None = None,
        events: EventModel | None = None,
    ) -> None:
        self._surroundings = surroundings or Surroundings()
        self._voice = VoiceListener(voice, self._surroundings, sound, events)
        self._rows = np.zeros((3, BLOCK), np.float32)
        self._window = np.zeros(WINDOW, np.float32)
        self._echo = 0.0
        self._long_echo = 0.0
        self._linear_bar = Bar(leak=_UNKNOWN_LEAK_DB, leak_margin=9.0, floor_margin=9.0)
        self._suppressed_bar = Bar(leak=_UNKNOWN_SUPPRESSED_LEAK_DB, leak_margin=6.0, floor_margin=6.0)
        self._stage = _Stage.QUIET
        self._spurt = Spurt()
        self._called = 0
        self._spoken = 0

    def take(
        self, near: Samples, cancelled: Samples, far: Samples, suppressor: RestingSuppressor | None
    ) -> SpeechChange | None:
        """Take a block as heard, as the filter left it, and as played; return what has changed with it.

        ``suppressor`` judges the block or only keeps it for later. It is None if the device itself cancels: how much of
        ``far`` it leaves in ``near`` is learned.
        """
        rows = self._rows
        rows[0], rows[1] = near, cancelled
        np.subtract(rows[0], rows[1], out=rows[2])
        near_db, linear_db, estimate_db = (decibels(power) for power in np.einsum("ij,ij->i", rows, rows).tolist())
        self._window[:BLOCK] = self._window[BLOCK:]
        self._window[BLOCK:] = rows[1]
        self._voice.take(cancelled)
        if suppressor is None or self._linear_bar.leak > LEARNED_LEAK_DB:
            # What a device leaves of the box's own voice is faint, but clear.
            self._voice.forget()
        if level_db(far) > _LOUD_FAR_DB:
            self._linear_bar.look_for_echo(near_db)
        if suppressor is None:
            block = self._judge_device(linear_db, level_db(far))
        else:
            # A filter that expects an echo which is absent adds sound: a person cannot be louder than the near-end.
            linear_db = min(linear_db, near_db)
            echo_db = near_db if self._linear_bar.leak > _ESTIMATED_LEAK_DB else estimate_db
            self._echo = max(echo_db, self._echo - _HELD_DB)
            self._long_echo = max(echo_db, self._long_echo - _LONG_HELD_DB)
            linear_over = self._linear_bar.over(linear_db, self._echo)
            if self._wants_witness(linear_over):
                block = self._judge(linear_db, linear_over, level_db(suppressor.process(near, far)))
            else:
                suppressor.rest(near, far)
                block = self._judge_alone(linear_db, linear_over)
        levels = Levels(near_db, linear_db, estimate_db)
        if self._stage is _Stage.QUIET and block.over <= 0 and not self._voice.is_clear:
            self._rest(levels)
            return None
        return self._follow(block, levels)

    @property
    def is_speaking(self) -> bool:
        """Whether speech was confirmed and has not ended yet."""
        return self._stage is _Stage.CONFIRMED

    def take_alone(self, near: Samples) -> SpeechChange | None:
        """Take a block with nothing played beside it; return the end of confirmed speech when it is over."""
        spurt = self._spurt
        # Without an echo, only the model distinguishes a voice from the room's noise and a hum.
        is_voice = self._voice.may_be_voice(near) and self._linear_bar.over(level_db(near), 0.0) > 0
        spurt.quiet = 0 if is_voice else spurt.quiet + 1
        spurt.length += 1
        if spurt.quiet >= _PAUSE_BLOCKS:
            self.reset()
            return SpeechChange.ENDED
        if spurt.length >= _LONGEST_ALONE_BLOCKS:
            self.reset()
        return None

    def reset(self) -> None:
        """Forget the current sound, but not what was learned about the room."""
        self._stage = _Stage.QUIET
        self._voice.pause()
        self._window[:] = 0
        self._echo = self._long_echo = 0.0

    def abandon(self) -> SpeechChange | None:
        """Abandon the current sound; return that it faded if it had begun."""
        has_begun = self._stage is _Stage.BEGUN
        self.reset()
        return SpeechChange.FADED if has_begun else None

    def doubt(self) -> None:
        """Trust the cancellers little more than at the start: the far-end has moved relative to the near-end."""
        self._linear_bar.leak = max(self._linear_bar.leak, _DOUBTED_LEAK_DB)
        self._suppressed_bar.leak = max(self._suppressed_bar.leak, _UNKNOWN_SUPPRESSED_LEAK_DB)

    def _needed_evidence(self, block: Block) -> float:
        is_possible = self._voice.certainty >= _POSSIBLE or block.over >= _STARTLING_DB
        return _BEGIN_EVIDENCE if is_possible else _UNVOICED_EVIDENCE

    def _rest(self, levels: Levels) -> None:
        """Take a block in which nobody talks."""
        self._spoken = max(0, self._spoken - 1)
        if not self._spoken:
            self._surroundings.take_noise(self._linear_bar.noise)
            self._surroundings.take(levels, self._linear_bar.leak)

    def _wants_witness(self, linear_over: float) -> bool:
        if self._linear_bar.leak > LEARNED_LEAK_DB or linear_over > _NEAR_THE_BAR_DB:
            self._called = _CALLED_BLOCKS
        elif self._stage is _Stage.QUIET and self._called:
            self._called -= 1
        return self._called > 0

    def _judge_alone(self, linear_db: float, linear_over: float) -> Block:
        """Judge a block so far under the bar that the suppressor need not be consulted."""
        self._linear_bar.follow(linear_db)
        self._linear_bar.learn(linear_db, self._echo, is_new_voice=self._voice.is_new)
        return Block(linear_over, linear_over, linear_db - self._echo)

    def _judge(self, linear_db: float, linear_over: float, suppressed_db: float) -> Block:
        suppressed_over = min(
            self._suppressed_bar.over(suppressed_db, self._long_echo),
            suppressed_db - linear_db + _SETTLING_DB,
            # When an overdriven speaker begins, the suppressor lets through what the filter has removed.
            linear_over + _DOUBTED_DB,
        )
        if self._linear_bar.leak > LEARNED_LEAK_DB:
            # A filter that is still learning fluctuates: its evidence alone is not enough.
            linear_over = min(linear_over, suppressed_over)
        block = Block(linear_over, suppressed_over, linear_db - self._echo)
        self._linear_bar.follow(linear_db)
        self._suppressed_bar.follow(suppressed_db)
        if self._stage is _Stage.QUIET and block.over <= 0:
            self._linear_bar.learn(linear_db, self._echo, is_new_voice=self._voice.is_new)
            self._suppressed_bar.learn(suppressed_db, self._long_echo, is_new_voice=self._voice.is_new)
        return block

    def _judge_device(self, near_db: float, far_db: float) -> Block:
        self._echo = max(far_db, self._echo - _FAR_HELD_DB)
        over = self._linear_bar.over(near_db, self._echo)
        self._linear_bar.follow(near_db)
        if self._stage is _Stage.QUIET and over <= 0:
            self._linear_bar.learn(near_db, self._echo, is_new_voice=self._voice.is_new)
        return Block(over, over, near_db - self._echo)

    def _follow(self, block: Block, levels: Levels) -> SpeechChange | None:
        if self._stage is _Stage.QUIET:
            self._stage, self._spurt = _Stage.CANDIDATE, Spurt()
            self._voice.begin()
        spurt = self._spurt
        spurt.length += 1
        spurt.listen(self._voice.certainty_of_sound)
        # Full volume in the middle of a person's sentence would put them back under the bar.
        is_lowered = self._stage is _Stage.BEGUN
        is_over = block.over > 0 or (is_lowered and block.over > -_LENIENT_DB and self._voice.certainty >= CLEARLY)
        goes_on = is_over or (is_lowered and self._voice.is_new)
        spurt.quiet = 0 if goes_on else spurt.quiet + 1
        if self._stage is not _Stage.CONFIRMED:
            spurt.levels.append((levels, is_over))
            if is_over:
                self._count(spurt, block)
                self._voice.is_loud = spurt.level > self._surroundings.needed_db
        match self._stage:
            case _Stage.CANDIDATE if spurt.evidence >= self._needed_evidence(block) or self._voice.is_clear:
                self._stage = _Stage.BEGUN
                return SpeechChange.BEGAN
            case _Stage.CANDIDATE if spurt.quiet >= _CANDIDATE_BLOCKS:
                self._give_up(spurt)
            case _Stage.BEGUN if self._is_person(spurt):
                self._stage = _Stage.CONFIRMED
                self._voice.end()
                self._spoken = _SPOKEN_BLOCKS
                return SpeechChange.CONFIRMED
            case _Stage.BEGUN if spurt.quiet >= _FADED_BLOCKS or spurt.length >= _LONGEST_BLOCKS:
                self._give_up(spurt)
                return SpeechChange.FADED
            case _Stage.CONFIRMED if spurt.quiet >= _PAUSE_BLOCKS:
                self._stage = _Stage.QUIET
                return SpeechChange.ENDED
            case _:
                pass
        return None

    def _count(self, spurt: Spurt, block: Block) -> None:
        near, estimate = self._rows[0], self._rows[2]
        spurt.sounding += 1
        spurt.voiced += is_voiced(self._window)
        spurt.suppressed += block.suppressed_over > 0
        spurt.loud += block.linear_over > LOUD_DB and self._linear_bar.leak < TRUSTED_LEAK_DB
        spurt.evidence += min(block.over, _MOST_EVIDENCE)
        spurt.worst_leak = max(spurt.worst_leak, block.leak)
        if not self._spoken:
            # Whoever spoke over the box has pulled the filter after them: at first it leaves the next answer voiced.
            spurt.explain(float(np.dot(near, estimate)), float(np.dot(estimate, estimate)))

    def _is_person(self, spurt: Spurt) -> bool:
        return spurt.is_speech and spurt.level > self._surroundings.needed_db and self._voice.takes_for_speech()

    def _give_up(self, spurt: Spurt) -> None:
        if self._stage is _Stage.BEGUN:
            self._voice.mistrust()
        self._stage = _Stage.QUIET
        self._voice.end()
        for levels, _ in spurt.levels:
            self._surroundings.take(levels, self._linear_bar.leak, is_over=True)
        bar = self._linear_bar
        if spurt.suppressed == 0:
            # The suppressor has heard nobody: the canceller has become worse.
            bar.leak = max(bar.leak, min(spurt.worst_leak - 3, bar.leak + 6))
