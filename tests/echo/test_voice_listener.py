"""What the voice model hears, and when it is believed although the sound is under the bar."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.surroundings import Surroundings
from edgevoice.echo.voice_listener import VoiceListener
from edgevoice.wakeword.models.silero import load_voice

WORDS = Path(__file__).parents[1] / "data" / "sounds" / "near" / "words"
PER_S = 50


class Certainty:
    """A voice model with a given confidence; ``heard`` is what it took, and ``fresh`` the last one made of it anew."""

    def __init__(self, probability: float = 0.0) -> None:
        self.probability = probability
        self.of_a_fresh_one = 0.0
        self.heard: list[int] = []
        self.fresh: Certainty | None = None

    def take(self, block: Samples) -> float:
        assert len(block) == BLOCK
        self.heard.append(int(block[0]))
        return self.probability

    def anew(self) -> "Certainty":
        self.fresh = Certainty(self.of_a_fresh_one)
        return self.fresh


class Heard:
    """A listener, and the model that it asks."""

    def __init__(self) -> None:
        self.model = Certainty()
        self.listener = VoiceListener(self.model, Surroundings())

    def blocks(self, count: int, probability: float) -> bool:
        """Return whether a voice is clear after that many blocks."""
        self.model.probability = probability
        for _ in range(count):
            self.listener.take(np.zeros(BLOCK, np.int16))
        return self.listener.is_clear


def test_the_surer_the_model_the_sooner_a_voice_is_clear() -> None:
    assert not Heard().blocks(2, 1.0)
    assert Heard().blocks(3, 1.0)
    assert not Heard().blocks(9, 0.5)
    assert Heard().blocks(11, 0.5)


def test_a_voice_is_not_clear_once_the_model_doubts_it() -> None:
    heard = Heard()
    heard.blocks(10, 1.0)

    assert not heard.blocks(1, 0.4)
    assert heard.blocks(1, 0.5)


def test_a_voice_that_has_gone_on_for_a_second_is_a_television() -> None:
    heard = Heard()

    assert heard.blocks(50, 1.0)
    assert not heard.blocks(1, 1.0)


def test_what_was_heard_while_the_box_may_have_heard_itself_is_forgotten() -> None:
    heard = Heard()
    heard.blocks(10, 1.0)

    heard.listener.forget()

    assert not heard.blocks(2, 1.0)
    assert heard.blocks(1, 1.0)


def test_each_time_that_it_was_nobody_twice_as_much_is_needed_until_some_seconds_have_passed() -> None:
    heard = Heard()

    for _ in range(3):
        heard.listener.mistrust()

    assert not heard.blocks(21, 1.0)
    assert heard.blocks(3, 1.0)
    heard.blocks(12 * PER_S, 0.0)
    assert heard.blocks(3, 1.0)


def test_without_a_model_any_sound_may_be_a_voice_and_none_is_clear() -> None:
    listener = VoiceListener(None, Surroundings())
    block = np.zeros(BLOCK, np.int16)

    for _ in range(30):
        listener.take(block)

    assert listener.may_be_voice(block)
    assert not listener.is_clear
    assert not listener.is_new


class Overheard:
    """A listener, and the blocks that its model is given."""

    def __init__(self) -> None:
        self.blocks: list[Samples] = []
        self.is_whole = True
        self.listener = VoiceListener(self, Surroundings())

    def take(self, block: Samples) -> float:
        self.blocks.append(block)
        return 0.0

    def anew(self) -> Certainty:
        return Certainty()

    def hum(self, amplitude: float) -> float:
        """Give it a block of a tone; return by how much the model hears it amplified."""
        tone = np.sin(2 * np.pi * 200 * np.arange(BLOCK) / 16_000)
        self.listener.take((amplitude * tone).astype(np.int16))
        self.is_whole = bool(np.abs(self.blocks[-1] - self.blocks[-1].max() * tone).max() < 12)
        return float(self.blocks[-1].max()) / amplitude


def test_a_voice_much_louder_than_the_echo_is_amplified_less_so_that_the_model_hears_it_whole() -> None:
    heard = Overheard()

    assert heard.hum(300) == pytest.approx(10, rel=0.01), "20 dB while the echo is not known"
    heard.hum(30_000)
    assert not heard.is_whole, "a clatter is over after a block"
    assert heard.hum(30_000) == pytest.approx(32_767 / 30_000, rel=0.01)
    assert heard.is_whole


def test_a_voice_about_as_loud_as_the_echo_is_overdriven() -> None:
    heard = Overheard()

    assert heard.hum(13_000) == pytest.approx(32_767 / 13_000, rel=0.01)
    assert not heard.is_whole


def test_less_amplification_lasts_until_the_loud_voice_has_been_over_for_a_while() -> None:
    heard = Overheard()
    for _ in range(2):
        heard.hum(30_000)

    gains = [heard.hum(300) for _ in range(PER_S)]

    assert gains[0] == pytest.approx(1.13, rel=0.01)
    assert gains[22] == pytest.approx(1.09 * 10 ** (0.3 * 23 / 20), rel=0.01), "15 dB a second"
    assert gains[24] == pytest.approx(10, rel=0.01), "12 dB over full scale"


def test_a_sound_after_a_pause_is_amplified_as_if_nothing_had_been_heard() -> None:
    heard = Overheard()
    for _ in range(2):
        heard.hum(30_000)

    heard.listener.pause()

    heard.hum(30_000)
    assert not heard.is_whole
    assert heard.hum(300) == pytest.approx(10, rel=0.01)


def of_sound(heard: Heard, count: int, *, anew: float) -> list[float]:
    """Return the certainty of each of that many blocks of a sound, of which a model without memory is that sure."""
    heard.model.of_a_fresh_one = anew
    heard.blocks(1, 0.05)
    heard.listener.begin()
    certainties = [heard.listener.certainty_of_sound]
    for _ in range(count - 1):
        heard.blocks(1, 0.05)
        certainties.append(heard.listener.certainty_of_sound)
    return certainties


def test_a_model_without_memory_counts_from_the_fifth_block_of_which_it_is_all_but_certain() -> None:
    assert of_sound(Heard(), 7, anew=0.95) == [0.05] * 4 + [0.95] * 3
    assert of_sound(Heard(), 7, anew=0.9) == [0.05] * 7


def test_a_model_without_memory_hears_500_ms_before_the_sound_and_then_every_block_of_it() -> None:
    heard = Heard()
    for number in range(40):
        heard.listener.take(np.full(BLOCK, number, np.int16))

    heard.listener.begin()
    heard.listener.take(np.full(BLOCK, 40, np.int16))

    assert heard.model.fresh is not None
    assert heard.model.fresh.heard == [10 * number for number in range(14, 41)], "20 dB louder"


def test_after_a_pause_a_model_without_memory_hears_nothing_from_before_it() -> None:
    heard = Heard()
    for number in range(40):
        heard.listener.take(np.full(BLOCK, number, np.int16))

    heard.listener.pause()
    heard.listener.take(np.full(BLOCK, 40, np.int16))
    heard.listener.begin()

    assert heard.model.fresh is not None
    assert heard.model.fresh.heard == [400]


def test_after_a_sound_the_model_with_memory_counts_alone_and_the_next_sound_starts_afresh() -> None:
    heard = Heard()
    of_sound(heard, 6, anew=0.95)

    heard.listener.end()
    heard.blocks(1, 0.3)

    assert heard.listener.certainty_of_sound == 0.3
    assert of_sound(heard, 6, anew=0.95) == [0.05] * 4 + [0.95] * 2


def test_of_two_models_the_surer_one_counts() -> None:
    heard = Heard()
    of_sound(heard, 5, anew=0.95)

    heard.blocks(1, 0.99)

    assert heard.listener.certainty_of_sound == 0.99


def test_without_a_model_nothing_starts_afresh() -> None:
    listener = VoiceListener(None, Surroundings())
    listener.begin()
    listener.take(np.zeros(BLOCK, np.int16))

    assert listener.certainty_of_sound == listener.certainty


class KnownSound:
    """A sound model that is ``behind`` for some blocks, and then rates every block alike."""

    def __init__(self, voice: float, words: float, behind: int = 0) -> None:
        self.judgement = (voice, words)
        self.behind = behind
        self.waiting = 0
        self.heard: list[int] = []
        self.before: list[int] = []

    def begin(self, before: Sequence[Samples]) -> None:
        self.before, self.heard, self.waiting = [int(block[0]) for block in before], [], 0

    def wait(self, block: Samples) -> None:
        self.heard.append(int(block[0]))
        self.waiting += 1

    def take(self, block: Samples) -> list[tuple[float, float]]:
        self.wait(block)
        if self.is_behind:
            return []
        made, self.waiting = [self.judgement] * self.waiting, 0
        return made

    @property
    def is_behind(self) -> bool:
        return len(self.heard) <= self.behind


def certainties_of(sound: KnownSound, probability: float, blocks: int = 12) -> list[float]:
    """Return the certainty of each block of a sound of which the voice model is that sure."""
    model = Certainty(probability)
    listener = VoiceListener(model, Surroundings(), sound)
    made = []
    for number in range(30 + blocks):
        listener.take(np.full(BLOCK, number, np.int16))
        if number == 30:
            listener.begin()
        if number >= 30:
            made.append(round(listener.certainty_of_sound, 2))
    return made


def test_a_sound_that_speaks_against_words_is_doubted() -> None:
    assert certainties_of(KnownSound(0.0, 3.0), 0.9) == [0.9] * 12
    assert certainties_of(KnownSound(0.0, -0.5), 0.9) == [0.45] * 12
    assert certainties_of(KnownSound(0.0, -4.0), 0.9) == [0.0] * 12


def test_a_voice_that_the_sound_model_alone_hears_counts_from_the_eighth_block_on_if_it_speaks_words() -> None:
    assert certainties_of(KnownSound(0.97, 3.0), 0.1) == [0.1] * 7 + [0.97] * 5
    assert certainties_of(KnownSound(0.97, 0.7), 0.1) == [0.1] * 12, "it may be a laugh"
    assert certainties_of(KnownSound(0.94, 3.0), 0.1) == [0.1] * 12, "it may be nothing"


def test_until_the_sound_model_has_caught_up_nothing_is_doubted_and_then_every_block_counts() -> None:
    assert certainties_of(KnownSound(0.0, -4.0, behind=4), 0.9) == [0.9] * 4 + [0.0] * 8
    assert certainties_of(KnownSound(0.97, 3.0, behind=9), 0.1) == [0.1] * 9 + [0.97] * 3


def test_while_a_sound_is_not_loud_enough_for_a_person_the_sound_model_is_not_asked() -> None:
    sound = KnownSound(0.0, -4.0)
    listener = VoiceListener(Certainty(0.9), Surroundings(), sound)
    listener.take(np.zeros(BLOCK, np.int16))
    listener.begin()

    listener.is_loud = False
    listener.take(np.zeros(BLOCK, np.int16))
    soft, waiting = listener.certainty_of_sound, sound.waiting
    listener.is_loud = True
    listener.take(np.zeros(BLOCK, np.int16))

    assert (soft, waiting) == (0.9, 1)
    assert listener.certainty_of_sound < 0.001
    assert sound.waiting == 0


def test_the_sound_model_hears_500_ms_before_the_sound_and_nothing_after_it() -> None:
    sound = KnownSound(0.0, -4.0)
    listener = VoiceListener(Certainty(0.9), Surroundings(), sound)
    for number in range(31):
        listener.take(np.full(BLOCK, number, np.int16))
    listener.begin()
    listener.take(np.full(BLOCK, 31, np.int16))

    listener.end()
    listener.take(np.full(BLOCK, 32, np.int16))

    assert sound.before == [10 * number for number in range(5, 30)], "20 dB louder"
    assert sound.heard == [300, 310]
    assert listener.certainty_of_sound == 0.9


def test_a_word_that_silero_hardly_hears_after_50_s_of_noise_is_certain_all_the_same() -> None:
    with wave.open(str(WORDS / "asterisk-en-digits-3.wav")) as file:
        word = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    chance = np.random.default_rng(1)
    noise = 10 * chance.standard_normal(50 * PER_S * BLOCK)
    spoken = word / 100 + 10 * chance.standard_normal(len(word))
    listener = VoiceListener(load_voice(), Surroundings())

    for at in range(0, len(noise), BLOCK):
        listener.take(noise[at : at + BLOCK].astype(np.int16))
    listener.begin()
    remembering, of_sound = [], []
    for at in range(0, len(spoken) - BLOCK + 1, BLOCK):
        listener.take(spoken[at : at + BLOCK].astype(np.int16))
        remembering.append(listener.certainty)
        of_sound.append(listener.certainty_of_sound)

    assert max(remembering) < 0.5
    assert sum(certainty > 0.92 for certainty in of_sound) > 5
