"""Train the classifier of the stop words; see scripts/stop-words --help.

Words are said by synthetic voices, changed in pitch and pace, put into rooms, and mixed with what the echo stage leaves
of a ring, with noises, or with a quiet room. Other words, sentences around the words, people in other languages, noises
and the rings alone are what it must not take for one.
"""

import argparse
import itertools
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from sklearn.neural_network import MLPClassifier

from edgevoice.echo.canceller import BLOCK
from edgevoice.echo.tiers import Tier
from edgevoice.store.folders import cache_folder
from edgevoice.testbed.bench.commands import SpeechProgram, command_line
from edgevoice.testbed.bench.echo_trials import room_number
from edgevoice.testbed.bench.stop_words import RingingBox, ring, spoken
from edgevoice.wakeword.engine import stages_in
from edgevoice.wakeword.models.features import FrontEnd
from edgevoice.wakeword.models.shapes import FRAME
from edgevoice.wakeword.models.stop_classifier import WEIGHTS, WINDOW, write_weights

RATE_HZ = 16_000
HIDDEN = 48
ROUNDS = 14
NETWORKS = 4
COPIES = 4
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc")
VARIANTS = (
    *("f1", "f2", "f4", "f5", "m1", "m2", "m4", "m5", "m6", "m7", "m8", "klatt", "klatt2", "klatt3", "klatt4"),
    *("klatt6", "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2", "Henrique"),
    *("Hugo", "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "Nguyen", "Storm", "Tweaky", "adam"),
    *("antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "grandma"),
    *("grandpa", "gustave", "iven", "john", "linda", "marcelo", "max", "michel", "miguel", "norbert", "pablo"),
    *("paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "travis", "victor", "zac"),
)
FLITE = ("slt", "kal16", "kal")
FESTIVAL = ("cmu_us_slt_arctic_hts", "ked_diphone", "kal_diphone")
OTHER_WORDS = (
    *("top", "shop", "stock", "stomp", "step", "star", "stuff", "swap", "drop", "pop", "hop", "what", "start"),
    *("stay", "stab", "spot", "store", "sock", "cop", "stub", "stamp", "strap", "stopped", "stops", "stopping"),
    *("stoop", "stood", "soap", "slop", "crop", "snow", "news", "snooker", "choose", "use", "shoes", "noose"),
    *("loose", "lose", "sneeze", "soon", "zoo", "blues", "cruise", "snoozed", "snoozing", "yes", "no", "okay"),
    *("hello", "alexa", "jarvis", "up", "down", "left", "right", "go", "on", "off", "one", "two", "three"),
    *("four", "five", "six", "seven", "eight", "nine", "ten", "monday", "tuesday", "friday", "snack", "snake"),
    *("sues", "booze", "dues", "stew", "student", "studio", "stocks", "scope", "hope"),
)
SENTENCES = (
    *("she stopped at the shop", "do not stop believing", "the bus stop is near the school", "stop signs are red"),
    *("we had to stop for petrol on the way", "he hit the snooze button twice", "i will stop by tomorrow"),
    *("a quick stop at the store", "snooze and you lose", "non stop music all day long", "put the kettle on please"),
    *("what time is it in london", "it is not going to stop raining", "the top of the shop was painted blue"),
    *("he dropped the pot on the floor", "we never stopped talking about the news", "can you pass me the salt"),
    *("they choose to use the blue shoes", "did you see the news about the stock market"),
    *("dinner is ready come down", "i think i will go to bed soon", "hey jarvis what is the weather"),
    *("set a timer for ten minutes", "the train stops at every station", "this shop has a lot of stuff"),
    *("stomp your feet and clap your hands", "put the stopper back in the bottle"),
    *("the dog is having a snooze on the sofa", "my phone stopped working yesterday", "start from the top of the page"),
)

Sound = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]


@dataclass(slots=True)
class Lessons:
    """Windows of embeddings, and which word each is: 0 for neither."""

    windows: list[npt.NDArray[np.float16]] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def take(self, sound: Sound, word_of: Callable[[int], int | None]) -> None:
        """Add the windows that end with each frame of a sound; ``word_of`` returns ``None`` to leave one out."""
        embeddings = embedded(sound)
        for end in range(WINDOW - 1, len(embeddings)):
            if (word := word_of(end)) is not None:
                self.windows.append(embeddings[end - WINDOW + 1 : end + 1].ravel().astype(np.float16))
                self.words.append(word)


def embedded(sound: Sound) -> Features:
    """Return the embedding after each frame of 80 ms."""
    front_end = FrontEnd(stages_in(cache_folder(os.environ)), 2)
    samples = np.clip(sound, -32_768, 32_767).astype(np.int16)
    found = []
    for at in range(0, len(samples) - FRAME + 1, FRAME):
        front_end.step(samples[at : at + FRAME])
        found.append(front_end.embeddings[-1].copy())
    return np.array(found)


def voices(chance: random.Random) -> Iterator[tuple[SpeechProgram, bool]]:
    """Yield every voice, and whether it was made from recordings of a person."""
    for voice in (*ACCENTS, *(f"{chance.choice(ACCENTS)}+{variant}" for variant in VARIANTS)):
        pitch, pace = str(chance.randint(25, 75)), str(chance.randint(120, 190))
        yield _program("espeak-ng", "-v", voice, "-p", pitch, "-s", pace, "-w", "{file}", "{text}"), False
    for voice in ("us-mbrola-1", "us-mbrola-3"):
        yield _program("espeak-ng", "-v", voice, "-s", str(chance.randint(125, 175)), "-w", "{file}", "{text}"), True
    for voice in FLITE:
        stretch = f"duration_stretch={chance.uniform(0.85, 1.3):.2f}"
        yield _program("flite", "-voice", voice, "--setf", stretch, "-t", "{text}", "-o", "{file}"), True
    for voice in FESTIVAL:
        stretch = f"(Parameter.set 'Duration_Stretch {chance.uniform(0.85, 1.3):.2f})"
        yield _program("text2wave", "-eval", f"(voice_{voice})", "-eval", stretch, "-o", "{file}", stdin=True), True


def _program(*arguments: str, stdin: bool = False) -> SpeechProgram:
    return SpeechProgram(arguments[0], command_line(*arguments, from_stdin=stdin))


class Studio:
    """Makes sounds as a box would hear them; ``folder`` holds recordings (`scripts/sounds`)."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.chance = np.random.default_rng(seed)
        noises = [recording(path) for path in sorted(folder.glob("noises/*/*.flac"))]
        self.beds = [sound for sound in noises if len(sound) >= 10 * RATE_HZ]
        self.noises = [sound for sound in noises if len(sound) < 10 * RATE_HZ]
        self.people = [recording(path) for path in sorted(folder.glob("near/**/*.flac"))]
        self.answers = [recording(path) for path in sorted(folder.glob("far/*.flac"))]
        self.rests = [what_is_left(seed) for seed in range(8)]

    def level(self) -> float:
        """Return how loud somebody is."""
        return float(32_768 * 10 ** (self.chance.uniform(-42, -18) / 20))

    def background(self, count: int, level: float) -> Sound:
        """Return what else is heard beside a sound of this level: the rest of a ring, a noise, or a quiet room."""
        kind, chance = self.chance.random(), self.chance
        if kind < 0.55:
            loudness, rest = self.rests[chance.integers(len(self.rests))]
            part = np.resize(np.roll(rest, -chance.integers(0, len(rest))), count)
            return part * (level / loudness * 10 ** (chance.uniform(-8, 8) / 20)) + self.hiss(count, 3, 25)
        if kind < 0.75:
            bed = self.beds[chance.integers(len(self.beds))]
            part = np.resize(np.roll(bed, -chance.integers(0, len(bed))), count)
            return part * (level / rms(bed) * 10 ** (-chance.uniform(6, 25) / 20)) + self.hiss(count, 10, 10)
        return self.hiss(count, 3, 40)

    def hiss(self, count: int, least: float, most: float) -> Sound:
        """Return the noise of a microphone."""
        return self.chance.standard_normal(count) * self.chance.uniform(least, most)

    def near(self, sound: Sound, level: float) -> Sound:
        """Return a sound in another pitch and pace, mostly in a room, at this level."""
        sound = soxr.resample(sound, RATE_HZ, RATE_HZ * self.chance.uniform(0.86, 1.16))
        sound = self.in_room(sound) if self.chance.random() < 0.8 else sound
        return sound * (level / rms(sound))

    def in_room(self, sound: Sound) -> Sound:
        """Return a sound with reverberation."""
        length = int(self.chance.uniform(0.15, 0.6) * RATE_HZ)
        response = self.chance.standard_normal(length) * np.exp(-np.log(1000) * np.arange(length) / length)
        response[:32] = 0
        response *= 10 ** (-self.chance.uniform(-4, 9) / 20) / np.linalg.norm(response)
        response[0] = 1
        size = 1 << (len(sound) + length - 1).bit_length()
        heard: Sound = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
        return heard[: len(sound) + length - 1]


def recording(path: Path) -> Sound:
    """Return a recording at 16 kHz."""
    return np.asarray(soundfile.read(path, dtype="int16")[0], np.float64)


def rms(sound: Sound) -> float:
    """Return the level of the active parts of a sound."""
    blocks = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    power = (blocks**2).mean(axis=1) if len(blocks) else np.ones(1)
    return float(np.sqrt(power[power >= power.max() / 316].mean())) + 1e-6


def what_is_left(seed: int) -> tuple[float, Sound]:
    """Return the level of a ring's echo in a room, and 26 s of what the echo stage leaves of it."""
    room, far = room_number(seed + 100, 20.0), ring(8)
    box = RingingBox(Tier.SUPPRESSOR, room, seed=seed)
    box.say(far)
    heard = b"".join(box.hear() for _ in range(28 * RATE_HZ // BLOCK))
    echo = np.convolve(soxr.resample(far[: 24_000 * 8].astype(np.float64), 24_000, RATE_HZ), room.path)
    return rms(echo), np.frombuffer(heard, "<i2")[2 * RATE_HZ :].astype(np.float64)


def learn_words(lessons: Lessons, studio: Studio, speakers: Sequence[tuple[SpeechProgram, bool]]) -> None:
    """Add both words, said by everybody."""
    for (voice, is_person), (number, word) in itertools.product(speakers, enumerate(("stop", "snooze"), 1)):
        for copy in range(60 if is_person else 6):
            sound = spoken(voice, word + ".!."[copy % 3])
            level = studio.level()
            near = studio.near(sound, level)
            heard = studio.background(RATE_HZ * 36 // 10, level)
            at = int(studio.chance.uniform(1.5, 1.75) * RATE_HZ)
            fitting = min(len(near), len(heard) - at)
            heard[at : at + fitting] += near[:fitting]
            end_s = (at + len(sound) - 600) / RATE_HZ
            lessons.take(heard, lambda frame, end_s=end_s, number=number: _label(frame, end_s, number, studio))  # type: ignore[misc] # bound now


def _label(frame: int, end_s: float, word: int, studio: Studio) -> int | None:
    """Return what a window is that ends with this frame, by when the word ended; ``None`` for what is undecided."""
    since_s = (frame + 1) * FRAME / RATE_HZ - end_s
    if 0.10 <= since_s <= 0.42:
        return word
    is_elsewhere = since_s < -0.75 or since_s > 1.25
    return 0 if is_elsewhere and studio.chance.random() < 0.25 else None


def learn_others(lessons: Lessons, studio: Studio, speakers: Sequence[tuple[SpeechProgram, bool]]) -> None:
    """Add everything that is neither word."""
    chance = random.Random(5)
    said = []
    for voice, is_person in speakers:
        texts = [
            *chance.sample(OTHER_WORDS, 60 if is_person else 14),
            *chance.sample(SENTENCES, 30 if is_person else 5),
        ]
        said += [spoken(voice, f"{text}.") for text in texts]
    for clips, gap_s, copies in (
        (said, 0.9, 1),
        (studio.people, 0.9, 2),
        (studio.noises, 0.6, 2),
        (studio.answers, 0.5, 1),
    ):
        for _ in range(copies):
            lessons.take(_one_after_the_other(studio, chance.sample(clips, len(clips)), gap_s), lambda _frame: 0)
    for bed in studio.beds:
        lessons.take(bed[: 60 * RATE_HZ] * studio.chance.uniform(0.3, 1.5), lambda _frame: 0)
    for _, rest in studio.rests:
        lessons.take(rest, lambda _frame: 0)


def _one_after_the_other(studio: Studio, clips: Sequence[Sound], gap_s: float) -> Sound:
    pieces = []
    for clip in clips:
        level = studio.level()
        near = studio.near(clip, level)
        heard = studio.background(len(near) + int(studio.chance.uniform(0.15, gap_s) * RATE_HZ), level)
        heard[: len(near)] += near
        pieces.append(heard)
    return np.concatenate(pieces)


def train(lessons: Lessons, place: Path) -> None:
    """Train some networks, and write them as one whose output is their mean."""
    windows, words = np.array(lessons.windows, np.float32), np.array(lessons.words)
    mean, deviation = windows.mean(axis=0), windows.std(axis=0) + 1e-3
    scaled = (windows - mean) / deviation
    # The words are a tenth of what is learnt: without copies the network would rather say nothing.
    order = np.concatenate([np.arange(len(words)), *[np.flatnonzero(words)] * COPIES])
    found: list[Any] = []
    for seed in range(NETWORKS):
        model = MLPClassifier((HIDDEN,), alpha=0.03, batch_size=1024, max_iter=ROUNDS, random_state=seed)
        found.append(model.fit(scaled[order], words[order]))
    first = np.hstack([model.coefs_[0] / deviation[:, None] for model in found])
    bias = [model.intercepts_[0] - (mean / deviation) @ model.coefs_[0] for model in found]
    second = np.vstack([model.coefs_[1] for model in found]) / NETWORKS
    write_weights(place, first, np.concatenate(bias), second, sum(model.intercepts_[1] for model in found) / NETWORKS)


def main() -> None:
    """Read the arguments, and train."""
    parser = argparse.ArgumentParser(
        prog="scripts/stop-words",
        description="Train the classifier of the stop words from synthetic voices. Takes half an hour of one core, and"
        " needs espeak-ng, mbrola (us1, us3), flite and festival.",
    )
    parser.add_argument("folder", type=Path, help="recordings of people and noises: tune/ of scripts/sounds")
    parser.add_argument("--to", type=Path, default=WEIGHTS, help="where to write the weights")
    parser.add_argument("--people", type=Path, help="further recordings of people, as FLAC or WAV at 16 kHz")
    given = parser.parse_args()
    studio, lessons = Studio(given.folder), Lessons()
    if given.people is not None:
        studio.people += [recording(path) for path in sorted(given.people.rglob("*.*"))]
    speakers = list(voices(random.Random(5)))
    learn_words(lessons, studio, speakers)
    learn_others(lessons, studio, speakers)
    train(lessons, given.to)


if __name__ == "__main__":
    main()
