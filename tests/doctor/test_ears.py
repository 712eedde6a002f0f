import pytest

from edgevoice.doctor import ears
from edgevoice.doctor.findings import Mark
from edgevoice.echo.record import EchoRecord
from edgevoice.errors import EchoUnavailable
from edgevoice.settings import Echo, Service, Settings, Wakeword
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
