"""Hardware mute: an amplifier that is silenced with a cut, and let go of before the next sound."""

from typing import Protocol


class HardwareMute(Protocol):
    """The amplifier's mute pin; both take microseconds."""

    def mute(self) -> None:
        """Silence the amplifier."""
        ...

    def release(self) -> None:
        """Let it be heard again, within 10 ms."""
        ...


class AmplifierGate:
    """Mutes the amplifier, if there is one, until the card has emitted what it held at that moment.

    ``flushed`` is how many frames that takes at the most. Positions count the samples that were handed to the card.
    """

    def __init__(self, amplifier: HardwareMute | None, flushed: int) -> None:
        self._amplifier = amplifier
        self._flushed = flushed
        self._muted_at: int | None = None

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
        """Return whether what is to sound must still wait at this position; let the amplifier be heard when not."""
        if self._muted_at is None:
            return False
        if position - self._muted_at < self._flushed:
            return True
        self._muted_at = None
        if self._amplifier is not None:
            self._amplifier.release()
        return False
