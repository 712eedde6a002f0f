"""Whole samples: joins a sample that was split over two pieces of audio. No I/O, no clock, no locks."""


class WholeSamples:
    """One stream of mono s16 whose pieces may end in the middle of a sample, as a WebSocket's may."""

    def __init__(self) -> None:
        self._half = b""

    def take(self, pcm: bytes) -> bytes:
        """Return the whole samples so far, an even number of bytes or none; half a sample waits for the next piece."""
        pcm = self._half + pcm
        whole = len(pcm) & ~1
        self._half = pcm[whole:]
        return pcm[:whole]
