import importlib.util
from pathlib import Path

import pytest

from edgevoice.doctor import ears
from edgevoice.doctor.findings import Mark
from edgevoice.echo.record import EchoRecord
from edgevoice.errors import EchoUnavailable
from edgevoice.settings import Echo, Service, Settings, Wakeword
from edgevoice.settings_file import load
from edgevoice.system.credentials import Key

RECORD = EchoRecord(
    tier="linear", microphone="default", speaker="default", delay_ms=1, measured_at="2026-11-22T10:00:00+00:00"
)


def test_the_models_that_come_along_are_told_with_their_licence() -> None:
    finding = ears.examine_words(Settings())

    assert finding.mark is Mark.FINE
    assert finding.text == "hey_jarvis (CC BY-NC-SA 4.0, not for commercial use)"


def test_a_word_that_is_not_there_keeps_its_code() -> None:
    assert ears.examine_words(Settings(wakeword=Wakeword(model="nobody"))).code == "wakeword-unavailable"


def test_the_echo_tier_is_told_with_where_it_comes_from() -> None:
    assert ears.examine_echo(Settings(), None).mark is Mark.DOUBTFUL
    assert "edgevoice doctor --echo" in ears.examine_echo(Settings(), None).remedy
    assert ears.examine_echo(Settings(), RECORD).text == "tier linear, measured 2026-11-22"
    assert ears.examine_echo(Settings(echo=Echo(tier="hardware")), None).text == "tier hardware: the settings say so"


def test_an_echo_tier_whose_library_is_missing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise EchoUnavailable("libspeexdsp is not installed")

    monkeypatch.setattr(ears, "_CANCELLERS", {"linear": (missing,)})

    assert ears.examine_echo(Settings(), RECORD).code == "echo-unavailable"


def test_a_key_is_told_by_where_it_is_from_and_never_shown() -> None:
    finding = ears.judge_key(Key("secret-secret", source="EDGEVOICE_API_KEY"), Settings())

    assert finding.text == "from EDGEVOICE_API_KEY"
    assert ears.judge_key(None, Settings()).mark is Mark.DOUBTFUL
    assert ears.judge_key(None, Settings(service=Service(url="local"))).mark is Mark.FINE
    assert ears.judge_key(None, Settings(service=Service(url="wss://example.org"))).mark is Mark.DOUBTFUL
    assert "sudo scripts/setup --key-file" in ears.judge_key(None, Settings()).remedy


def test_settings_that_a_file_names_with_their_defaults_are_not_called_changed(tmp_path: Path) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_text(f"[speaker]\nvolume_percent = {Settings().speaker.volume_percent}\n[echo]\ntier = 'none'\n")

    finding = ears.judge_settings(load(file, {}))

    assert finding.text == f"{file}, 1 changed"
    assert finding.figures == {"changed": 1}


def test_the_librarys_own_engine_without_what_it_takes_is_told_before_the_box_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As scripts/setup installs it, which leaves scikit-learn and scipy out."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else found(name))

    finding = ears.examine_words(Settings(wakeword=Wakeword(engine="openwakeword")))

    assert finding.mark is Mark.WRONG
    assert finding.text == "the engine openwakeword needs sklearn: not installed"
    assert ears.examine_words(Settings()).mark is Mark.FINE
