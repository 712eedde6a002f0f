import importlib.util
from pathlib import Path
from typing import Literal

import pytest

from edgevoice.doctor import configuration
from edgevoice.doctor.findings import FindingStatus
from edgevoice.echo.record import EchoRecord
from edgevoice.errors import EchoUnavailable
from edgevoice.host.credentials import Key
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.sound import EchoSettings
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.wakeword.models.front_end import PartsUnavailable
from edgevoice.wakeword.models.present import words_present

RECORD = EchoRecord(
    tier="linear", microphone="default", speaker="default", delay_ms=1, measured_at="2026-11-22T10:00:00+00:00"
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_the_bundled_models_are_listed_with_their_licence(cache: Path) -> None:
    finding = configuration.examine_words(Settings(), cache)

    assert finding.mark is FindingStatus.FINE
    assert finding.text == "hey_jarvis (CC BY-NC-SA 4.0, not for commercial use)"


def test_a_word_with_many_false_wakes_is_named_until_its_threshold_is_raised(cache: Path) -> None:
    def text(threshold: float) -> str:
        chosen = WakewordSettings(model="alexa", threshold=threshold, sure_threshold=0.98)
        return configuration.examine_words(Settings(wakeword=chosen), cache).text

    assert "; alexa at 0.5 often wakes falsely: docs/wake-word.md has a better threshold" in text(0.5)
    assert "falsely" not in text(0.98)


def test_a_missing_word_keeps_its_code(cache: Path) -> None:
    assert (
        configuration.examine_words(Settings(wakeword=WakewordSettings(model="nobody")), cache).code
        == "wakeword-unavailable"
    )


@pytest.mark.parametrize("engine", ["streaming", "openwakeword"])
def test_a_model_the_daemon_would_refuse_is_refused_with_what_was_expected(
    tmp_path: Path, cache: Path, engine: Literal["streaming", "openwakeword"]
) -> None:
    model = tmp_path / "wrong.onnx"
    model.write_text("This is a letter to my aunt.")

    finding = configuration.examine_words(Settings(wakeword=WakewordSettings(model=str(model), engine=engine)), cache)

    assert finding.mark is FindingStatus.WRONG
    assert finding.code == "wakeword-unavailable"
    assert finding.text.startswith(f"{model} cannot be loaded: it is not an ONNX file")


def test_a_box_without_the_kernel_listens_as_well_with_more_memory_and_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(configuration, "kernel_in", lambda _folder: None)

    finding = configuration.examine_words(Settings(), cache)

    assert finding.mark is FindingStatus.FINE
    assert "; computed by onnxruntime: the kernel, which needs 35 MB less, was not compiled here" in finding.text


def test_a_box_that_must_use_the_slower_engine_deserves_attention(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def fail(_folder: Path) -> None:
        raise PartsUnavailable("the package onnx is not installed")

    monkeypatch.setattr("edgevoice.wakeword.engine.kernel_in", lambda _folder: None)
    monkeypatch.setattr("edgevoice.wakeword.engine.parts_of", fail)

    finding = configuration.examine_words(Settings(), cache)

    assert finding.mark is FindingStatus.DOUBTFUL
    assert "eight times the CPU cost" in finding.text


def test_a_model_that_only_the_owner_can_read_keeps_the_box_from_starting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path
) -> None:
    model = tmp_path / "computer.onnx"
    model.write_bytes(words_present()["alexa"].read_bytes())
    monkeypatch.setattr("edgevoice.wakeword.models.present._HOMES", (str(tmp_path),))
    first = Settings(wakeword=WakewordSettings(model=str(model)))
    second = Settings(wakeword=WakewordSettings(words={"computer": {"model": str(model)}}))

    assert configuration.examine_words(first, cache).mark is FindingStatus.FINE
    for settings, name in ((first, "wakeword.model"), (second, "wakeword.words.computer")):
        finding = configuration.examine_words(settings, cache, hides_homes=True)
        assert finding.mark is FindingStatus.WRONG
        assert finding.text == f"{name} is {model}; the service cannot read home folders"
        assert "/etc/edgevoice" in finding.remedy
        assert name in finding.remedy


def test_a_doctor_run_from_a_home_folder_ignores_its_own_models(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr("edgevoice.wakeword.models.present._HOMES", (str(words_present()["alexa"].resolve().parent),))

    assert configuration.examine_words(Settings(), cache, hides_homes=True).mark is FindingStatus.FINE


def test_the_echo_tier_is_reported_with_its_source() -> None:
    assert configuration.examine_echo(Settings(), None).mark is FindingStatus.DOUBTFUL
    assert "edgevoice doctor --echo" in configuration.examine_echo(Settings(), None).remedy
    assert configuration.examine_echo(Settings(), RECORD).text == "tier linear, measured 2026-11-22"
    assert (
        configuration.examine_echo(Settings(echo=EchoSettings(tier="hardware")), None).text
        == "tier hardware, chosen in the settings"
    )


def test_an_echo_tier_whose_library_is_missing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise EchoUnavailable("libspeexdsp is not installed")

    monkeypatch.setattr(configuration, "_CANCELLERS", {"linear": (missing,)})

    assert configuration.examine_echo(Settings(), RECORD).code == "echo-unavailable"


def test_a_key_is_described_by_its_source_and_never_shown() -> None:
    finding = configuration.judge_key(Key("secret-secret", source="EDGEVOICE_API_KEY"), Settings())

    assert finding.text == "from EDGEVOICE_API_KEY"
    assert configuration.judge_key(None, Settings()).mark is FindingStatus.DOUBTFUL
    assert configuration.judge_key(None, Settings(service=ServiceSettings(url="local"))).mark is FindingStatus.FINE
    assert (
        configuration.judge_key(None, Settings(service=ServiceSettings(url="wss://example.org"))).mark
        is FindingStatus.DOUBTFUL
    )
    assert "sudo scripts/setup --key-file" in configuration.judge_key(None, Settings()).remedy


def test_settings_given_with_their_default_value_do_not_count_as_changed(tmp_path: Path) -> None:
    file = tmp_path / "edgevoice.toml"
    file.write_text(f"[speaker]\nvolume_percent = {Settings().speaker.volume_percent}\n[echo]\ntier = 'none'\n")

    finding = configuration.judge_settings(load(file, {}))

    assert finding.text == f"{file}, 1 changed"
    assert finding.figures == {"changed": 1}


def test_missing_parts_of_the_library_engine_are_reported_before_the_box_fails(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """As scripts/setup installs it, which leaves scikit-learn and scipy out."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else found(name))

    finding = configuration.examine_words(Settings(wakeword=WakewordSettings(engine="openwakeword")), cache)

    assert finding.mark is FindingStatus.WRONG
    assert finding.text == "the engine openwakeword needs sklearn: not installed"
    assert configuration.examine_words(Settings(), cache).mark is FindingStatus.FINE


def test_the_engine_for_commercial_use_needs_no_onnxruntime_and_shows_its_licence(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name))

    finding = configuration.examine_words(Settings(wakeword=WakewordSettings(engine="microwakeword")), cache)

    assert finding.text == "hey_jarvis (Apache-2.0)"
    assert configuration.examine_words(Settings(), cache).mark is FindingStatus.FINE, "the kernel computes it"
    monkeypatch.setattr(configuration, "kernel_in", lambda _folder: None)
    assert configuration.examine_words(Settings(), cache).mark is FindingStatus.WRONG
