"""The stop word in simulated rooms: said over a ring as loud as itself, and an hour of speech that is not it.

The voices are none of those that the classifier was trained with (`scripts/_stop_words.py` lists those).
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.audio.earcons import render
from edgevoice.box.word_fit import stop_word_fit
from edgevoice.core.facts import NearSpeechBegan, NearSpeechConfirmed, NearSpeechEnded, NearSpeechFaded, RoomMeasured
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.stage import NearSpeechFact
from edgevoice.echo.tiers import Tier
from edgevoice.errors import LocalServiceUnavailable
from edgevoice.store.folders import cache_folder
from edgevoice.testbed.bench.commands import SpeechProgram, command_line, said_by, talkers
from edgevoice.testbed.bench.echo_scene import SceneEvent, SimulatedBox
from edgevoice.testbed.bench.echo_trials import room_number
from edgevoice.testbed.stage.room import hear_all, level_dbfs
from edgevoice.testbed.stage.talker import words as own_voice
from edgevoice.wakeword.engine import stages_in
from edgevoice.wakeword.models.shapes import FRAME
from edgevoice.wakeword.models.stop_classifier import StopScorer
from edgevoice.wakeword.stop_words import Fit, StopDecision

TRIALS: Final = 24
"""Twelve voices say it twice, in different rooms."""

_ROOMS: Final = 4
_FIRST_S: Final = 10.0
_EVERY_S: Final = 6.0
_AFTERWARDS_S: Final = 1.0
"""How long after the word it may be heard."""

_LATE_S: Final = 2.0
"""How long after the word it may be heard without having been taken for something else: that is late, and a miss."""

_RING_GAIN: Final = 0.35
_GAP_S: Final = 2.0
_NAME: Final = "Your pasta timer."
_JUDGES: Final = frozenset(
    {
        *("espeak-ng en-gb-x-rp", "espeak-ng en-us+m3", "espeak-ng en-us+f3"),
        *("espeak-ng us-mbrola-2", "espeak-ng english-mb-en1", "flite awb", "flite rms"),
        *("festival don_diphone", "festival rab_diphone"),
    }
)
_FURTHER: Final = ("en-029", "en-gb-x-rp+anika")

_SPOKEN: Final = (
    *("she stopped at the shop on the way home", "do not stop believing", "the bus stop is near the school"),
    *("we had to stop for petrol", "he hit the snooze button twice", "the top of the shop was painted blue"),
    *("we never stopped talking about the news", "they choose to use the blue shoes", "what is the time"),
    *("put the kettle on please", "did you see the news about the stock market", "dinner is ready come down"),
    *("yes", "no", "okay", "hello", "one two three", "turn it up", "the dog is asleep on the sofa", "what is it"),
    *("top of the morning to you", "shop until you drop", "the news is on at six", "choose one of them"),
    *("will it snow this weekend", "my phone stopped working yesterday", "start from the top of the page"),
    *("i think the volume of this book is missing", "send a message to peter", "open the garage door"),
    *("who was the first man on the moon", "it is not going to stop raining", "can you pass me the salt"),
    *("fill it up", "warm it up a bit", "tidy up your room", "pick up the phone", "hop on the bus", "mop the floor"),
    *("the tap is dripping", "start the washing machine", "store it in the fridge", "stack the chairs please"),
    *("a spot of tea", "that is enough", "is it burning", "good night", "see you soon", "where are my shoes"),
)
_PAUSES_S: Final = (0.2, 0.5, 1.0)

_Sound = npt.NDArray[np.float64]


def judges() -> list[SpeechProgram]:
    """Return the voices that say the words: of espeak-ng, flite, festival, and the box's own."""
    found = [one for one in talkers() if one.name in _JUDGES]
    if not found:
        raise LocalServiceUnavailable(
            "no speech synthesiser is installed", remedy="Install some: `sudo apt install espeak-ng flite festival`."
        )
    if shutil.which("espeak-ng") is None:
        return found
    return found + [
        SpeechProgram(
            f"espeak-ng {voice}", command_line("espeak-ng", "-v", voice, "-s", "155", "-w", "{file}", "{text}")
        )
        for voice in _FURTHER
    ]


class RingingBox(SimulatedBox):
    """A box that rings: speech over it lowers the ring, and only a stop word ends it."""

    def _tell(self, fact: NearSpeechFact) -> None:
        match fact:
            case NearSpeechBegan():
                self.changes.append(SceneEvent("began", self.now_s))
                self._speaker.wish = "duck"
            case NearSpeechFaded() | NearSpeechEnded():
                self._speaker.wish = "restore"
            case NearSpeechConfirmed() | RoomMeasured():
                pass


