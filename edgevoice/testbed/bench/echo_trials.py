"""The trials of `edgevoice bench echo`: alone in the room, talked over, coughed at, and called by its wake word."""

import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, product

import numpy as np
import soxr

from edgevoice.box.word_fit import wake_word_fit
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.tiers import Tier
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import cache_folder
from edgevoice.testbed.bench.echo_evening import LEAD_S, Evening, Reaction
from edgevoice.testbed.bench.echo_noises import cough, dishes, door
from edgevoice.testbed.bench.echo_script import ANSWERS, REMARKS
from edgevoice.testbed.stage.room import Room, furnish
from edgevoice.testbed.stage.talker import words
from edgevoice.wakeword.decision import Decision
from edgevoice.wakeword.engine import open_scorer
from edgevoice.wakeword.opening import opinions_on
from edgevoice.wakeword.scorer import Scorer
from edgevoice.wakeword.words import wake_words

_FRAME_BLOCKS = 4
_NOISES = {"cough": cough, "door": door, "dishes": dishes}
_PITCHES = (1.0, 0.78, 0.9, 1.15)
_FAR_GAIN = 0.5
_SURE_SCORE = 0.9


@dataclass(frozen=True, slots=True)
class Monologue:
    """What was reported while nobody talked but the box."""

    begun: int
    confirmed: int


def room_number(seed: int, drift_ppm: float) -> Room:
    """Return one of the rooms: a delay of 40 to 120 ms, loud or faint echo, a clean or overdriven speaker."""
    chance = np.random.default_rng(seed)
    return furnish(
        seed,
        delay_ms=chance.uniform(40, 120),
        loss_db=(6.0, 12.0, 0.0, 18.0)[seed % 4],
        drift_ppm=drift_ppm,
        overdrive_db=12.0 if seed % 3 == 2 else None,
    )


def talk_to_itself(tier: Tier, drift_ppm: float, seed: int, duration_s: float) -> Monologue:
    """Let the box talk with nobody there; after a false duck or cut the voice goes on as it would in the box."""
    evening = _evening(tier, drift_ppm, seed)
    evening.listen(duration_s)
    whats = [change.what for change in evening.box.changes]
    return Monologue(whats.count("began"), whats.count("confirmed"))


def talk_over(tier: Tier, drift_ppm: float, level_db: float, trials: int) -> list[Reaction]:
    """Let people talk over the box, a remark every few seconds."""
    return _evening(tier, drift_ppm, seed=1).meet(remarks(trials), level_db)


def remarks(count: int) -> list[Samples]:
    """Return that many remarks, by several voices."""
    return [pitched(words(REMARKS[number % len(REMARKS)]), _PITCHES[number % len(_PITCHES)]) for number in range(count)]


def make_noises(tier: Tier, drift_ppm: float, kind: str, level_db: float, trials: int) -> list[Reaction]:
    """Play coughs, slamming doors or dishes while the box talks."""
    return _evening(tier, drift_ppm, seed=1).meet([_NOISES[kind](number) for number in range(trials)], level_db)


