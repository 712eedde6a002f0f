"""Record of a soak: what was done to the box and what was seen of it. Data only; all times are monotonic seconds."""

from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    """The faults that can happen to the box."""

    LINK_CUT = "link cut"
    STALL = "stall"
    LOSS = "loss"
    SERVICE_RESTART = "service restart"
    CARD_UNPLUGGED = "card unplugged"
    SOUND_SERVER_KILLED = "sound server killed"
    DISK_FULL = "disk full"
    CLOCK_JUMP = "clock jump"

    @property
    def takes_the_card(self) -> bool:
        """Whether both streams are dead until the box has opened the card again."""
        return self in {FaultKind.CARD_UNPLUGGED, FaultKind.SOUND_SERVER_KILLED}

    @property
    def takes_the_link(self) -> bool:
        """Whether it costs an open session."""
        return self in {FaultKind.LINK_CUT, FaultKind.SERVICE_RESTART}


class Moment(StrEnum):
    """The moment of a dialogue in which a fault happens."""

    AT_REST = "at rest"
    ASKING = "asking"
    ANSWERING = "answering"


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault, from its beginning until the box listened again; ``recovered_s`` is None if it never did."""

    kind: FaultKind
    moment: Moment
    began_s: float
    ended_s: float
    recovered_s: float | None


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A wake word and a question, asked while there was no fault.

    ``overflows`` is how often the card itself dropped microphone audio meanwhile (capture overflows, counted by the
    card): the machine stalled, and no box could have heard all of it.
    """

    at_s: float
    is_heard: bool
    is_answered: bool
    overflows: int = 0

    @property
    def is_excused(self) -> bool:
        """Whether the box may be excused for missing it."""
        return self.overflows > 0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the kernel reports of the daemon; memory in MB (10^6 bytes), xruns since the start."""

    at_s: float
    rss_mb: float
    anonymous_mb: float
    threads: int
    files: int
    xruns: int


@dataclass(frozen=True, slots=True)
class Rest:
    """A sample taken while nothing was going on, and how many asyncio tasks there were."""

    sample: Sample
    tasks: int


@dataclass(slots=True)
class Record:
    """Everything known about one soak.

    ``phases`` holds each status line of the box, ``fed`` each WATCHDOG=1. ``calls`` counts the wake words that were
    said, including those during faults; ``wakes`` counts those that the box reported.
    """

    seed: int
    watchdog_half_s: float
    began_s: float = 0.0
    ended_s: float = 0.0
    episodes: list[Episode] = field(default_factory=list)
    asked: list[QuestionAsked] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    phases: list[tuple[float, str]] = field(default_factory=list)
    fed: list[float] = field(default_factory=list)
    log: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    wakes: int = 0
    troubles: list[str] = field(default_factory=list)
