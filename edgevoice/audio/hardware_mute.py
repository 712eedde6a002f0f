"""Hardware mute: an amplifier that is silenced with a cut, and released before the next sound."""

from typing import Protocol


class HardwareMute(Protocol):
    """The amplifier's mute pin; both take microseconds."""

    def mute(self) -> None:
        """Silence the amplifier."""
        ...

    def release(self) -> None:
        """Unmute the amplifier, within 10 ms."""
        ...


class AmplifierGate:
    """Mutes the amplifier, if there is one, until the card has emitted what it held at that moment.

    ``flushed`` is the largest number of frames that this takes; ``lead`` is for how many frames the next sound must
    wait once the amplifier is released, because the card holds less than it takes. Positions count the samples handed
    to the card.
    """

    def __init__(self, amplifier: HardwareMute | None, flushed: int, lead: int = 0) -> None:
        self._amplifier = amplifier
        self._flushed = flushed
        self._muted_at: int | None = None
        self._sounds_at = 0
        self.lead = lead

    @property
    def is_there(self) -> bool:
        """Whether there is an amplifier that can be muted."""
        return self._amplifier is not None

    def mute(self) -> None:
        """Silence the amplifier now."""
        if self._amplifier is not None:
            self._amplifier.mute()

    def hold(self, position: int) -> None:
        """Keep it muted until the card has emitted everything before ``position``."""
        self._muted_at = position

    def holds(self, position: int) -> bool:
        """Return whether the next sound must still wait at this position; once it need not, release the amplifier."""
        return self.wait(position) > 0

    def wait(self, position: int) -> int:
        """Return for how many more frames the next sound must wait; release the amplifier when it is time."""
        if self._muted_at is not None:
            if position - self._muted_at < self._flushed:
                return self._muted_at + self._flushed - position
            self._muted_at = None
            self._sounds_at = position + self.lead
            if self._amplifier is not None:
                self._amplifier.release()
        return max(0, self._sounds_at - position)
