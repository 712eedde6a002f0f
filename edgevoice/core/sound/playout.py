"""Playout buffer: assistant audio between the wire and the DAC. No I/O, no clock, no locks."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgevoice.core.facts import ItemHeard, PlaybackCut, PlaybackDrained
from edgevoice.core.sound.rates import FAR_END_HZ

_FADE = 120
"""Samples of the fade that ends a cut: 5 ms, short enough to be silence at once and long enough not to click."""

_FADE_IN = np.linspace(0, 1, _FADE, endpoint=False)

_MOST_RECENT = FAR_END_HZ // 2
"""Samples handed over last that are remembered: 500 ms, more than a card holds when its amplifier is muted."""

_GAIN_STEP = 1 / 240
"""Change of gain per sample: from full to nothing in 10 ms, so that a change of volume does not click."""

_LONGEST_PREFILL = FAR_END_HZ
"""Samples of silence after which what there is of an answer sounds, prefill or not: a service that stands still, or a
link that is lost, right after the first delta would else leave the box between silence and speech for ever.
"""

_MOST_QUEUED = 900 * FAR_END_HZ
"""Samples that may wait: a quarter of an hour, 43 MB; longer than any answer that somebody stays for."""

_MOST_CHUNKS = 45_000
"""Pieces that may wait, some 250 bytes each beside their samples: a quarter of an hour in pieces of 20 ms, 11 MB."""

_MOST_ITEMS = 64
"""Parts of items that may wait at once: an answer is one or two."""

_Samples = npt.NDArray[np.int16]


@dataclass(slots=True)
class _Item:
    """One item's audio: what was received of it, what is still to be handed over.

    ``is_settled`` says that it was heard to its end in an earlier burst.
    """

    item_id: str
    content_index: int
    received: int = 0
    handed: int = 0
    is_complete: bool = False
    is_settled: bool = False
    odd_byte: bytes = b""

    @property
    def is_over(self) -> bool:
        """Whether all of it was received and handed over."""
        return self.is_complete and self.handed == self.received

    def heard(self) -> ItemHeard:
        """Tell how much the room heard: the card was handed it and drops nothing that it was handed."""
        per_ms = FAR_END_HZ // 1000
        return ItemHeard(
            self.item_id, self.content_index, self.handed // per_ms, self.received // per_ms, self.is_complete
        )


@dataclass(slots=True)
class _Chunk:
    item: _Item
    samples: _Samples


class Playout:
    """A queue of the answer's audio, pulled by the output callback.

    ``push`` and ``finish`` are for the wire's side, ``pull`` for the card's; whoever uses both from two threads holds a
    lock. ``prefill_ms``: playback begins when this much is there, so that the first network hiccup is not heard.
    ``sounding`` tells how many samples at the head of the last ``pull`` were the answer's.

    The rest of an answer that was cut may be kept: it is silent, what still comes is added to it, and it goes on from
    the first sample that was not heard, or is dropped.
    """

    def __init__(self, prefill_ms: int) -> None:
        self._prefill = prefill_ms * FAR_END_HZ // 1000
        self._items: dict[tuple[str, int], _Item] = {}
        self._chunks: deque[_Chunk] = deque()
        self._queued = 0
        self._fading: _Samples | None = None
        self._cut_items: list[_Item] = []
        self._burst = 0
        self._is_flowing = False
        self._held = 0
        self._is_cutting = False
        self._is_held_back = False
        self._is_dry = False
        self._recent: deque[_Chunk] = deque()
        self._recent_samples = 0
        self._fade_in = 0
        self._gain = 1.0
        self._wanted_gain = 1.0
        self.sounding = 0

    @property
    def is_cutting(self) -> bool:
        """Whether a cut is still to be told of by the next ``pull``."""
        return self._is_cutting

    @property
    def is_idle(self) -> bool:
        """Whether ``pull`` would give plain silence and has nothing to tell."""
        return (not self._chunks or self._is_held_back) and not self._is_cutting and not self._is_dry

    def push(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        """Queue s16 samples of an item; return the burst's number when this is the first sound after silence.

        Beside the rest of an answer that was cut they are kept like it, and begin no burst. A sample split over two
        pushes is put together again. Samples of an item that was cut for good are the caller's to refuse, and what
        comes when a quarter of an hour waits is dropped, as are items that no answer has so many of.
        """
        if self._queued >= _MOST_QUEUED or len(self._chunks) >= _MOST_CHUNKS:
            return None
        item = self._items.get((item_id, content_index))
        if item is None:
            if len(self._items) >= _MOST_ITEMS:
                return None
            item = self._items[item_id, content_index] = _Item(item_id, content_index)
        pcm = item.odd_byte + pcm
        whole = len(pcm) & ~1
        item.odd_byte = pcm[whole:]
        if whole == 0:
            return None
        samples = np.frombuffer(pcm, dtype="<i2", count=whole // 2)
        begins = not self._chunks and not self._is_held_back
        self._is_dry = False
        item.received += len(samples)
        self._chunks.append(_Chunk(item, samples))
        self._queued += len(samples)
        if begins:
            self._burst += 1
            self._is_flowing = False
            self._held = 0
        return self._burst if begins else None

    def finish_item(self, item_id: str) -> None:
        """Mark an item as completely received."""
        for (name, _), item in self._items.items():
            item.is_complete = item.is_complete or name == item_id

    def finish(self) -> None:
        """Mark everything as completely received: what is queued need not wait for a prefill any more."""
        for item in self._items.values():
            item.is_complete = True
        self._is_flowing = True

    def set_gain(self, gain: float) -> None:
        """Set the loudness, 0 to 1: within 10 ms and without a click where something sounds, else at once."""
        self._wanted_gain = gain
        if self.is_idle:
            self._gain = gain

    def cut(self, unheard: int | None = None, *, keeps_rest: bool = False) -> None:
        """Silence all that is queued: the next pull fades out and tells what was heard.

        What is pushed later is a new burst, unless this ``keeps_rest``, to be resumed or dropped. ``unheard``: the
        amplifier was muted, so that nothing fades and the last so many samples that were handed over are not heard
        either.
        """
        if self._is_held_back:
            if not keeps_rest:
                self.drop()
            return  # it is silent, and was told of
        # Said first: whoever only looks, from another thread, must not find the buffer idle before the fade.
        was_cutting, self._is_cutting = self._is_cutting, True
        if unheard is not None:
            self._put_back(unheard)
        elif not was_cutting:  # else the fade of the cut before is still to be pulled
            self._fading = self._head(_FADE)
        self._cut_items += self._items.values()
        self._fade_in = 0
        self._is_dry = False
        if keeps_rest:
            self._is_held_back = True
            self._is_flowing = False
            self._held = 0
        else:
            self._forget_queue()

    def resume(self) -> int:
        """Go on with the rest that was kept, from the first sample that was not heard; return the burst's number.

        It fades in over 5 ms. Where nothing is left, the next pull says that the buffer ran dry.
        """
        self._is_held_back = False
        self._fade_in = _FADE
        self._burst += 1
        self._is_dry = not self._chunks
        return self._burst

    def drop(self) -> None:
        """Forget the rest that was kept, if there is one."""
        if self._is_held_back:
            self._is_held_back = False
            self._forget_queue()

    def pull(self, frames: int) -> tuple[_Samples, PlaybackCut | PlaybackDrained | None]:
        """Return exactly ``frames`` samples, and what there is to tell: that a cut is done, or that the buffer ran dry.

        Both refer to samples that are handed over with this very return.
        """
        self.sounding = 0
        if self._is_cutting:
            return self._pull_fade(frames)
        out = np.zeros(frames, np.int16)
        if self._is_held_back:
            return out, None
        if self._is_dry:
            self._is_dry = False
            self._settle()
            return out, PlaybackDrained(self._burst)
        if not self._chunks or not self._may_flow():
            self._held += frames
            return out, None
        filled = 0
        while filled < frames and self._chunks:
            filled += self._take(out[filled:])
        self.sounding = filled
        self._apply_gain(out[:filled])
        if self._fade_in:
            self._apply_fade_in(out[:filled])
        if self._chunks:
            return out, None
        self._settle()
        return out, PlaybackDrained(self._burst)

    def _settle(self) -> None:
        """Forget what was heard to its end and needs no correction later; the rest may still grow.

        So may the newest by another part, of which nobody may hear anything: it is corrected at the end of this one.
        """
        newest = next(reversed(self._items), ("", 0))[0]
        self._items = {key: item for key, item in self._items.items() if not item.is_complete or key[0] == newest}
        for item in self._items.values():
            item.is_settled = item.is_complete

    def _pull_fade(self, frames: int) -> tuple[_Samples, PlaybackCut]:
        out = np.zeros(frames, np.int16)
        tail = self._fading if self._fading is not None else out[:0]
        tail = tail[:frames]
        fade = np.linspace(1, 0, len(tail), endpoint=False)
        out[: len(tail)] = tail * fade * self._gain
        self.sounding = len(tail)
        self._gain = self._wanted_gain
        self._is_cutting = False
        self._fading = None
        unheard = {part.item_id for part in self._cut_items if not part.is_over}
        items = tuple(part.heard() for part in self._cut_items if part.item_id in unheard)
        self._cut_items = []
        return out, PlaybackCut(items)

    def _may_flow(self) -> bool:
        if not self._is_flowing:
            is_enough = self._queued >= self._prefill or self._chunks[-1].item.is_complete
            self._is_flowing = is_enough or self._held >= _LONGEST_PREFILL
        return self._is_flowing

    def _take(self, room: _Samples) -> int:
        chunk = self._chunks[0]
        count = min(len(room), len(chunk.samples))
        taken = chunk.samples[:count]
        room[:count] = taken
        chunk.item.handed += count
        self._queued -= count
        self._recent.append(_Chunk(chunk.item, taken))
        self._recent_samples += count
        while self._recent_samples - len(self._recent[0].samples) >= _MOST_RECENT:
            self._recent_samples -= len(self._recent.popleft().samples)
        if count == len(chunk.samples):
            self._chunks.popleft()
        else:
            chunk.samples = chunk.samples[count:]
        return count

    def _head(self, frames: int) -> _Samples:
        """Take up to ``frames`` samples off the queue: they will be heard, fading, so they count as handed over."""
        out = np.zeros(frames, np.int16)
        filled = 0
        while self._is_flowing and filled < frames and self._chunks:
            filled += self._take(out[filled:])
        return out[:filled]

    def _put_back(self, unheard: int) -> None:
        """Put the last samples that were handed over in front of the queue again: the card never emitted them."""
        while unheard > 0 and self._recent and not self._recent[-1].item.is_settled:
            last = self._recent.pop()
            self._recent_samples -= len(last.samples)
            heard, back = np.split(last.samples, [max(0, len(last.samples) - unheard)])
            if len(heard):
                self._recent.append(_Chunk(last.item, heard))
                self._recent_samples += len(heard)
            self._chunks.appendleft(_Chunk(last.item, back))
            self._queued += len(back)
            last.item.handed -= len(back)
            unheard -= len(back)

    def _forget_queue(self) -> None:
        self._items = {}
        self._recent.clear()
        self._recent_samples = 0
        self._chunks.clear()
        self._queued = 0
        self._is_flowing = False

    def _apply_fade_in(self, samples: _Samples) -> None:
        ramp = _FADE_IN[_FADE - self._fade_in :][: len(samples)]
        samples[: len(ramp)] = samples[: len(ramp)] * ramp
        self._fade_in -= len(ramp)

    def _apply_gain(self, samples: _Samples) -> None:
        if self._gain == self._wanted_gain:
            if self._gain != 1.0:
                samples[:] = samples * self._gain
            return
        change = self._wanted_gain - self._gain
        steps = np.arange(1, len(samples) + 1) * _GAIN_STEP
        ramp = self._gain + np.sign(change) * np.minimum(steps, abs(change))
        samples[:] = samples * ramp
        self._gain = float(ramp[-1])
