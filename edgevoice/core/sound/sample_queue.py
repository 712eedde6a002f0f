"""Sample queue: samples waiting for the card, and those handed over last. No I/O, no clock, no locks."""

from collections import deque
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np
import numpy.typing as npt

from edgevoice.core.facts import ItemHeard
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.core.sound.whole_samples import WholeSamples

_MOST_RECENT = FAR_END_HZ // 2
"""Samples handed over last that are remembered: 500 ms, more than a card holds when its amplifier is muted."""

_MOST_QUEUED = 900 * FAR_END_HZ
"""Samples that may be queued: a quarter of an hour, 43 MB; longer than any answer that anybody listens to."""

_MOST_CHUNKS = 45_000
"""Pieces that may be queued, some 250 bytes each beside their samples: a quarter of an hour in pieces of 20 ms, 11 MB.
"""

Samples = npt.NDArray[np.int16]


@dataclass(slots=True)
class ItemAudio:
    """One item's audio: what was received of it, and what has yet to be handed over.

    ``is_settled``: it was heard to its end in an earlier burst.
    """

    item_id: str
    content_index: int
    received: int = 0
    handed: int = 0
    is_complete: bool = False
    is_settled: bool = False
    joined: WholeSamples = field(default_factory=WholeSamples)

    @property
    def is_over(self) -> bool:
        """Whether all of it was received and handed over."""
        return self.is_complete and self.handed == self.received

    def heard(self) -> ItemHeard:
        """Return how much the room heard: all that the card was handed, because it drops nothing."""
        per_ms = FAR_END_HZ // 1000
        return ItemHeard(
            self.item_id, self.content_index, self.handed // per_ms, self.received // per_ms, self.is_complete
        )


@dataclass(slots=True)
class Chunk:
    """A piece of one item's audio."""

    item: ItemAudio
    samples: Samples


class SampleQueue:
    """Pieces of items, oldest first; the last half second that was taken can be put back.

    ``queued``: the samples in the queue; ``taken``: those handed over so far and not put back.
    """

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._recent: deque[Chunk] = deque()
        self._recent_samples = 0
        self.queued = 0
        self.taken = 0

    @property
    def is_empty(self) -> bool:
        """Whether the queue is empty."""
        return not self._chunks

    @property
    def is_full(self) -> bool:
        """Whether the queue is at its limit and takes no more."""
        return self.queued >= _MOST_QUEUED or len(self._chunks) >= _MOST_CHUNKS

    @property
    def newest(self) -> ItemAudio:
        """The item whose samples came last."""
        return self._chunks[-1].item

    @property
    def oldest(self) -> ItemAudio:
        """The item whose samples come next."""
        return self._chunks[0].item

    def handed_alone(self, samples: int) -> int | None:
        """Return how many samples were taken of the item of the last ``samples``, ``None`` if they are of several."""
        if not self._recent:
            return None
        item = self._recent[-1].item
        run = takewhile(lambda chunk: chunk.item is item, reversed(self._recent))
        return item.handed if sum(len(chunk.samples) for chunk in run) >= samples else None

    def push(self, item: ItemAudio, samples: Samples) -> None:
        """Queue samples of an item."""
        item.received += len(samples)
        self._chunks.append(Chunk(item, samples))
        self.queued += len(samples)

    def take(self, out: Samples) -> int:
        """Hand over as many samples as are queued and fit into ``out``; return how many that were."""
        filled = 0
        while filled < len(out) and self._chunks:
            filled += self._take(out[filled:])
        return filled

    def _take(self, out: Samples) -> int:
        chunk = self._chunks[0]
        count = min(len(out), len(chunk.samples))
        taken = chunk.samples[:count]
        out[:count] = taken
        chunk.item.handed += count
        self.queued -= count
        self.taken += count
        self._recent.append(Chunk(chunk.item, taken))
        self._recent_samples += count
        while self._recent_samples - len(self._recent[0].samples) >= _MOST_RECENT:
            self._recent_samples -= len(self._recent.popleft().samples)
        if count == len(chunk.samples):
            self._chunks.popleft()
        else:
            chunk.samples = chunk.samples[count:]
        return count

    def put_back(self, unheard: int) -> None:
        """Put the last samples that were handed over back at the front of the queue: the card never emitted them."""
        while unheard > 0 and self._recent and not self._recent[-1].item.is_settled:
            last = self._recent.pop()
            self._recent_samples -= len(last.samples)
            heard, back = np.split(last.samples, [max(0, len(last.samples) - unheard)])
            if len(heard):
                self._recent.append(Chunk(last.item, heard))
                self._recent_samples += len(heard)
            self._chunks.appendleft(Chunk(last.item, back))
            self.queued += len(back)
            self.taken -= len(back)
            last.item.handed -= len(back)
            unheard -= len(back)

    def clear(self) -> None:
        """Clear the queue and the record of what was handed over."""
        self._recent.clear()
        self._recent_samples = 0
        self._chunks.clear()
        self.queued = 0
