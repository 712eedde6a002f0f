import sys

import numpy as np
import pytest

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.mind.intents import understand
from edgevoice.local.speech.dereverberation import dereverberated
from edgevoice.local.speech.phonemes import _NAMES, BLANK, WORD_END, Frames
from edgevoice.local.speech.recogniser import PhonemeRecogniser, Unsure
from tests.local.speech.test_lattice import COLUMNS, heard, said

SPEECH = bytes(32_000)


class Network:
    """A network with prepared output."""

    names = tuple(_NAMES.get(phoneme, phoneme) for phoneme in COLUMNS)

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def frames(self, samples: Frames) -> Frames:
        assert samples.dtype == np.float32
        self.given = samples
        return self._frames if samples.size else self._frames[:0]


def words(frames: Frames) -> str:
    return PhonemeRecogniser(Network(frames), Network(frames)).words(SPEECH)


def test_clear_words_are_sure() -> None:
    text = words(heard(*said("set a timer for ten minutes")))

    assert text == "set a timer for ten minutes"
    assert not isinstance(text, Unsure)


def test_words_with_a_rival_of_another_meaning_are_unsure() -> None:
    sounds = said("set a timer for fifteen minutes")
    last_of_fifteen = sounds.index("N", sounds.index("IY"))
    text = words(heard(*sounds, doubted={last_of_fifteen: BLANK}))

    assert text == "set a timer for fifteen minutes"
    assert isinstance(text, Unsure)


def test_words_with_a_rival_of_the_same_meaning_are_sure() -> None:
    sounds = said("cancel the timer")
    text = words(heard(*sounds, doubted={sounds.index("DH"): "M", sounds.index("DH") + 1: "AY"}))

    assert not isinstance(text, Unsure)


def test_a_stray_sound_does_not_spoil_a_command_but_makes_it_unsure() -> None:
    sounds = said("volume down")
    text = words(heard(*sounds, WORD_END, "T", doubted={len(sounds) + 1: BLANK}, doubt=-4.5))

    assert text == "volume down"
    assert isinstance(text, Unsure)


@pytest.mark.parametrize("wake", ["AA R V IH S", "R V AX S", "V IH S", "L EH K S AX", "K S AX"])
def test_a_turn_that_begins_in_the_middle_of_the_wake_word_is_understood(wake: str) -> None:
    text = words(heard(*wake.split(), WORD_END, *said("what day is it today")))

    assert understand(text) == understand("what day is it today")
    assert not isinstance(text, Unsure)


@pytest.mark.parametrize("sounds", [(), ("HH",)])
def test_a_cough_contains_no_words(sounds: tuple[str, ...]) -> None:
    assert words(heard(*sounds)) == ""


def test_silence_contains_no_words() -> None:
    assert PhonemeRecogniser(*[Network(heard("HH", "AX"))] * 2).words(b"") == ""


def test_foreign_words_are_written_as_they_sound() -> None:
    assert words(heard("P", "IY", "T", "S", "AX", WORD_END, "N", "AW")) == "peetsa now"


def test_a_command_that_fits_badly_is_unsure_and_one_that_hardly_fits_is_foreign() -> None:
    sounds = said("volume up")
    poor = dict.fromkeys((0, 2, 4), "B")

    assert isinstance(words(heard(*sounds, doubted=poor, doubt=5.5)), Unsure)
    assert not understand(words(heard(*sounds, doubted=dict.fromkeys(range(7), "B"), doubt=6.0)))


def test_a_command_of_which_the_network_hardly_hears_any_phoneme_is_unsure() -> None:
    frames = heard(*said("volume up"))
    in_noise = np.where(frames > -1.0, np.log(0.45), frames).astype(np.float32)

    assert not isinstance(words(np.where(frames > -1.0, np.log(0.6), frames).astype(np.float32)), Unsure)
    assert words(in_noise) == "volume up"
    assert isinstance(words(in_noise), Unsure)