def words_heard(word: str, tell: Callable[[str], None]) -> tuple[int, int]:
    """Return how often "stop" or "snooze" was heard, as what it was, and how many words that nobody had said.

    ``tell`` gets a line for each room.
    """
    said = list(_words(word))
    chance = random.Random(7)
    chance.shuffle(said)
    heard = unsaid = 0
    for number in range(_ROOMS):
        share = said[number * len(said) // _ROOMS : (number + 1) * len(said) // _ROOMS]
        missed, others = _missed_in(number, share, chance)
        heard += len(share) - len(missed)
        unsaid += len(others)
        counts = f"{word} in room {number + 1}: {len(share) - len(missed)} of {len(share)} heard"
        tell(f"{counts}; missed: {', '.join(missed) or '-'}; heard in the ring: {', '.join(others) or '-'}")
    return heard, unsaid


def _words(word: str) -> Iterator[tuple[str, str, _Sound]]:
    """Yield the name of each voice, the word, and how it says it."""
    for text in (f"{word}.", f"{word}!"):
        yield "hibari", word, own_voice(text.capitalize()).astype(np.float64)
        for voice in judges():
            yield voice.name, word, spoken(voice, text)


def spoken(voice: SpeechProgram, text: str) -> _Sound:
    """Return a text in a voice, at 16 kHz, without the silence around it; raises ``VoiceBroken``."""
    sound = said_by(voice, text)
    loud = np.flatnonzero(np.abs(sound) > 0.03 * np.abs(sound).max(initial=1.0))
    return sound[max(0, loud[0] - NEAR_END_HZ // 50) : loud[-1] + NEAR_END_HZ // 20]


def ring(cycles: int) -> npt.NDArray[np.int16]:
    """Return what a box plays while it rings at its full volume, at 24 kHz: tone, name and pause, again and again."""
    name = soxr.resample(own_voice(_NAME), NEAR_END_HZ, FAR_END_HZ)
    once = np.concatenate([render(Earcon.TIMER), name, np.zeros(round(_GAP_S * FAR_END_HZ))])
    return (np.tile(once, cycles) * _RING_GAIN).astype(np.int16)


def _missed_in(number: int, said: list[tuple[str, str, _Sound]], chance: random.Random) -> tuple[list[str], list[str]]:
    """Say these words over the ring of a box in one room, as loud as it is there.

    Return those that were not heard, and those that were heard while nobody spoke.
    """
    room, far = room_number(number + 1, (0.0, 50.0, -30.0, 20.0)[number]), ring(20)
    sample = soxr.resample(far[: 8 * FAR_END_HZ], FAR_END_HZ, NEAR_END_HZ).astype(np.int16)
    level = level_dbfs(hear_all(room, sample))
    near = np.zeros(round((_FIRST_S + _EVERY_S * (len(said) + 1)) * NEAR_END_HZ))
    ends = []
    for place, (_, _, sound) in enumerate(said):
        at = round((_FIRST_S + _EVERY_S * place + chance.uniform(0, _EVERY_S - 1.5)) * NEAR_END_HZ)
        near[at : at + len(sound)] += sound * 10 ** ((level - level_dbfs(sound)) / 20)
        ends.append((at / NEAR_END_HZ, (at + len(sound)) / NEAR_END_HZ))
    box = RingingBox(Tier.SUPPRESSOR, room, seed=number)
    box.say(far)
    heard = _heard_in(b"".join(box.hear(near[at : at + BLOCK]) for at in range(0, len(near), BLOCK)))
    missed = [
        f"{word} ({voice})"
        for (voice, word, _), (begin_s, end_s) in zip(said, ends, strict=True)
        if not any(begin_s < at_s < end_s + _AFTERWARDS_S and what == word for at_s, what in heard)
    ]
    others = [
        f"{what} at {at_s:.1f} s"
        for at_s, what in heard
        if not any(begin_s < at_s < end_s + _LATE_S for begin_s, end_s in ends)
    ]
    return missed, others


def _heard_in(near_end: bytes) -> list[tuple[float, str]]:
    """Return the words that the box hears in a near end, each with its time in seconds."""
    scorer, decision = StopScorer(stages_in(cache_folder(os.environ))), StopDecision(_second_opinion())
    sound = np.frombuffer(near_end, "<i2")
    ends = range(FRAME, len(sound) + 1, FRAME)
    frames = [sound[end - FRAME : end] for end in ends]
    decided = [decision.take(frame, scorer.score(frame)[0]) for frame in frames]
    return [
        (end / NEAR_END_HZ, "snooze" if word.is_snooze else "stop")
        for end, word in zip(ends, decided, strict=True)
        if word is not None
    ]


@cache
def _second_opinion() -> Fit | None:
    return stop_word_fit()


def false_stops(minutes: float) -> int:
    """Return how often a word is heard in so many minutes of other speech, by the same voices and at several levels."""
    chance = random.Random(3)
    voices = judges()
    said = [spoken(voice, f"{text}.") for text in _SPOKEN for voice in voices]
    found, passed_s = 0, 0.0
    while passed_s < 60 * minutes:
        pieces = []
        for sound in chance.sample(said, len(said)):
            level = chance.uniform(-40, -18)
            pieces += [sound * 10 ** ((level - level_dbfs(sound)) / 20)]
            pieces += [np.zeros(round(chance.choice(_PAUSES_S) * NEAR_END_HZ))]
        sound = np.concatenate(pieces)
        sound += np.random.default_rng(len(pieces)).normal(0, 10, len(sound))
        found += len(_heard_in(np.clip(sound, -32_768, 32_767).astype("<i2").tobytes()))
        passed_s += len(sound) / NEAR_END_HZ
    return found
