"""Playout buffer: assistant audio between the wire and the DAC. No I/O, no clock, no locks."""

from dataclasses import dataclass, field, replace

import numpy as np

from edgevoice.core.facts import PlaybackCut, PlaybackDrained
from edgevoice.core.sound.fade import fade_length, fade_out
from edgevoice.core.sound.loudness import Loudness
from edgevoice.core.sound.prefill import Prefill
from edgevoice.core.sound.sample_queue import ItemAudio, SampleQueue, Samples

_MOST_ITEMS = 64
"""Parts of items that may be queued at once: an answer is one or two."""


@dataclass(slots=True)
class _Cut:
    """A cut for a pull to report, if one ``is_due``: the items it hit, and what fades out, faded already."""

    is_due: bool = False
    items: list[ItemAudio] = field(default_factory=list)
    fading: Samples = field(default_factory=lambda: np.zeros(0, np.int16))


@dataclass(frozen=True, slots=True)
class PlayoutMark:
    """Where a playout buffer was at a sample, so that what was pulled since then can be taken back."""

    taken: int
    items: dict[tuple[str, int], ItemAudio]
    settled: tuple[tuple[ItemAudio, bool], ...]
    loudness: tuple[float, int]
    prefill: tuple[bool, int]
    cut: _Cut
    is_dry: bool


