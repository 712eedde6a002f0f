"""An evening with a box that keeps talking: people and noises interrupt it, and sounds go on in the room."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.tiers import Tier
from edgevoice.testbed.bench.echo_scene import SceneEvent, SimulatedBox
from edgevoice.testbed.stage.room import Room, Sound, hear_all, level_dbfs, scaled

LEAD_S = 8.0
"""How long the box has talked before the first interruption: the canceller has learned the room."""

_ONSET_DB = 15.0
_AUDIBLE_ONSET_DB = 10.0
"""The audible onset of a remark is within this of its own level. Anything fainter is as far below the box's own voice
when both are equally loud, and nobody in the room hears it either; the stricter figure is reported as well.
"""


@dataclass(frozen=True, slots=True)
class Reaction:
    """The effect of one sound over the box's voice: milliseconds from its onset, or for the last from its end.

    ``ducked_audible_ms`` counts from the audible onset. None if it did not happen.
    """

    ducked_ms: float | None
    ducked_audible_ms: float | None
    silent_ms: float | None
    restored_ms: float | None


class Evening:
    """A box that keeps talking, and the sounds that happen meanwhile."""

    def __init__(
        self,
        tier: Tier,
        room: Room,
        answers: Iterator[Samples],
        chance: np.random.Generator,
        *,
        seed: int,
        reacts: bool = True,
        music: Samples | None = None,
        captures: bool = False,
    ) -> None:
        self._chance = chance
        self._answers = answers
        sample = soxr.resample(next(self._answers), FAR_END_HZ, NEAR_END_HZ)
        self._echo_level = level_dbfs(hear_all(room, sample))
        self.box = SimulatedBox(tier, room, seed=seed, reacts=reacts, music=music, captures=captures)
        self._rest_s = 0.0
        self._bed: Sound | None = None
        self._bed_at = 0

    def lay(self, bed: Samples, level_db: float, begin_s: float = 0.0) -> None:
        """Repeat a long sound in the room from now on, at that level against the echo."""
        self._bed = self.at_level(bed, level_db)
        self._bed_at = int(begin_s * NEAR_END_HZ) % len(bed)

    def rest(self, duration_s: float, spotter: Callable[[bytes], None] | None = None) -> None:
        """Let time pass in which the box says nothing and only listens."""
        for _ in range(round(duration_s * NEAR_END_HZ / BLOCK)):
            heard = self._pass()
            if spotter is not None:
                spotter(heard)

    def listen(self, duration_s: float, spotter: Callable[[bytes], None] | None = None) -> None:
        """Let the box keep talking, with the pauses between answers."""
        until_s = self.box.now_s + duration_s
        while self.box.now_s < until_s:
            if not self.box.is_speaking and self.box.now_s >= self._rest_s:
                self.box.say(next(self._answers))
                self._rest_s = 0.0
            heard = self._pass()
            if spotter is not None:
                spotter(heard)
            if not self.box.is_speaking and self._rest_s == 0.0:
                self._rest_s = self.box.now_s + float(self._chance.choice([0.2, 1.5]))

    def at_level(self, sound: Samples, level_db: float) -> Sound:
        """Return a sound scaled to that level against the echo."""
        return scaled(sound, self._echo_level + level_db)

    def hear(self, sound: Sound, spotter: Callable[[bytes], None] | None = None) -> None:
        """Play a sound in the room while the box finishes what it has begun to say."""
        for begin in range(0, len(sound), BLOCK):
            block = sound[begin : begin + BLOCK]
            heard = self._pass(np.pad(block, (0, BLOCK - len(block))))
            if spotter is not None:
                spotter(heard)

    def meet(self, sounds: list[Samples], level_db: float) -> list[Reaction]:
        """Play one sound after the other in the room, each in the middle of an answer."""
        self.listen(LEAD_S)
        return [self._meet(sound, level_db) for sound in sounds]

    def _pass(self, near: Sound | None = None) -> bytes:
        """Advance by one block, with ``near`` and the bed in the room."""
        if self._bed is not None:
            piece = self._bed.take(range(self._bed_at, self._bed_at + BLOCK), mode="wrap")
            self._bed_at = (self._bed_at + BLOCK) % len(self._bed)
            near = piece if near is None else near + piece
        return self.box.hear(near)

    def _meet(self, sound: Samples, level_db: float) -> Reaction:
        self.listen(float(self._chance.uniform(2.5, 3.5)))
        while not self.box.is_speaking:
            self.listen(BLOCK / NEAR_END_HZ)
        self.listen(0.5)
        # Anywhere within a block: people do not speak in step with the callbacks.
        lead = int(self._chance.integers(BLOCK))
        begin_s = self.box.now_s + lead / NEAR_END_HZ
        before = len(self.box.changes)
        silence = np.zeros(NEAR_END_HZ * 4 // 10)
        self.hear(np.concatenate([np.zeros(lead), self.at_level(sound, level_db), silence]))
        changes = self.box.changes[before:]
        self.box.hush()
        self.hear(np.zeros(NEAR_END_HZ * 8 // 10))
        onset_s, end_s = begin_s + _onset(sound, _ONSET_DB) / NEAR_END_HZ, begin_s + len(sound) / NEAR_END_HZ
        audible_s = begin_s + _onset(sound, _AUDIBLE_ONSET_DB) / NEAR_END_HZ
        return Reaction(
            _ms_after(onset_s, _first(changes, "ducked")),
            _ms_after(audible_s, _first(changes, "ducked")),
            _ms_after(onset_s, _first(changes, "silent")),
            _ms_after(end_s, _first(changes[::-1], "restored")),
        )


def _onset(sound: Samples, within_db: float) -> int:
    """Return the first sample of the first 10 ms that are within that many decibels of the sound's own level."""
    step = NEAR_END_HZ // 100
    pieces = sound[: len(sound) // step * step].reshape(-1, step).astype(np.float64)
    loud = 10 * np.log10((pieces**2).mean(axis=1) / 32_768**2 + 1e-12) > level_dbfs(sound) - within_db
    return int(np.flatnonzero(loud)[0]) * step


def _first(changes: list[SceneEvent], what: str) -> float | None:
    return next((change.at_s for change in changes if change.what == what), None)


def _ms_after(since_s: float, at_s: float | None) -> float | None:
    return None if at_s is None else 1000 * (at_s - since_s)
