"""Ring writer: gives a card what a mixer renders, and gives it something else when that changes. No lock, no clock.

Time passes between a look at the card's position and a write, and more of it when the caches are cold or the machine is
busy. What must not suffer from that is rendered first: then the card is looked at, and written within microseconds; if
it has been quicker all the same, nothing is written, and the next attempt begins further ahead.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from edgevoice.audio.callback_time import CallbackTime
from edgevoice.audio.far_end_mixer import FarEndMixer, MixerMark, SpeakerFact
from edgevoice.audio.ring import FarEndListener, Ring
from edgevoice.audio.unemitted import Unemitted
from edgevoice.core.sound.fade import FADE, fade_length, fade_out

_HEAD = 240
"""Samples, 10 ms, that are written first: the sooner they are, the closer to the converter they may begin."""

_BLOCK = 480
"""Samples that are rendered at once: with more than 500 numpy lets other threads run, which takes milliseconds."""

_ATTEMPTS = (0, 6, 12, 24, 48, 96, 192, 384)
"""How far beyond a card's reach each attempt begins, in samples: from 0 to 16 ms."""

_SPARE = 48
"""Samples, 2 ms, that a first sound leaves the card beyond its margin when it is written, should that be held up."""

_FIRST = 72
"""Samples, 3 ms, beyond a card's reach at which a first sound begins: 2 ms to spare, and 1 ms to render it."""

_Samples = npt.NDArray[np.int16]


