"""A card that can be rewound, moved on by the test, and a speaker on it."""

import numpy as np
import numpy.typing as npt

from edgevoice.audio.far_end_mixer import SpeakerFact
from edgevoice.audio.speaker import Speaker
from edgevoice.doctor.streams import PlayedAudio

Samples = npt.NDArray[np.int16]

MS = 24
MARGIN = 2 * MS
MOST_MARGIN = 5 * MS
FIRST = MARGIN + 3 * MS
"""How far ahead of the converter a first sound begins."""

DEPTH = 38 * MS
SIZE = DEPTH + MOST_MARGIN


class Card:
    """A converter that a test moves on, the ring before it, and the tape of what it emitted.

    As a real one does, it plays again what it was given a ring ago, unless it was given something else.
    """

    def __init__(self, *, rests: bool = True) -> None:
        self.tape: list[int] = []
        self.memory = [0] * SIZE
        self.end = 0
        self.writes = 0
        self.wakes = 0
        self.rests = rests
        self.is_lost = False
        self.margin = MARGIN
        self.delays: list[int] = []

    @property
    def depth(self) -> int:
        return DEPTH

    @property
    def size(self) -> int:
        return SIZE

    def reach(self, ahead: int = 0) -> int | None:
        return None if self.is_lost else len(self.tape) + self.margin + ahead

    def reach_in_time(self) -> int | None:
        return self.reach()

    def write_in_time(self, samples: Samples, position: int, *, spare: int = 0) -> bool:
        for _ in range(self.delays.pop(0) if self.delays else 0):
            self.emit()
        is_in_time = position >= len(self.tape) + spare
        if is_in_time:
            self.write(samples, position)
        return is_in_time

    def write(self, samples: Samples, position: int) -> None:
        self.writes += 1
        assert position >= len(self.tape), "the converter has passed it"
        self.end = position + len(samples)
        assert self.end - len(self.tape) <= SIZE, "more than the ring holds"
        for number, sample in enumerate(samples.tolist(), position):
            self.memory[number % SIZE] = sample

    def emit(self) -> None:
        self.tape.append(self.memory[len(self.tape) % SIZE])

    def emitted(self) -> tuple[int, float]:
        return len(self.tape), 1000 + len(self.tape) / 24_000

    def wake(self) -> None:
        self.wakes += 1


class Ear:
    """A speaker at full volume on such a card."""

    def __init__(self, *, rests: bool = True, prefill_ms: int = 0, amplifier: "Pin | None" = None) -> None:
        self.told: list[SpeakerFact] = []
        self.reference = PlayedAudio()
        self.card = Card(rests=rests)
        self.speaker = Speaker(
            self.told.append,
            prefill_ms=prefill_ms,
            volume_percent=100,
            earcon_percent=100,
            reference=self.reference,
            amplifier=amplifier,
        )
        assert self.speaker.attach(self.card) == 0
        self.needed = self.speaker.feed(self.card)

    def hear(self, milliseconds: float) -> Samples:
        """Let the converter run, feed it whenever it is needed, and return what it emitted."""
        begin = len(self.card.tape)
        for _ in range(round(milliseconds * MS)):
            if self.needed is not None and self.needed <= len(self.card.tape) + MARGIN:
                self.needed = self.speaker.feed(self.card)
            if self.card.wakes:
                self.card.wakes = 0
                self.needed = self.speaker.feed(self.card)
            self.card.emit()
        return np.array(self.card.tape[begin:], np.int16)


class Pin:
    """An amplifier's mute pin."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def mute(self) -> None:
        self.told.append("mute")

    def release(self) -> None:
        self.told.append("release")


def numbers(first: int, milliseconds: float) -> bytes:
    """Return samples that count up, so that none can be left out or repeated unseen."""
    return np.arange(first, first + round(milliseconds * MS)).astype("<i2").tobytes()


def level(milliseconds: float, value: int = 10_000) -> bytes:
    return np.full(round(milliseconds * MS), value, "<i2").tobytes()