WAKE_HIM = (*said("wake"), WORD_END, "HH", "IH", "M", WORD_END, *said("at six"))
TURN_HIM = (*said("turn"), WORD_END, "HH", "IH", "M", WORD_END, *said("down"))


def wake_him(doubt: float) -> str:
    """What is heard of "wake him at six" if "me" is by that less likely than "him", for each phoneme."""
    return words(heard(*WAKE_HIM, doubted={4: "M", 5: "IY", 6: BLANK}, doubt=doubt))


def test_a_command_that_is_hardly_likelier_than_what_people_say_to_one_another_is_unsure() -> None:
    assert not isinstance(wake_him(-2.0), Unsure)
    assert wake_him(-3.5) == "wake me at six"
    assert isinstance(wake_him(-3.5), Unsure)


def test_what_people_say_to_one_another_is_no_command_though_it_sounds_like_one() -> None:
    assert not understand(wake_him(-6.4))


def test_the_volume_is_changed_in_more_doubt_than_an_alarm_is_set() -> None:
    text = words(heard(*TURN_HIM, doubted={4: BLANK, 6: "T"}, doubt=-3.5))

    assert text == "turn it down"
    assert not isinstance(text, Unsure)


def test_the_network_hears_the_sound_with_less_reverberation() -> None:
    sound = np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2")
    network = Network(heard(*said("volume up")))
    PhonemeRecogniser(network, network).words(sound.tobytes())

    assert network.given == pytest.approx(dereverberated(sound.astype(np.float32) / np.float32(32_768)))


def test_a_snooze_without_its_n_is_one() -> None:
    assert words(heard("S", "UW", "Z")) == "snooze"


def test_a_missing_package_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hama", None)

    with pytest.raises(LocalServiceUnavailable, match="hama is not installed"):
        PhonemeRecogniser.load()


def confirmed(frames: Frames, in_rooms: Frames) -> bool:
    """Return whether what one network is unsure of is obeyed after the other was asked."""
    alone = PhonemeRecogniser(Network(frames), Network(heard(BLANK))).words(SPEECH)
    both = PhonemeRecogniser(Network(frames), Network(in_rooms)).words(SPEECH)
    assert isinstance(alone, Unsure)
    assert both == alone
    return not isinstance(both, Unsure)


def test_a_command_in_noise_is_sure_if_the_network_trained_for_rooms_is() -> None:
    clear, other = heard(*said("volume up")), heard(*said("volume down"))
    in_noise = np.where(clear > -1.0, np.log(0.45), clear).astype(np.float32)

    assert confirmed(in_noise, clear)
    assert not confirmed(in_noise, in_noise)
    assert not confirmed(in_noise, other)


def test_a_command_with_a_rival_is_sure_only_if_both_margins_are_twice_the_margin() -> None:
    sounds = said("set a timer for fifteen minutes")
    last_of_fifteen = sounds.index("N", sounds.index("IY"))
    doubtful, clearer, clear = (heard(*sounds, doubted={last_of_fifteen: BLANK}, doubt=each) for each in (-1, -4, -6))

    assert confirmed(doubtful, clear)
    assert not confirmed(doubtful, clearer)
    assert not confirmed(doubtful, doubtful)


def test_what_confirms_a_command_must_be_surer_of_it_than_the_first_network_need_be() -> None:
    doubtful, sure, surer = (
        heard(*WAKE_HIM, doubted={4: "M", 5: "IY", 6: BLANK}, doubt=doubt) for doubt in (-3.5, -3.0, -1.5)
    )

    assert not isinstance(words(sure), Unsure)
    assert not confirmed(doubtful, sure)
    assert confirmed(doubtful, surer)


def test_the_other_network_is_not_asked_about_a_sure_command() -> None:
    in_rooms = Network(heard(BLANK))
    text = PhonemeRecogniser(Network(heard(*said("volume up"))), in_rooms).words(SPEECH)

    assert not isinstance(text, Unsure)
    assert not hasattr(in_rooms, "given")
