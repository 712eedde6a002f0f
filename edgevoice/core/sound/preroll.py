"""Pre-roll: what the microphone heard in the last seconds, with numbered samples. No I/O, no clock, no locks."""


class PreRoll:
    """The last seconds of near-end audio, mono s16, addressed by sample number since capture began.

    A reader keeps a number, not a copy: the numbers show what was read twice or skipped. ``capacity`` is in samples;
    the memory used is ``2 * capacity`` bytes.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._ring = bytearray(2 * capacity)
        self._end = 0
        self._start = 0

    @property
    def start(self) -> int:
        """The number of the oldest sample that is still held."""
        return self._start

    @property
    def end(self) -> int:
        """The number of the next sample to be written."""
        return self._end

    def write(self, pcm: bytes) -> None:
        """Append mono s16 samples, overwriting the oldest. A write longer than the whole ring keeps its last part."""
        count = len(pcm) // 2
        skipped = max(0, count - self._capacity)
        at = 2 * ((self._end + skipped) % self._capacity)
        kept = pcm[2 * skipped : 2 * count]
        first = min(len(kept), len(self._ring) - at)
        self._ring[at : at + first] = kept[:first]
        self._ring[: len(kept) - first] = kept[first:]
        self._end += count
        self._start = max(self._start, self._end - self._capacity)

    def read(self, begin: int, end: int) -> bytes:
        """Return the samples from ``begin`` up to ``end``, without those that are gone or not yet written."""
        begin, end = max(begin, self._start), min(end, self._end)
        if begin >= end:
            return b""
        at, size = 2 * (begin % self._capacity), 2 * (end - begin)
        first = bytes(self._ring[at : at + size])
        return first + bytes(self._ring[: size - len(first)])

    def clear(self) -> None:
        """Clear the ring; the numbering continues."""
        self._ring[:] = bytes(len(self._ring))
        self._start = self._end
