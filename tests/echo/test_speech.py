"""Near-end speech, judged behind the real cancellers in simulated rooms, and block by block with synthetic sounds."""

import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.speech import NearSpeech, SpeechChange
from edgevoice.echo.suppressor import RestingSuppressor, Suppressor
from edgevoice.echo.voice import EventModel, VoiceModel
from edgevoice.testbed.bench.echo_noises import cough, dishes, door
from edgevoice.testbed.stage.room import Sound, furnish, hear_all, level_dbfs, scaled
from edgevoice.wakeword.models.silero import load_voice

pytestmark = pytest.mark.long

DATA = Path(__file__).parents[1] / "data"
RATE_HZ = 16_000
PER_S = RATE_HZ // BLOCK

Maker = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""Makes sound of the times of its samples, in seconds."""

Heard = list[tuple[float, SpeechChange]]
"""When something changed, in seconds, and what."""


@cache
def speech(name: str) -> Samples:
    with wave.open(str(DATA / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def box_speech(seconds: float, seed: int = 0) -> Samples:
    """Return what the box says: sentences of several voices, with pauses."""
    names = sorted(path.stem for path in DATA.glob("*.wav"))
    chance = np.random.default_rng(seed)
    parts: list[Samples] = []
    while sum(map(len, parts)) < seconds * RATE_HZ:
        parts += [
            speech(names[chance.integers(len(names))]),
            np.zeros(int(chance.uniform(0.1, 0.5) * RATE_HZ), np.int16),
        ]
    return np.concatenate(parts)[: round(seconds * RATE_HZ)]


def blocks_of(sound: Samples) -> Iterator[Samples]:
    return (sound[at : at + BLOCK] for at in range(0, len(sound) - BLOCK + 1, BLOCK))


def heard_behind_cancellers(far: Samples, near: Samples) -> Heard:
    linear, suppressor, listener = LinearCanceller(), RestingSuppressor(Suppressor()), NearSpeech(load_voice())
    changes: Heard = []
    for number, (played, block) in enumerate(zip(blocks_of(far), blocks_of(near), strict=True)):
        change = listener.take(block, linear.process(block, played), played, suppressor)
        if change is not None:
            changes.append(((number + 1) / PER_S, change))
    return changes


def heard_by_a_device(far: Samples, near: Samples) -> Heard:
    listener = NearSpeech()
    changes: Heard = []
    for number, (played, block) in enumerate(zip(blocks_of(far), blocks_of(near), strict=True)):
        change = listener.take(block, block, played, None)
        if change is not None:
            changes.append(((number + 1) / PER_S, change))
    return changes


def over(sound: Samples, at_s: float, level_db: float, *, far: Samples, loss_db: float = 6.0, seed: int = 1) -> Samples:
    """Return the near-end: the echo of ``far``, and ``sound`` this much louder than an echo with a loss of 6 dB."""
    usual = hear_all(furnish(seed, delay_ms=60), far)
    near: Sound = np.zeros(len(far))
    begin = round(at_s * RATE_HZ)
    near[begin : begin + len(sound)] = scaled(sound, level_dbfs(usual) + level_db)
    return hear_all(furnish(seed, delay_ms=60, loss_db=loss_db), far, near)


def changes_after(heard: Heard, at_s: float) -> list[SpeechChange]:
    return [change for when_s, change in heard if when_s > at_s]


def first(heard: Heard, what: SpeechChange, after_s: float) -> float:
    return next(when_s - after_s for when_s, change in heard if change is what and when_s > after_s)


# From its first sound on: the recording begins with 200 ms of silence.
TALKER = speech("neg_service__flite_rms_1.1")[3200:]


@pytest.mark.parametrize(("level_db", "begun_s", "confirmed_s"), [(0, 0.1, 0.3), (-10, 0.7, 1.0)])
def test_a_louder_person_over_the_box_is_confirmed_sooner(level_db: float, begun_s: float, confirmed_s: float) -> None:
    far = box_speech(23)

    heard = heard_behind_cancellers(far, over(TALKER, 20.0, level_db, far=far))

    assert first(heard, SpeechChange.BEGAN, 20.0) <= begun_s
    assert first(heard, SpeechChange.CONFIRMED, 20.0) <= confirmed_s


@pytest.mark.parametrize("noise", [2, 12])
def test_a_person_is_heard_even_without_any_audible_echo(noise: int) -> None:
    # Headphones: no filter can learn an echo that is not there.
    far, chance = box_speech(14), np.random.default_rng(5)
    near = chance.integers(-noise, noise + 1, len(far)).astype(np.int16)
    begin = round(8.0 * RATE_HZ)
    near[begin : begin + len(TALKER)] += (TALKER // 2).astype(np.int16)

    heard = heard_behind_cancellers(far, near)

    assert first(heard, SpeechChange.BEGAN, 8.0) <= 0.1
    assert first(heard, SpeechChange.CONFIRMED, 8.0) <= 0.4


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_an_echo_that_becomes_audible_is_not_taken_for_a_person(seed: int) -> None:
    # A soft beginning, whose echo is below the room's noise, and then the full voice.
    far, chance = box_speech(24, seed=seed), np.random.default_rng(seed)
    far[: 6 * RATE_HZ] = far[: 6 * RATE_HZ] // 4
    noise = chance.integers(-100, 101, len(far)).astype(np.int16)

    heard = heard_behind_cancellers(far, hear_all(furnish(seed, delay_ms=60, loss_db=26.0), far) + noise)

    assert SpeechChange.CONFIRMED not in [change for _, change in heard]


@pytest.mark.parametrize("level_db", [0, -10])
def test_the_same_holds_if_the_device_cancels_the_echo(level_db: float) -> None:
    far = box_speech(14)

    heard = heard_by_a_device(far, over(TALKER, 10.0, level_db, far=far, loss_db=46))

    assert first(heard, SpeechChange.BEGAN, 10.0) <= 0.06
    assert first(heard, SpeechChange.CONFIRMED, 10.0) <= 0.2


@pytest.mark.parametrize(("delay_ms", "overdrive_db"), [(40, None), (120, None), (60, 12.0)])
def test_the_box_never_takes_itself_for_a_person_even_before_it_has_learned_the_room(
    delay_ms: float, overdrive_db: float | None
) -> None:
    far = box_speech(30, seed=1)
    room = furnish(3, delay_ms=delay_ms, overdrive_db=overdrive_db)

    heard = heard_behind_cancellers(far, hear_all(room, far))

    assert SpeechChange.CONFIRMED not in [change for _, change in heard]


def test_with_uncorrected_drift_it_errs_towards_not_cutting() -> None:
    far = box_speech(30, seed=2)

    heard = heard_behind_cancellers(far, hear_all(furnish(4, delay_ms=60, drift_ppm=50), far))

    assert SpeechChange.CONFIRMED not in [change for _, change in heard]


def test_its_own_voice_lowered_and_raised_is_still_recognised() -> None:
    far = box_speech(24, seed=3)
    gain = np.where(np.arange(len(far)) // (3 * RATE_HZ) % 2 == 1, 10 ** (-15 / 20), 1.0)
    ducked = (far * np.convolve(gain, np.ones(160) / 160, "same")).astype(np.int16)

    heard = heard_behind_cancellers(ducked, hear_all(furnish(5, delay_ms=60), ducked))

    assert SpeechChange.CONFIRMED not in [change for _, change in heard]


@pytest.mark.parametrize("make", [cough, door, dishes])
@pytest.mark.parametrize("seed", range(2))
def test_noise_begins_fades_and_lets_the_voice_return(make: Callable[[int], Samples], seed: int) -> None:
    far, sound = box_speech(16), make(seed)

    heard = heard_by_a_device(far, over(sound, 13.0, 6.0, far=far, loss_db=46))
    changes = changes_after(heard, 13.0)

    assert changes[0] is SpeechChange.BEGAN
    assert changes[-1] is SpeechChange.FADED
    assert SpeechChange.CONFIRMED not in changes
    # The speaker takes 25 ms until the room hears it and 10 ms to rise.
    assert max(when_s for when_s, _ in heard) - (13.0 + len(sound) / RATE_HZ) <= 0.265


@pytest.mark.parametrize("make", [cough, door, dishes])
def test_after_the_cancellers_no_noise_is_taken_for_speech(make: Callable[[int], Samples]) -> None:
    far = box_speech(20)
    sounds = np.concatenate([np.pad(make(seed), (0, RATE_HZ)) for seed in range(8)])[: 10 * RATE_HZ]

    heard = heard_behind_cancellers(far, over(sounds, 9.0, 3.0, far=far))

    assert SpeechChange.BEGAN in changes_after(heard, 9.0)
    assert SpeechChange.CONFIRMED not in changes_after(heard, 9.0)


def test_began_alternates_with_confirmed_or_faded() -> None:
    far = box_speech(30)
    near = over(np.concatenate([TALKER, TALKER, cough(1), door(2)]), 10.0, 0.0, far=far)

    is_open = False
    for _, change in heard_behind_cancellers(far, near):
        if change is SpeechChange.ENDED:
            continue
        assert (change is SpeechChange.BEGAN) is not is_open
        is_open = change is SpeechChange.BEGAN


def test_continuous_speech_is_confirmed_once() -> None:
    listener = Measured()
    listener.rest(8)

    assert listener.voice(3).count(SpeechChange.CONFIRMED) == 1


def test_a_new_remark_after_a_pause_is_confirmed_again() -> None:
    listener = Measured()
    listener.rest(8)
    listener.voice(1)

    assert listener.rest(0.28) == []
    assert listener.rest(0.1) == [SpeechChange.ENDED], "300 ms after its last block over the bar"
    assert listener.rest(0.5) == []
    assert listener.voice(1) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]


@pytest.mark.parametrize("probability", [None, 0.9])
def test_confirmed_speech_is_followed_to_its_end_when_the_box_has_fallen_silent(probability: float | None) -> None:
    model = None if probability is None else Certainty(probability)
    listener = Measured(voice=model)
    listener.rest(8)
    listener.voice(0.4)

    assert listener.alone(0.6, loud=1500) == []
    assert listener.listener.is_speaking
    if model is not None:
        model.probability = 0.1  # a hum as loud as the voice continues
    assert listener.alone(0.28, loud=0 if model is None else 1500) == []
    assert listener.alone(0.1, loud=0 if model is None else 1500) == [SpeechChange.ENDED]
    assert not listener.listener.is_speaking


def test_a_voice_that_does_not_end_is_followed_for_two_seconds() -> None:
    listener = Measured(voice=Certainty(0.9))
    listener.rest(8)
    listener.voice(0.4)

    assert listener.alone(2, loud=1500) == []
    assert not listener.listener.is_speaking


def test_exactly_120_ms_of_speech_confirm_it() -> None:
    listener = Measured()
    listener.rest(8)

    assert SpeechChange.CONFIRMED not in listener.voice(0.10)
    assert listener.voice(0.02) == [SpeechChange.CONFIRMED]


def test_it_fades_140_ms_after_the_last_block_over_the_bar() -> None:
    listener = Measured()
    listener.rest(8)
    assert listener.hiss(0.1) == [SpeechChange.BEGAN]

    assert listener.rest(0.12) == []
    assert listener.rest(0.02) == [SpeechChange.FADED]


def test_it_does_not_fade_while_a_voice_that_has_just_begun_goes_on_under_the_bar() -> None:
    model = Certainty(0.0)
    listener = Measured(voice=model)
    listener.rest(8)
    model.probability = 0.5
    assert listener.hiss(0.1) == [SpeechChange.BEGAN]

    assert listener.rest(0.6) == []
    model.probability = 0.0
    assert listener.rest(0.12) == []
    assert listener.rest(0.02) == [SpeechChange.FADED]


def test_a_noise_that_stays_is_given_up_and_belongs_to_the_room_in_the_end() -> None:
    listener = Measured()
    listener.rest(8)

    changes = listener.hiss(4)

    assert SpeechChange.CONFIRMED not in changes
    assert changes[:2] == [SpeechChange.BEGAN, SpeechChange.FADED]
    assert listener.hiss(20) == []


def test_abandoned_speech_fades_once_and_the_next_remark_is_heard() -> None:
    listener = Measured()
    listener.rest(8)
    assert listener.listener.abandon() is None, "nothing had begun"
    assert listener.voice(0.1) == [SpeechChange.BEGAN]

    assert listener.listener.abandon() is SpeechChange.FADED
    assert listener.listener.abandon() is None
    assert listener.rest(1) == []
    assert listener.voice(0.2) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]


def test_reset_forgets_what_was_going_on_and_keeps_what_was_learned() -> None:
    listener = Measured()
    listener.rest(8)
    assert listener.voice(0.1) == [SpeechChange.BEGAN]

    listener.listener.reset()

    assert listener.rest(1) == []
    assert listener.voice(0.2) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]


class Judge:
    """An event model with a given judgement, and how long each sound was when it was asked, in blocks."""

    def __init__(self, odds: float) -> None:
        self.odds = odds
        self.asked: list[int] = []

    def speech_odds(self, sound: Samples, begin: int) -> float:
        self.asked.append((len(sound) - begin) // BLOCK)
        return self.odds


def test_a_sound_that_the_event_model_doubts_lowers_the_answer_and_does_not_cut_it() -> None:
    judge = Judge(-1.0)
    listener = Measured(voice=Certainty(0.9), events=judge)
    listener.rest(2)

    assert listener.voice(1) == [SpeechChange.BEGAN]
    assert judge.asked[0] == 6, "from when all else takes it for speech"
    lengths = [length for length in judge.asked if length < 33]
    assert {later - earlier for earlier, later in pairwise(lengths)} == {2}, "every 40 ms"

    judge.odds = 1.5
    assert listener.voice(0.2) == [SpeechChange.CONFIRMED]
    asked = len(judge.asked)
    assert listener.voice(1) == []
    assert len(judge.asked) == asked, "what is speech stays speech"


def test_the_event_model_is_not_asked_about_what_nothing_else_takes_for_speech() -> None:
    judge = Judge(1.0)
    listener = Measured(voice=Certainty(0.0), events=judge)
    listener.rest(2)
    listener.voice(1)

    assert judge.asked == []


class Measured:
    """A device that cancels perfectly in a quiet room: it hears only the user."""

    def __init__(self, *, noise: float = 20, voice: VoiceModel | None = None, events: EventModel | None = None) -> None:
        self.listener = NearSpeech(voice, None, None, events)
        self._noise = noise
        self._chance = np.random.default_rng(1)
        self._far = box_speech(60)
        self._at = 0

    def rest(self, seconds: float) -> list[SpeechChange]:
        return self._hear(seconds, lambda at: np.zeros(len(at)))

    def voice(self, seconds: float, loud: float = 1500) -> list[SpeechChange]:
        begin_s = self._at / RATE_HZ

        def syllables(at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            voice = np.sum([np.sin(2 * np.pi * 140 * number * at) / number for number in range(1, 12)], axis=0)
            # A voice that never pauses for 60 ms is a machine's.
            return np.where((at - begin_s) % 0.3 < 0.24, loud * voice, 0.0)

        return self._hear(seconds, syllables)

    def alone(self, seconds: float, *, loud: float) -> list[SpeechChange]:
        """Let the box be silent while another sound has this level."""
        changes = []
        for _ in range(round(seconds * PER_S)):
            sound = (loud + self._noise) * self._chance.standard_normal(BLOCK)
            change = self.listener.take_alone(sound.astype(np.int16)) if self.listener.is_speaking else None
            changes += [] if change is None else [change]
        return changes

    def hiss(self, seconds: float) -> list[SpeechChange]:
        return self._hear(seconds, lambda at: 1500 * self._chance.standard_normal(len(at)))

    def _hear(self, seconds: float, make: Maker) -> list[SpeechChange]:
        changes = []
        for _ in range(round(seconds * PER_S)):
            at = np.arange(self._at, self._at + BLOCK)
            sound = make(at / RATE_HZ) + self._noise * self._chance.standard_normal(BLOCK)
            near = sound.astype(np.int16)
            change = self.listener.take(near, near, np.take(self._far, at, mode="wrap"), None)
            if change is not None:
                changes.append(change)
            self._at += BLOCK
        return changes


@dataclass
class Certainty:
    """A voice model with a given confidence, and another one while it is new."""

    probability: float = 0.0
    when_new: float = 0.0

    def take(self, block: Samples) -> float:
        assert len(block) == BLOCK
        return self.probability

    def anew(self) -> "Certainty":
        return Certainty(self.when_new)


def test_sound_without_a_voice_ducks_the_answer_and_does_not_cut_it() -> None:
    listener = Measured(voice=Certainty(0.1))
    listener.rest(8)

    assert listener.voice(0.5) + listener.rest(1) == [SpeechChange.BEGAN, SpeechChange.FADED]


@pytest.mark.parametrize(("probability", "blocks"), [(0.9, 2), (0.45, 4), (0.3, 12)])
def test_the_less_likely_a_voice_is_the_longer_the_model_must_hear_it_before_the_cut(
    probability: float, blocks: int
) -> None:
    model = Certainty(0.1)
    listener = Measured(voice=model)
    listener.rest(8)
    assert listener.voice(0.24) == [SpeechChange.BEGAN]

    model.probability = probability

    assert listener.voice((blocks - 1) * 0.02) == []
    assert listener.voice(0.02) == [SpeechChange.CONFIRMED]


def test_a_person_whom_the_model_no_longer_hears_after_a_long_answer_is_heard_by_one_that_starts_afresh() -> None:
    listener = Measured(voice=Certainty(0.02, when_new=0.95))
    listener.rest(8)

    assert listener.voice(0.3) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]


def test_what_a_model_that_starts_afresh_hears_begins_after_the_last_pause() -> None:
    class Counting:
        """Counts its blocks, and hears no voice."""

        def __init__(self) -> None:
            self.blocks = 0
            models.append(self)

        def take(self, _block: Samples) -> float:
            self.blocks += 1
            return 0.1

        def anew(self) -> "Counting":
            return Counting()

    models: list[Counting] = []
    listener = Measured(voice=Counting())
    listener.rest(8)
    listener.listener.reset()

    listener.voice(0.1)

    assert [model.blocks for model in models[1:]] == [5], "no block of the 8 s before the pause"


def test_sound_that_cannot_be_a_voice_must_be_loud_to_duck_the_answer() -> None:
    model = Certainty(0.0)
    listener = Measured(voice=model)
    listener.rest(8)

    assert listener.voice(0.06, loud=100) == []
    listener.rest(1)
    model.probability = 0.1
    assert listener.voice(0.06, loud=100) == [SpeechChange.BEGAN]
    listener.rest(1)
    model.probability = 0.0
    assert listener.voice(0.02, loud=1500) == [SpeechChange.BEGAN]


def test_if_a_voice_is_certain_one_voiced_block_in_ten_is_enough() -> None:
    listener = Measured(voice=Certainty(0.9))
    listener.rest(8)

    assert listener.voice(0.04) + listener.hiss(0.2) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]


def test_if_a_voice_is_only_likely_a_quarter_must_be_voiced() -> None:
    listener = Measured(voice=Certainty(0.6))
    listener.rest(8)

    assert SpeechChange.CONFIRMED not in listener.voice(0.04) + listener.hiss(0.3)
    listener.rest(1)
    assert SpeechChange.CONFIRMED in listener.voice(0.1) + listener.hiss(0.1)


def test_a_television_cuts_nothing_once_it_has_been_going_on_and_a_person_does_all_the_same() -> None:
    model = Certainty(0.1)
    listener = Measured(voice=model)
    listener.rest(4)
    for _ in range(14):
        listener.voice(1)
        listener.rest(0.3)
    model.probability = 0.9

    changes = listener.voice(1) + listener.rest(0.3) + listener.voice(1) + listener.rest(0.3)

    assert SpeechChange.BEGAN in changes
    assert SpeechChange.CONFIRMED not in changes
    assert SpeechChange.CONFIRMED in listener.voice(1, loud=6000)


@pytest.mark.parametrize(
    ("echo", "left", "times"), [(1000, 100, 17.8), (20_000, 100, 1.0), (20_000, 32_000, 1.0), (10, 1, 100)]
)
def test_the_voice_model_hears_what_is_left_as_loud_as_if_the_echo_were_loud(
    echo: int, left: int, times: float
) -> None:
    heard: list[int] = []

    class Listening:
        def take(self, block: Samples) -> float:
            heard.append(int(block.max()))
            return 0.0

        def anew(self) -> Certainty:
            return Certainty()

    listener = NearSpeech(Listening())
    near, cancelled = np.full(BLOCK, echo, np.int16), np.full(BLOCK, min(left, echo // 10), np.int16)
    for _ in range(2):
        listener.take(near, cancelled, near, None)
    listener.take(near, np.full(BLOCK, left, np.int16), near, None)

    assert heard[0] == pytest.approx(min(left, echo // 10) * 10, rel=0.01, abs=1), "20 dB while the echo is not known"
    assert heard[2] == pytest.approx(left * times, rel=0.02)


class Mute:
    """A suppressor that lets nothing through."""

    def process(self, near: Samples, far: Samples) -> Samples:
        return np.zeros_like(near)

    def reset(self) -> None: ...


class Softened:
    """A box whose filter leaves 11 dB less of its echo, and whose suppressor leaves nothing."""

    def __init__(self, voice: VoiceModel) -> None:
        self._chance = np.random.default_rng(1)
        self._listener = NearSpeech(voice)

    def take(self, echo: float, person: float) -> SpeechChange | None:
        at = np.arange(BLOCK) / RATE_HZ
        harmonics = np.sum([np.sin(2 * np.pi * 150 * number * at) / number for number in range(1, 8)], axis=0)
        said = (person * harmonics).astype(np.int16)
        played = (echo * self._chance.standard_normal(BLOCK)).astype(np.int16)
        left = (echo * 10 ** (-11 / 20) * self._chance.standard_normal(BLOCK)).astype(np.int16)
        return self._listener.take(said + played, said + left, played, RestingSuppressor(Mute()))

    def learn(self) -> None:
        for number in range(600):
            self.take(3000 if number % 60 < 45 else 0, 0)
        for _ in range(10):
            self.take(3000, 0)


def test_once_the_answer_is_lowered_a_person_softer_than_it_was_comes_over_the_bar() -> None:
    model = Certainty(0.0)
    room = Softened(model)
    room.learn()

    model.probability = 0.45
    while_it_is_loud = [room.take(3000, 800) for _ in range(10)]
    while_it_is_lowered = [room.take(530, 800) for _ in range(12)]

    assert set(while_it_is_loud) == {None}
    assert SpeechChange.BEGAN in while_it_is_lowered


def test_a_new_voice_lowers_the_answer_although_it_is_under_the_bar() -> None:
    model = Certainty(0.0)
    room = Softened(model)
    room.learn()

    model.probability = 0.9

    assert {room.take(3000, 800) for _ in range(3)} == {None}
    assert room.take(3000, 800) is SpeechChange.BEGAN


def test_the_box_does_not_lower_its_voice_again_and_again_for_what_the_loudspeaker_adds() -> None:
    model = Certainty(0.0)
    room = Softened(model)
    room.learn()

    began = []
    for _ in range(4):
        model.probability = 0.7
        began.append(sum(room.take(3000, 300) is SpeechChange.BEGAN for _ in range(14)))
        model.probability = 0.0
        for _ in range(20):
            room.take(3000, 0)

    assert began == [1, 1, 0, 0]


@pytest.mark.parametrize(("person", "is_heard"), [(250, True), (130, False)])
def test_once_the_answer_is_lowered_a_clear_voice_just_under_the_bar_counts(person: float, *, is_heard: bool) -> None:
    model = Certainty(0.0)
    room = Softened(model)
    room.learn()

    model.probability = 0.9
    changes = [room.take(3000, person) for _ in range(6)] + [room.take(530, person) for _ in range(40)]

    assert SpeechChange.BEGAN in changes
    assert (SpeechChange.CONFIRMED in changes) is is_heard


@pytest.mark.parametrize(("pause", "is_heard"), [(58, False), (70, True)])
def test_for_a_second_after_somebody_spoke_the_filter_alone_cuts_nothing(pause: int, *, is_heard: bool) -> None:
    model = Certainty(0.0)
    room = Softened(model)
    room.learn()
    model.probability = 0.9
    assert SpeechChange.CONFIRMED in [room.take(3000, 2000) for _ in range(12)]

    model.probability = 0.0
    for _ in range(pause):
        room.take(3000, 0)
    model.probability = 0.9

    assert (SpeechChange.CONFIRMED in [room.take(3000, 2000) for _ in range(12)]) is is_heard


def test_a_voice_model_alone_cuts_nothing() -> None:
    listener = Measured(voice=Certainty(1.0))
    listener.rest(8)

    assert SpeechChange.CONFIRMED not in listener.hiss(0.5) + listener.rest(1)


def test_in_digital_silence_a_few_converter_steps_are_not_taken_for_a_person() -> None:
    listener = Measured(noise=0)
    listener.rest(8)

    assert listener.voice(0.5, loud=10) == []
    assert listener.voice(0.5, loud=100) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]


def test_in_doubt_no_faint_sound_is_taken_for_a_person_and_it_relearns_within_seconds() -> None:
    listener = Measured()
    listener.rest(8)
    assert listener.voice(0.3, loud=150) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]
    listener.rest(2)

    listener.listener.doubt()

    assert listener.voice(0.3, loud=150) == []
    assert listener.voice(0.3, loud=12_000) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]
    listener.rest(8)
    assert listener.voice(0.3, loud=150) == [SpeechChange.BEGAN, SpeechChange.CONFIRMED]