class Playout:
    """A queue of the answer's audio, pulled by the output callback.

    ``push`` and ``finish`` are for the wire's side, ``pull`` for the card's; a caller that uses both from two threads
    holds a lock. ``prefill_ms``: playback begins once this much is queued, so that the first network hiccup is not
    heard. ``sounding`` is how many samples at the head of the last ``pull`` were the answer's.

    What was pulled last, at most half a second, may be taken back and pulled again, if nothing but ``push`` was called
    meanwhile, and that only while more audio merely continues what flows (``continues``).

    The rest of an answer that was cut may be kept: it is silent, audio that still arrives is added to it, and it
    resumes from the first sample that was not heard, or is dropped.
    """

    def __init__(self, prefill_ms: int) -> None:
        self._prefill = Prefill(prefill_ms)
        self._items: dict[tuple[str, int], ItemAudio] = {}
        self._queue = SampleQueue()
        self._loudness = Loudness()
        self._cut = _Cut()
        self._burst = 0
        self._is_held_back = False
        self._is_dry = False
        self.sounding = 0

    @property
    def is_cutting(self) -> bool:
        """Whether the next ``pull`` has a cut to report."""
        return self._cut.is_due

    @property
    def is_idle(self) -> bool:
        """Whether ``pull`` would return plain silence and has nothing to report."""
        return (self._queue.is_empty or self._is_held_back) and not self._cut.is_due and not self._is_dry

    @property
    def continues(self) -> bool:
        """Whether audio pushed now comes after audio that flows, or is kept: no pull so far depends on it."""
        flows = self._prefill.is_flowing and not self._queue.is_empty and not self._cut.is_due
        return flows or self._is_held_back

    @property
    def fading(self) -> int:
        """How many samples of a fade are still to be pulled."""
        return len(self._cut.fading)

    def mark(self) -> PlayoutMark:
        """Return where the buffer is, for ``take_back``."""
        return PlayoutMark(
            self._queue.taken,
            dict(self._items),
            tuple((item, item.is_settled) for item in self._items.values()),
            self._loudness.mark(),
            self._prefill.mark(),
            replace(self._cut),
            self._is_dry,
        )

    def take_back(self, mark: PlayoutMark) -> None:
        """Return to ``mark``: what was pulled since then is at the front of the queue again."""
        for item, was_settled in mark.settled:
            item.is_settled = was_settled
        self._queue.put_back(self._queue.taken - mark.taken)
        self._items = {key: item for key, item in mark.items.items() if key not in self._items} | self._items
        self._loudness.take_back(mark.loudness)
        self._prefill.take_back(mark.prefill)
        self._cut = replace(mark.cut)
        self._is_dry = mark.is_dry

    def push(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        """Queue s16 samples of an item; return the burst's number when this is the first sound after silence.

        While the rest of an answer that was cut is kept, they are added to it and begin no burst. A sample split over
        two pushes is joined again. After an item is over, samples belong to another of its name, in a later session.
        The caller must refuse samples of an item that was cut for good. Samples are dropped once a quarter of an hour
        is queued, and so are items beyond the number that any answer has.
        """
        if self._queue.is_full:
            return None
        item = self._items.get((item_id, content_index))
        if item is None or item.is_over:
            item = self._new_item(item_id, content_index)
        if item is None:
            return None
        samples = np.frombuffer(item.joined.take(pcm), dtype="<i2")
        if not len(samples):
            return None
        begins = self._queue.is_empty and not self._is_held_back
        self._is_dry = False
        self._queue.push(item, samples)
        if not begins:
            return None
        self._burst += 1
        self._prefill.begin()
        return self._burst

    def _new_item(self, item_id: str, content_index: int) -> ItemAudio | None:
        # There may have been an item of that name: some services number theirs anew in each session.
        self._items.pop((item_id, content_index), None)
        if len(self._items) >= _MOST_ITEMS:
            return None
        item = self._items[item_id, content_index] = ItemAudio(item_id, content_index)
        return item

    def finish_item(self, item_id: str) -> None:
        """Mark an item as completely received."""
        for (name, _), item in self._items.items():
            item.is_complete = item.is_complete or name == item_id

    def finish(self) -> None:
        """Mark everything as completely received: what is queued need not wait for a prefill any longer."""
        for item in self._items.values():
            item.is_complete = True
        self._prefill.skip()

    def set_gain(self, gain: float) -> None:
        """Set the loudness, 0 to 1: within 10 ms and without a click if something is sounding, else at once."""
        self._loudness.want(gain, at_once=self.is_idle)

    def handed_alone(self, mark: PlayoutMark, samples: int) -> int | None:
        """Return how many samples were handed over of the one item to which all of the last ``samples`` belonged.

        ``None`` unless there is such an item, and no cut is under way. ``mark`` is where the buffer was before them.
        """
        was_flowing, _ = mark.prefill
        if self._cut.is_due or self._is_held_back or not was_flowing or self._queue.taken - mark.taken != samples:
            return None
        return self._queue.handed_alone(samples)

    def cut(self, unheard: int | None = None, *, keeps_rest: bool = False, faded: Samples | None = None) -> None:
        """Silence everything queued: the next pull fades out and reports what was heard.

        Audio pushed later is a new burst, unless this cut ``keeps_rest``, to be resumed or dropped. ``unheard``: the
        amplifier was muted, so nothing fades and this many samples, the last that were handed over, were not heard.
        ``faded``: the card has the fade already, and these are its samples.
        """
        if self._is_held_back:
            if not keeps_rest:
                self.drop()
            return  # it is silent, and has been reported
        # Set first: another thread that only looks must not find the buffer idle before the fade.
        was_due, self._cut.is_due = self._cut.is_due, True
        if unheard is not None:
            self._queue.put_back(unheard)
        elif not was_due:  # otherwise the fade of the cut before has yet to be pulled
            head = self._head()
            self._cut.fading = self._faded(head) if faded is None else faded
        self._cut.items = [*self._cut.items, *self._items.values()]
        self._loudness.stop_rising()
        self._is_dry = False
        if keeps_rest:
            self._is_held_back = True
            self._prefill.begin()
        else:
            self._forget_queue()

    def resume(self) -> int:
        """Resume the rest that was kept, from the first sample that was not heard; return the burst's number.

        It fades in over 3 ms. If nothing is left, the next pull reports that the buffer ran dry.
        """
        self._is_held_back = False
        self._loudness.rise()
        self._burst += 1
        self._is_dry = self._queue.is_empty
        return self._burst

    def drop(self) -> None:
        """Drop the rest that was kept, if there is one."""
        if self._is_held_back:
            self._is_held_back = False
            self._forget_queue()

    def pull(self, frames: int) -> tuple[Samples, PlaybackCut | PlaybackDrained | None]:
        """Return exactly ``frames`` samples, and what to report: that a cut is done, or that the buffer ran dry.

        Both refer to the samples returned by this very call.
        """
        self.sounding = 0
        if self._cut.is_due:
            return self._pull_fade(frames)
        out = np.zeros(frames, np.int16)
        if self._is_held_back:
            return out, None
        if self._is_dry:
            self._is_dry = False
            self._settle()
            return out, PlaybackDrained(self._burst)
        if self._queue.is_empty or not self._may_flow():
            self._prefill.wait(frames)
            return out, None
        self.sounding = self._queue.take(out)
        self._loudness.apply(out[: self.sounding])
        if not self._queue.is_empty:
            return out, None
        self._settle()
        return out, PlaybackDrained(self._burst)

    def _may_flow(self) -> bool:
        return self._prefill.lets_flow(self._queue.queued, is_complete=self._queue.newest.is_complete)

    def _settle(self) -> None:
        """Forget items that were heard to the end and need no correction later; the kept rest may still grow.

        So may the newest item by another part, which may never be heard: it is corrected at the end of this one.
        """
        newest = next(reversed(self._items), ("", 0))[0]
        self._items = {key: item for key, item in self._items.items() if not item.is_complete or key[0] == newest}
        for item in self._items.values():
            item.is_settled = item.is_complete

    def _faded(self, tail: Samples) -> Samples:
        return (tail * fade_out(len(tail)) * self._loudness.gain).astype(np.int16)

    def _pull_fade(self, frames: int) -> tuple[Samples, PlaybackCut | None]:
        out = np.zeros(frames, np.int16)
        tail = self._cut.fading[:frames]
        out[: len(tail)] = tail
        self.sounding = len(tail)
        if len(tail) < len(self._cut.fading):
            self._cut.fading = self._cut.fading[frames:]
            return out, None
        self._loudness.settle()
        unheard = {part.item_id for part in self._cut.items if not part.is_over}
        items = tuple(part.heard() for part in self._cut.items if part.item_id in unheard)
        self._cut = _Cut()
        return out, PlaybackCut(items)

    def _head(self) -> Samples:
        """Take what fades off the queue: it will be heard, so it counts as handed over, in whole milliseconds."""
        if not self._prefill.is_flowing or self._queue.is_empty:
            return np.zeros(0, np.int16)
        out = np.zeros(fade_length(self._queue.oldest.handed), np.int16)
        return out[: self._queue.take(out)]

    def _forget_queue(self) -> None:
        self._items = {}
        self._queue.clear()