class RingWriter:
    """Writes a ring from ``attach`` to ``detach``; every method is called with the speaker's lock held.

    ``reference`` receives everything that the card is given; ``timing`` is fitted to the card's clock.
    """

    def __init__(self, mixer: FarEndMixer, reference: FarEndListener, timing: CallbackTime) -> None:
        self._mixer = mixer
        self._reference = reference
        self._timing = timing
        self._unemitted = Unemitted[MixerMark, SpeakerFact]()
        self._rendered = _Rendered()
        self.ring: Ring | None = None

    def attach(self, ring: Ring) -> int:
        """Write this ring until ``detach``; return the position of the first sample that it is to be given."""
        self.ring = ring
        self._timing.restart()
        self._unemitted.reached = self._mixer.position
        return self._mixer.position

    def detach(self, position: int) -> list[SpeakerFact]:
        """Take back what the card has not emitted from ``position`` on, for the next; return what became true."""
        self.ring = None
        position = max(position, self._unemitted.final)
        self._take_back(position)
        return self._unemitted.pop_due(position)

    def feed(self, ring: Ring) -> tuple[int | None, list[SpeakerFact]]:
        """Fill the ring; return at which position more is needed, ``None`` if at none, and what became true."""
        facts: list[SpeakerFact] = []
        nearest = ring.reach()
        reach = self._reach(nearest)
        if nearest is not None and reach is not None and self.ring is ring:
            is_late = reach > self._mixer.position
            self._catch_up(reach)
            self._timing.observe(*ring.emitted())
            facts = self._unemitted.pop_due(reach)
            if not self._is_resting(ring):
                if is_late:
                    self._write_late(ring)
                self._fill(ring, nearest)
        return self._needed(ring), facts

    @contextmanager
    def changing(self, *, is_cut: bool = False) -> Iterator[_Samples | None]:
        """Take back what the card has not emitted, and render it again once the caller has made a change.

        The fade of a cut is written before the change and yielded, for the caller to have it rendered next. ``None``
        means that it is still to be made, because something other than one answer sounds.
        """
        ring = self.ring
        if ring is None:
            yield None  # lost a moment ago: the next will be given everything
            return
        faded = self._write_fade(ring) if is_cut else None
        reach, is_silent = (self._unemitted.reached, False) if faded is not None else self._begin(ring)
        # Of a lost card, too: taken back after the change, by `detach`, it would undo the change.
        self._take_back(self._unemitted.reached)
        yield faded
        if reach is None or self._is_resting(ring):
            return
        if faded is not None:
            self._render(_HEAD)  # as it was written
        elif is_silent:
            self._write_late(ring)
        else:
            begin = self._mixer.position
            ring.write(self._render(_HEAD), begin)
        self._fill(ring, ring.reach())
        ring.wake()

    def _begin(self, ring: Ring) -> tuple[int | None, bool]:
        """Return from where on a change holds, ``None`` if the card is lost, and whether it has only silence there."""
        nearest = self._reach(ring.reach())
        if nearest is None:
            return None, False
        self._catch_up(nearest)
        is_silent = not self._rendered.sounds(nearest, self._mixer.position)
        # What sounds is rendered from this position on, and cannot begin later.
        reach = self._reach(ring.reach(_FIRST) if is_silent else ring.reach_in_time())
        if reach is not None and is_silent:
            self._skip(reach)
        elif reach is not None:
            self._catch_up(reach)
        return reach, is_silent

    def _write_fade(self, ring: Ring) -> _Samples | None:
        """Fade out the one answer that sounds, and only that: a multiplication away from the card's position."""
        oldest, end = self._unemitted.oldest, self._mixer.position
        handed = None if oldest is None else self._mixer.handed_alone(*oldest)
        if oldest is None or handed is None:
            return None
        for ahead in _ATTEMPTS:
            reach = self._reach(ring.reach(ahead))
            if reach is None or not oldest[0] <= reach <= end - FADE:
                return None
            head = np.zeros(_HEAD, np.int16)
            length = fade_length(handed - (end - reach))
            head[:length] = self._rendered.read(reach, length) * fade_out(length)
            if ring.write_in_time(head, reach):
                return head[:length]
        return None

    def _write_late(self, ring: Ring) -> None:
        """Render what follows silence, and write it where the card is by then, so that nothing of it is lost."""
        for ahead in _ATTEMPTS:
            begin = self._mixer.position
            if ring.write_in_time(self._render(_HEAD), begin, spare=_SPARE):
                return
            self._take_back(begin)
            reach = ring.reach(_FIRST + ahead)
            if reach is not None:
                self._skip(max(reach, begin))
                self._take_back(self._mixer.position)  # what was skipped is the card's
        begin = self._mixer.position
        ring.write(self._render(_HEAD), begin)

    def _fill(self, ring: Ring, nearest: int | None) -> None:
        """Render and write as much as the card takes; ``nearest`` is its reach."""
        begin = self._mixer.position
        missing = 0 if nearest is None else nearest + ring.depth - begin
        if missing > 0:
            ring.write(self._render(missing), begin)

    def _is_resting(self, ring: Ring) -> bool:
        """Whether the ring can be left to itself: all of it is zeros, so it plays nothing of the last sound again."""
        return ring.rests and self._mixer.is_silent and self._mixer.position - self._mixer.loud_end >= ring.size

    def _needed(self, ring: Ring) -> int | None:
        due = self._unemitted.next_due
        if self._is_resting(ring):
            return due
        # Once a third of it has been emitted: beside a busy thread the output's own may wake 40 ms late.
        third = self._mixer.position - ring.depth * 2 // 3
        return third if due is None else min(due, third)

    def _reach(self, reach: int | None) -> int | None:
        """Return the first position that may still be changed. A card's margin shrinks: this never goes back."""
        if reach is None:
            return None
        self._unemitted.reached = max(reach, self._unemitted.final)
        return self._unemitted.reached

    def _catch_up(self, reach: int) -> None:
        """Go on from where the card is, if it has emitted silence since the last sample that it was given."""
        if reach > self._mixer.position:
            if not self._mixer.is_silent:
                self._timing.xruns += 1
            self._skip(reach)

    def _skip(self, position: int) -> None:
        missing = position - self._mixer.position
        if missing > 0:
            self._mixer.skip(position)
            self._reference.played(None, missing)

    def _take_back(self, position: int) -> None:
        """Return to the state at ``position``, unless that is still to come."""
        end = self._mixer.position
        found = self._unemitted.take_back(position)
        if position >= end or found is None:
            return  # silence that was never rendered: there is nothing in it to take back
        begin, mark = found
        self._mixer.take_back(begin, mark)
        if position > begin:
            self._mixer.render(position - begin)  # the card has emitted this part, and its facts are known
        self._reference.take_back(end - position)

    def _render(self, count: int) -> _Samples:
        out = np.zeros(count, np.int16)
        at = 0
        while at < count:
            begin, frames = self._mixer.position, self._mixer.block(min(_BLOCK, count - at))
            self._unemitted.began(begin, self._mixer.mark())
            samples, due = self._mixer.render(frames)
            if samples is not None:
                out[at : at + frames] = samples
            self._rendered.put(begin, out[at : at + frames])
            self._reference.played(samples, frames)
            for each in due:
                self._unemitted.wait(begin, each.at, each.fact)
            at += frames
        return out


_KEPT = 16_384
"""Samples that are kept, two thirds of a second: more than a card holds."""


class _Rendered:
    """The samples that were rendered last, by their positions."""

    def __init__(self) -> None:
        self._samples = np.zeros(_KEPT, np.int16)

    def put(self, position: int, samples: _Samples) -> None:
        at = position % _KEPT
        fits = _KEPT - at
        self._samples[at : at + len(samples)] = samples[:fits]
        self._samples[: max(0, len(samples) - fits)] = samples[fits:]

    def read(self, position: int, count: int) -> _Samples:
        at = position % _KEPT
        return np.concatenate([self._samples[at : at + count], self._samples[: max(0, at + count - _KEPT)]])

    def sounds(self, begin: int, end: int) -> bool:
        """Return whether any sample from ``begin`` up to ``end`` is not zero."""
        return end > begin and bool(self.read(begin, end - begin).any())
