"""Far-end mixer: renders what the speaker emits next, from the answer, earcons, clips and backchannels.

No I/O, no clock, no lock. What was rendered can be taken back up to half a second, and is then rendered again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edgevoice.audio.backchannel import BACKCHANNEL_GAIN, BackchannelMixer
from edgevoice.audio.clips import ClipMark, ClipPlayer
from edgevoice.audio.earcons import EarconMixer
from edgevoice.audio.hardware_mute import AmplifierGate
from edgevoice.core.announcements import ClipCut, ClipPlayed
from edgevoice.core.facts import PlaybackCut, PlaybackDrained
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.playout import Playout, PlayoutMark
from edgevoice.core.sound.volume_split import factor_of, rest_of
from edgevoice.core.sound.whisper import SOFTER_DB

_Samples = npt.NDArray[np.int16]

_DUCKED_GAIN = 10 ** (-15 / 20)
"""Quiet enough that people notice that the box has heard them, and that the canceller hears them.

The answer can still be followed.
"""

_SOFT_GAIN = factor_of(SOFTER_DB)

SpeakerFact = PlaybackCut | PlaybackDrained | ClipPlayed | ClipCut
"""What a speaker reports."""


class Gain:
    """How loud answers and earcons are, and whether answers are lowered while somebody may be speaking over them.

    ``limit_percent`` is how loud answers are at most, whatever their volume. The card's own control gives ``card`` of
    each factor, so the samples get the rest. ``is_soft`` lowers what the box says, in the samples alone.
    """

    def __init__(self, volume_percent: int, earcon_percent: int, ring_percent: int) -> None:
        self.volume_percent = volume_percent
        self.earcon_percent = earcon_percent
        self._configured = earcon_percent, ring_percent
        self.limit_percent = 100
        self.is_ducked = False
        self.is_soft = False
        self.card = 1.0
        self.wake_card: Callable[[], None] = _nobody_moves

    def leave_to_card(self, gain: float, wake: Callable[[], None] | None) -> None:
        """Leave this factor of each to the card; ``wake`` is to be called when more may be needed."""
        self.card = gain
        self.wake_card = wake or _nobody_moves

    @property
    def needed(self) -> float:
        """The largest factor that answers and earcons have, of the card and the samples together."""
        return max(self._of_volume, factor(self.earcon_percent))

    @property
    def volume(self) -> float:
        """The factor of the volume alone."""
        return rest_of(self._of_volume, self.card) * (_SOFT_GAIN if self.is_soft else 1.0)

    @property
    def of_earcons(self) -> float:
        """The factor for the earcons."""
        return rest_of(factor(self.earcon_percent), self.card)

    @property
    def full_ring(self) -> float:
        """The full volume of a ring, beside the present volume of the earcons."""
        return factor(ring_percent_beside(self.earcon_percent, self._configured))

    @property
    def of_rings(self) -> float:
        """The factor by which a ring's own volume is to be multiplied."""
        return self._duck / self.card

    @property
    def of_answers(self) -> float:
        """The factor for the answers now."""
        return self.volume * self._duck

    @property
    def _of_volume(self) -> float:
        return factor(min(self.volume_percent, self.limit_percent))

    @property
    def _duck(self) -> float:
        return _DUCKED_GAIN if self.is_ducked else 1.0


@dataclass(frozen=True, slots=True)
class ReportDue:
    """A fact that is true once the card has emitted everything before position ``at``."""

    at: int
    fact: SpeakerFact


class MixerMark(NamedTuple):
    """Where all sounds were at a position."""

    playout: PlayoutMark
    earcons: tuple[_Samples, ...]
    backchannels: tuple[_Samples, bool]
    clips: ClipMark
    sound_end: int


