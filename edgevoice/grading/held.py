"""A conversation that was held, as the scorers see it. Data only; times are monotonic seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCut:
    """One cut of an answer; an answer that was resumed, because nobody had spoken, may be cut again.

    ``decided_s``: when the cut was decided. ``silent_s``: when the last of the answer sounded. ``reported_ms``: how
    much was heard, as reported to the service. ``sounded_ms``: how much did sound; ``None`` if that is not known.
    """

    decided_s: float
    silent_s: float
    reported_ms: int
    sounded_ms: float | None = None

    @property
    def cut_ms(self) -> float:
        """Milliseconds from the decision to silence."""
        return max(0.0, 1000 * (self.silent_s - self.decided_s))


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A tool that the model called; ``arguments`` and ``output`` are JSON text, as the model wrote and was given it."""

    tool: str
    arguments: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One thing that the person said, and what followed until they said the next.

    ``said``: the words, as the scenario has them; empty if it does not know them. ``is_spoken``: they were sent as
    sound. ``heard``: the service's transcript. ``spoken_s``: when the last of the words sounded, ``sounded_s``: when
    the first of the answer did; ``None`` if there was none.
    """

    said: str
    is_spoken: bool = True
    heard: str = ""
    answer: str = ""
    calls: tuple[RecordedCall, ...] = ()
    spoken_s: float | None = None
    sounded_s: float | None = None
    cuts: tuple[AnswerCut, ...] = ()

    @property
    def wait_s(self) -> float | None:
        """Seconds from the last of the words to the first sound of the answer; ``None`` if there was none."""
        if self.spoken_s is None or self.sounded_s is None:
            return None
        return self.sounded_s - self.spoken_s


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConversation:
    """All exchanges, and the tokens that the service counted; ``problem`` is the line of the error that ended it.

    ``xruns``: how often the sound card lost some of the answers, because the machine was too busy.
    """

    exchanges: tuple[Exchange, ...] = ()
    tokens: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    xruns: int = 0

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """Every call, in order."""
        return tuple(call for exchange in self.exchanges for call in exchange.calls)
