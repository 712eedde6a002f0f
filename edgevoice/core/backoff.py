"""How long to wait before trying again. Pure: the randomness is passed in."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow by ``factor`` from ``first_s`` up to ``limit_s``, each shortened at random by up to ``jitter``.

    ``jitter`` is a share (0 to 1): boxes that lost the same router must not all come back at the same instant.
    """

    first_s: float
    factor: float
    limit_s: float
    jitter: float = 0.2

    def delay_s(self, attempt: int, chance: Callable[[], float]) -> float:
        """Return the seconds to wait before try number ``attempt`` (0 is the first); ``chance`` returns 0 to 1."""
        # The card may be missing for weeks: the exponent must not overflow.
        grown = self.first_s * self.factor ** min(attempt, 32)
        return min(grown, self.limit_s) * (1 - self.jitter * chance())