class FarEndMixer:
    """What the speaker emits, sample by sample; ``position`` counts the samples rendered, silence included.

    ``sound_end`` is the position after the last sample of an answer, ``loud_end`` that after the last block in which
    anything could be heard.
    """

    def __init__(
        self,
        playout: Playout,
        backchannels: BackchannelMixer,
        gain: Gain,
        amplifier: AmplifierGate,
        *,
        own_earcons: Mapping[Earcon, _Samples] | None,
    ) -> None:
        self._playout = playout
        self._backchannels = backchannels
        self._gain = gain
        self._amplifier = amplifier
        self.earcons = EarconMixer(gain.of_earcons, own_earcons)
        self.clips = ClipPlayer(gain.full_ring, own_earcons)
        self.position = 0
        self.sound_end = 0
        self.loud_end = 0

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to emit and nothing to report."""
        return self._playout.is_idle and self.earcons.is_idle and self._backchannels.is_idle and self.clips.is_idle

    def block(self, frames: int) -> int:
        """Return how many of the next ``frames`` to render at once where each fact must be exact to the sample."""
        if self._playout.fading:
            return min(frames, self._playout.fading)
        wait = self._amplifier.wait(self.position) if not self.is_silent else 0
        return min(frames, wait) if wait else frames

    def render(self, frames: int) -> tuple[_Samples | None, list[ReportDue]]:
        """Return the next ``frames`` samples, ``None`` if they are silent, and what becomes true with them."""
        begin = self.position
        self.position += frames
        # A box is silent most of the time: check that before allocating an array.
        # A cut is rendered to its end, muted or not: that is when it is reported.
        if self.is_silent or (not self._playout.is_cutting and self._amplifier.holds(begin)):
            return None, []
        samples, fact = self._playout.pull(frames)
        end = begin + self._playout.sounding
        due = [] if fact is None else [ReportDue(end, fact)]
        if self._playout.sounding:
            self.sound_end = end
        left = self.clips.left
        if (clip_fact := self._mix_clip(samples)) is not None:
            due.append(ReportDue(begin + left, clip_fact))
        if not self.earcons.is_idle:
            self.earcons.mix_into(samples)
        if not self._backchannels.is_idle:
            self._backchannels.mix_into(samples, self._gain.volume * BACKCHANNEL_GAIN)
        self.loud_end = self.position
        return samples, due

    def skip(self, position: int) -> None:
        """Go on from a later position: the card has emitted silence meanwhile."""
        self.position = position

    def mark(self) -> MixerMark:
        """Return where all sounds are, for ``take_back``."""
        return MixerMark(
            self._playout.mark(),
            self.earcons.mark(),
            self._backchannels.mark(),
            self.clips.mark(),
            self.sound_end,
        )

    def handed_alone(self, begin: int, mark: MixerMark) -> int | None:
        """Return how many samples were handed over of the one item that has sounded since ``mark``, at ``begin``.

        ``None`` if there was anything else to hear, or none.
        """
        others = (self.earcons, self._backchannels, self.clips)
        if mark.earcons or mark.backchannels[1] or mark.clips[1] or not all(other.is_idle for other in others):
            return None
        return self._playout.handed_alone(mark.playout, self.position - begin)

    def take_back(self, position: int, mark: MixerMark) -> None:
        """Return to a position, and to where all sounds were there."""
        self.position = position
        self._playout.take_back(mark.playout)
        self.earcons.take_back(mark.earcons)
        self._backchannels.take_back(mark.backchannels)
        self.clips.take_back(mark.clips)
        self.sound_end = mark.sound_end

    def _mix_clip(self, samples: _Samples) -> ClipPlayed | ClipCut | None:
        if self.clips.is_idle or not self.earcons.is_idle:
            return None  # an earcon comes first: only the answers are mixed with one
        return self.clips.mix_into(samples, self._gain.of_answers, self._gain.of_rings)


_LEAST_RING_PERCENT = 20
"""However soft the earcons are, what rings can be heard."""


def ring_percent_beside(earcon_percent: int, configured: tuple[int, int]) -> int:
    """Return the volume of rings once earcons are set to ``earcon_percent``: both go up and down by the same steps.

    ``configured`` are the volumes of earcons and of rings in the settings.
    """
    earcons, rings = configured
    if earcon_percent == earcons or not earcons:
        return rings
    return min(100, max(min(rings, _LEAST_RING_PERCENT), round(rings * earcon_percent / earcons)))


def factor(percent: int) -> float:
    """Convert percent to a factor: squared, because loudness is perceived in ratios."""
    return (percent / 100) ** 2


def _nobody_moves() -> None:
    """Replace what moves the card's control if all of the volume is in the samples."""
