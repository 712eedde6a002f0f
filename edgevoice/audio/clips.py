"""Clips: sounds that the box plays without being asked, rings and announcements, and how much of them was heard."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgevoice.audio.earcons import render
from edgevoice.core.announcements import ClipCut, ClipPlayed
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.core.sound.rates import FAR_END_HZ

_Samples = npt.NDArray[np.int16]

LONGEST_S = 600
"""The longest clip, in seconds; the rest of a longer one is not played."""

_EDGE = 1.0 / (FAR_END_HZ // 100)
"""How much the gain may change per sample: from silence to full volume in 10 ms."""

_NOTHING = np.zeros(0, np.int16)


@dataclass(slots=True)
class _Clip:
    """A sound that plays: ``lead`` is the part of it that is the earcon, ``gain`` its own, ``None`` the answers'."""

    clip_id: str
    samples: _Samples
    lead: int
    gain: float | None
    at: int = 0
    fade: npt.NDArray[np.float64] | None = None
    """The gain of its last samples, once it was cut."""

    @property
    def heard_ms(self) -> int:
        return max(0, self.at - self.lead) * 1000 // FAR_END_HZ


ClipMark = tuple[float, tuple[tuple[_Clip, int], ...]]
"""Where the clips are: the gain, and each clip with how much of it was mixed."""


class ClipPlayer:
    """Plays one clip at a time, after the one before has been cut. Callers in two threads must hold a lock.

    ``ring_gain`` is the full volume of a ring, 0 to 1; ``own`` has the owner's earcons.
    """

    def __init__(self, ring_gain: float, own: Mapping[Earcon, _Samples] | None = None) -> None:
        self._ring_gain = ring_gain
        own = own or {}
        self._alarm, self._chime = (
            own[earcon] if earcon in own else render(earcon) for earcon in (Earcon.TIMER, Earcon.CHIME)
        )
        self._known: dict[str, _Samples] = {}
        self._playing: deque[_Clip] = deque()
        self._gain = 0.0

    def set_ring_gain(self, gain: float) -> None:
        """Ring this loud from the next ring on, 0 to 1."""
        self._ring_gain = gain

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to play and nothing to report."""
        return not self._playing

    @property
    def left(self) -> int:
        """How many samples are still to be mixed of the clip that plays."""
        return len(self._playing[0].samples) - self._playing[0].at if self._playing else 0

    def mark(self) -> ClipMark:
        """Return what is still to be mixed, for ``take_back``."""
        return self._gain, tuple((clip, clip.at) for clip in self._playing)

    def take_back(self, mark: ClipMark) -> None:
        """Return to ``mark``: what was mixed since then is to be mixed again."""
        self._gain, playing = mark
        self._playing = deque(clip for clip, _ in playing)
        for clip, at in playing:
            clip.at = at

    def learn(self, clip_id: str, samples: _Samples) -> None:
        """Know a clip by this id from now on: mono s16 at 24 kHz."""
        self._known[clip_id] = samples[: LONGEST_S * FAR_END_HZ]

    def forget(self, clip_id: str) -> None:
        """Know it no longer; a clip that plays is played to its end."""
        self._known.pop(clip_id, None)

    def ring(self, clip_id: str, gain_db: float) -> None:
        """Play the alarm earcon and the clip at their own volume, softer by ``gain_db`` than a full ring."""
        self._begin(clip_id, self._alarm, self._ring_gain * 10 ** (gain_db / 20))

    def play(self, clip_id: str, *, has_chime: bool) -> None:
        """Play a clip at the volume of the answers."""
        self._begin(clip_id, self._chime if has_chime else _NOTHING, None)

    def cut(self) -> None:
        """Fade out what plays within 3 ms; what was to follow it is not played."""
        for place, clip in enumerate(self._playing):
            if clip.fade is not None:
                continue  # anew, it would begin at full volume
            clip.samples = clip.samples[: clip.at + (0 if place else FADE)]
            clip.fade = fade_out(len(clip.samples) - clip.at)

    @property
    def needed(self) -> float:
        """The largest gain of the rings that play or wait, 0 if none does."""
        return max((clip.gain for clip in self._playing if clip.gain is not None), default=0.0)

    def mix_into(self, samples: _Samples, answer_gain: float, ring_factor: float) -> ClipPlayed | ClipCut | None:
        """Add the next stretch to ``samples``, in place, clipping at full scale; return what is over with it.

        ``answer_gain`` is how loud answers are now; a ring's own gain is multiplied by ``ring_factor``, up to 1.
        """
        clip = self._playing[0]
        piece = clip.samples[clip.at : clip.at + len(samples)]
        ramp = self._ramp(clip, len(piece), answer_gain if clip.gain is None else min(1.0, clip.gain * ring_factor))
        if clip.fade is not None:
            ramp *= clip.fade[len(clip.fade) + clip.at - len(clip.samples) :][: len(piece)]
        clip.at += len(piece)
        mixed = samples[: len(piece)] + piece * ramp
        samples[: len(piece)] = np.clip(mixed, -32768, 32767)
        if clip.at < len(clip.samples):
            return None
        self._playing.popleft()
        return ClipCut(clip.clip_id, clip.heard_ms) if clip.fade is not None else ClipPlayed(clip.clip_id)

    def _begin(self, clip_id: str, lead: _Samples, gain: float | None) -> None:
        samples = np.concatenate([lead, self._known.get(clip_id, _NOTHING)])
        self._playing.append(_Clip(clip_id, samples, len(lead), gain))

    def _ramp(self, clip: _Clip, count: int, gain: float) -> npt.NDArray[np.float64]:
        """Return the gain of each sample: without a step, so that lowering it does not click."""
        if clip.at == 0:
            self._gain = gain
        low, high = sorted((self._gain, gain))
        step = _EDGE if gain == high else -_EDGE
        ramp: npt.NDArray[np.float64] = np.clip(self._gain + step * np.arange(1, count + 1), low, high)
        self._gain = float(ramp[-1]) if count else gain
        return ramp
