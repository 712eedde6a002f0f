"""Several wake words from the settings: each with its own model, thresholds and way of answering."""

from pathlib import Path
from typing import Any

import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.settings.agreement import disagreements
from edgevoice.settings.file import SettingsRefused, load
from edgevoice.settings.schema import Settings
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.words import WakeWord, wake_words

FIELDS = "model, threshold, sure_threshold, voice, instructions, persona"
MODEL = "a text: the name of a word, or a path that begins with / or ~/"


def complaints(**words: Any) -> list[str]:
    return [each.text for each in disagreements(Settings(wakeword=WakewordSettings(words=words)))]


def test_by_default_there_is_one_word_with_the_default_thresholds() -> None:
    usual = WakewordSettings(witness="off", threshold=0.4, sure_threshold=0.7, refractory_s=1.0, speaking_threshold=0.6)

    assert wake_words(usual) == (WakeWord("hey_jarvis", words_present()["hey_jarvis"], Thresholds(0.4, 0.7, 1.0, 0.6)),)


def test_further_words_override_individual_settings_and_share_the_rest(tmp_path: Path) -> None:
    own = tmp_path / "my_model_v2.onnx"
    own.touch()
    settings = WakewordSettings(
        words={
            "alexa": {"threshold": 0.6, "voice": "Dennis"},
            "computer": {"model": str(own), "sure_threshold": 0.9, "instructions": "Speak as a ship's computer."},
        }
    )

    first, alexa, computer = wake_words(settings)

    assert (first.name, first.voice, first.instructions) == ("hey_jarvis", None, None)
    assert (alexa.model, alexa.thresholds, alexa.voice) == (
        words_present()["alexa"],
        Thresholds(0.6, 0.8, 2.0, 0.6),
        "Dennis",
    )
    assert (computer.name, computer.model, computer.thresholds.sure) == ("computer", own, 0.9)
    assert computer.instructions == "Speak as a ship's computer."


def test_the_first_word_may_override_settings_too() -> None:
    (first,) = wake_words(WakewordSettings(words={"hey_jarvis": {"voice": "Olivia", "threshold": 0.3}}))

    assert (first.voice, first.thresholds.threshold) == ("Olivia", 0.3)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"computer": {}}, 'wakeword.words.computer is "computer"; present: alexa'),
        (
            {"computer": {"model": "/nowhere/x.onnx"}},
            "wakeword.words.computer is /nowhere/x.onnx; there is no such file",
        ),
        ({"hey_jarvis": {"model": "alexa"}}, "the model of hey_jarvis is set both in wakeword.model and in"),
        ({"jarvis": {"model": "hey_jarvis"}}, "the wake words hey_jarvis and jarvis have the same model"),
    ],
)
def test_invalid_lists_of_words_are_refused(words: dict[str, Any], complaint: str) -> None:
    with pytest.raises(WakeWordUnavailable, match=complaint):
        wake_words(WakewordSettings(words=words))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"alexa": 0.5}, "wakeword.words.alexa must be a table, written [wakeword.words.alexa]"),
        (
            {"alexa": {"treshold": 0.5}},
            f"wakeword.words.alexa contains treshold; it takes {FIELDS}",
        ),
        (
            {"alexa": {"a b": 0.5}},
            f"wakeword.words.alexa contains something; it takes {FIELDS}",
        ),
        (
            {"alexa": {"threshold": 7}},
            "wakeword.words.alexa.threshold is wrong; it must be a number between 0.05 and 0.99",
        ),
        (
            {"alexa": {"sure_threshold": True}},
            "wakeword.words.alexa.sure_threshold is wrong; it must be a number between 0.05 and 1",
        ),
        ({"alexa": {"voice": ""}}, "wakeword.words.alexa.voice is wrong; it must be a text that is not empty"),
        (
            {"alexa": {"model": 3}},
            f"wakeword.words.alexa.model is wrong; it must be {MODEL}",
        ),
        ({"alexa": {"instructions": 3}}, "wakeword.words.alexa.instructions is wrong; it must be a text"),
        (
            {"alexa": {"persona": "Pirate!"}},
            'wakeword.words.alexa.persona is wrong; it must be the name of a persona, such as "pirate"',
        ),
        (
            {"alexa": {"persona": "pirate"}},
            "the word alexa has the persona pirate, but personas.enabled is false; set it to true",
        ),
        (
            {"a\nb": {}},
            "wakeword.words has a name over 40 characters, or with characters other than letters, digits, - and _",
        ),
        (
            {"alexa": {"threshold": 0.9}},
            "for the word alexa the sure_threshold is 0.8; it must be at least its threshold, 0.9",
        ),
        (
            {"alexa": {"sure_threshold": 0.4}},
            "for the word alexa the sure_threshold is 0.4; it must be at least its threshold, 0.5",
        ),
        ({"alexa": {"sure_threshold": 0.4, "threshold": 0.4}}, None),
        ({"alexa": {"voice": "Dennis"}}, None),
    ],
)
def test_an_invalid_word_is_reported_by_its_position_and_the_expected_value(
    words: dict[str, Any], complaint: str | None
) -> None:
    assert complaints(**words) == ([] if complaint is None else [complaint])


def test_in_the_settings_file_words_are_tables_and_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_text('[wakeword]\nmodel = "alexa"\n[wakeword.words.hey_mycroft]\nthreshold = 0.4\nvoice = "Dennis"\n')
    assert [word.name for word in wake_words(load(file, {}).settings.wakeword)] == ["alexa", "hey_mycroft"]

    file.write_text("[wakeword.words.one]\nthreshold = 2\n[wakeword.words.two]\nvoice = 3\n")
    with pytest.raises(SettingsRefused) as refused:
        load(file, {})
    assert [fault.split(" is ")[0] for fault in refused.value.faults] == [
        "edgevoice.toml: wakeword.words.one.threshold",
        "edgevoice.toml: wakeword.words.two.voice",
    ]


def test_the_words_in_the_settings_use_the_selected_engines_models() -> None:
    settings = WakewordSettings(engine="microwakeword", words={"okay_nabu": {}})

    assert [word.model.name for word in wake_words(settings)] == ["hey_jarvis.json", "okay_nabu.json"]
    assert {word.scale for word in wake_words(settings)} == {"microwakeword"}


def test_a_word_that_both_makers_provide_has_a_witness_unless_the_settings_disable_it(tmp_path: Path) -> None:
    own = tmp_path / "alexa.onnx"
    own.write_bytes(words_present()["alexa"].read_bytes())

    def made(**settings: Any) -> WakeWord:
        return wake_words(WakewordSettings(**settings))[0]

    usual = made()
    assert usual.witness == words_present("microwakeword")["hey_jarvis"]
    assert usual.scale == "two makers and phonemes"
    for alone in (made(witness="off"), made(engine="openwakeword"), made(model=str(own)), made(model="hey_marvin")):
        assert (alone.witness, alone.scale) == (None, "openwakeword")
    assert made(engine="microwakeword").witness is None