def listen_for_wake_words(tier: Tier, drift_ppm: float, level_db: float, trials: int) -> int:
    """Say wake words over the box, which does not react, with default settings; return how many were heard."""
    evening = _evening(tier, drift_ppm, seed=1, reacts=False)
    spotter = Spotter(evening.box.clear)
    evening.listen(LEAD_S, spotter.hear)
    found = 0
    for phrase in wake_phrases(trials):
        evening.listen(2.5, spotter.hear)
        # A word is detected within a second of its end, or not at all.
        said = evening.at_level(np.concatenate([phrase, np.zeros(NEAR_END_HZ * 4 // 5, np.int16)]), level_db)
        before = spotter.heard
        evening.hear(said, spotter.hear)
        found += spotter.heard > before
    return found


def cost_ms_per_s(tier: Tier, duration_s: float) -> float:
    """Return the echo stage's process time in ms per second of the box's speech; the median of three."""
    if tier is Tier.NONE:
        return 0.0
    costs = []
    for _ in range(3):
        evening = _evening(tier, 0.0, seed=1)
        evening.listen(LEAD_S)
        before = evening.box.cpu_s
        evening.listen(duration_s)
        costs.append(1000 * (evening.box.cpu_s - before) / duration_s)
    return round(statistics.median(costs), 1)


def wake_phrases(count: int) -> list[Samples]:
    """Return that many wake words, by pitch and pace, of which the detector is sure in a quiet room."""
    # The second row replaces those of the first of which it is not sure.
    pitches = (*np.linspace(0.8, 1.25, 12), *np.linspace(0.82, 1.23, 11))
    scorer = _open_scorer()
    phrases: list[Samples] = []
    for pitch, text in product(pitches, ("Hey Jarvis.", "Hey, Jarvis!")):
        phrase = pitched(words(text), float(pitch))
        if len(phrases) < count and _best_score(scorer, phrase) >= _SURE_SCORE:
            phrases.append(phrase)
    return phrases


def _best_score(scorer: Scorer, phrase: Samples) -> float:
    scorer.reset()
    quiet = np.zeros(NEAR_END_HZ, np.int16)
    heard = np.concatenate([quiet, phrase, quiet])
    frame = BLOCK * _FRAME_BLOCKS
    return max(scorer.score(heard[at : at + frame])[0][0] for at in range(0, len(heard) - frame + 1, frame))


def _evening(tier: Tier, drift_ppm: float, seed: int, *, reacts: bool = True) -> Evening:
    chance = np.random.default_rng(seed)
    spoken = answers(float(chance.uniform(0.93, 1.07)), seed)
    return Evening(tier, room_number(seed, drift_ppm), spoken, chance, seed=seed, reacts=reacts)


def pitched(speech: Samples, factor: float) -> Samples:
    """Return speech that is higher and faster by that factor."""
    changed: Samples = soxr.resample(speech, NEAR_END_HZ, NEAR_END_HZ / factor)
    return changed


class Spotter:
    """The wake word detector's scorer and decision, with default settings; ``heard`` counts the wake words.

    ``clear`` returns the newest samples without what the canceller leaves of the box's own voice.
    """

    def __init__(self, clear: Callable[[Samples], Samples], *, is_speaking: bool = True) -> None:
        self._clear = clear
        self._is_speaking = is_speaking
        (word,) = wake_words(Settings().wakeword)
        self._scorer = _open_scorer()
        self._decision = Decision([word.thresholds])
        self._frame = b""
        self._frames = 0
        self.heard = 0

    def hear(self, block: bytes) -> None:
        """Process a block of 20 ms."""
        self._frame += block
        if len(self._frame) < 2 * BLOCK * _FRAME_BLOCKS:
            return
        (scores,) = self._scorer.score(self._clear(np.frombuffer(self._frame, "<i2")))
        self._frame = b""
        self._frames += 1
        at_s = self._frames * BLOCK * _FRAME_BLOCKS / NEAR_END_HZ
        self.heard += self._decision.take(scores, at_s, is_speaking=self._is_speaking) is not None


def _open_scorer() -> Scorer:
    settings = Settings().wakeword
    words = wake_words(settings)
    models, opinions = [word.model for word in words], opinions_on(words, wake_word_fit)
    cache = cache_folder(os.environ)
    return open_scorer(models, engine=settings.engine, gate=settings.gate, cache=cache, opinions=opinions)


def answers(pitch: float, first: int) -> Iterator[Samples]:
    """Repeat all answers, at 24 kHz."""
    for text in cycle(ANSWERS[first % len(ANSWERS) :] + ANSWERS[: first % len(ANSWERS)]):
        spoken = soxr.resample(words(text), NEAR_END_HZ, FAR_END_HZ / pitch)
        yield (spoken * _FAR_GAIN).astype(np.int16)
