"""What changes without a restart, and that a bad file changes nothing."""

import logging

import pytest
from msgspec import structs

from edgevoice.errors import SettingsInvalid
from edgevoice.live_settings import LiveSettings
from edgevoice.settings import Service, Settings, Speaker

OLD = Settings(service=Service(url="wss://voice.example/realtime", voice="Sarah", model="old"))


def reloaded(new: Settings, caplog: pytest.LogCaptureFixture) -> LiveSettings:
    live = LiveSettings(OLD, lambda: new)
    with caplog.at_level(logging.INFO, "edgevoice"):
        live.reload()
    return live


def test_another_voice_and_model_hold_from_the_next_session_on(caplog: pytest.LogCaptureFixture) -> None:
    new = structs.replace(OLD, service=structs.replace(OLD.service, voice="Mark", model="new"))

    live = reloaded(new, caplog)

    assert (live.service.voice, live.service.model) == ("Mark", "new")
    assert [record.message for record in caplog.records] == ["settings-reloaded"]


def test_what_needs_a_restart_is_named_and_waits_for_it(caplog: pytest.LogCaptureFixture) -> None:
    service = structs.replace(OLD.service, url="wss://other.example/", voice="Mark")
    live = reloaded(Settings(service=service, speaker=Speaker(prefill_ms=200)), caplog)

    assert (live.service.url, live.service.voice) == (OLD.service.url, "Mark")
    record = caplog.records[-1]
    assert record.message == "restart-needed"
    assert vars(record)["fields"] == {"changed": "speaker service.url"}


def test_a_bad_file_keeps_what_holds_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> Settings:
        raise SettingsInvalid("edgevoice.toml: service.voice: must be a text, not 7")

    live = LiveSettings(OLD, refuse)
    live.reload()

    assert live.service is OLD.service
    (record,) = caplog.records
    assert record.message == "settings-kept"
    assert "service.voice" in vars(record)["fields"]["problem"]


def test_a_later_file_is_compared_with_what_holds_now(caplog: pytest.LogCaptureFixture) -> None:
    files = [structs.replace(OLD, service=structs.replace(OLD.service, voice=voice)) for voice in ("Mark", "Sarah")]
    live = LiveSettings(OLD, lambda: files.pop(0))
    live.reload()
    live.reload()

    assert live.service.voice == "Sarah"
    assert caplog.records == []
