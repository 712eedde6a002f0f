"""Settings that change without a restart; a bad file changes nothing."""

import asyncio
import logging
from typing import Any

import pytest
from msgspec import structs

from edgevoice.box.live_settings import LiveSettings
from edgevoice.errors import SettingsInvalid
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from edgevoice.realtime.session import session_of
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.sound import SpeakerSettings
from tests.realtime import services
from tests.waiting import eventually

OLD = Settings(service=ServiceSettings(url="wss://voice.example/realtime", voice="Sarah", model="old"))


def reloaded(new: Settings, caplog: pytest.LogCaptureFixture) -> LiveSettings:
    live = LiveSettings(OLD, lambda: new)
    with caplog.at_level(logging.INFO, "edgevoice"):
        live.reload()
    return live


def test_another_voice_and_model_apply_from_the_next_session_on(caplog: pytest.LogCaptureFixture) -> None:
    new = structs.replace(OLD, service=structs.replace(OLD.service, voice="Mark", model="new"))

    live = reloaded(new, caplog)

    assert (live.service.voice, live.service.model) == ("Mark", "new")
    assert [record.msg for record in caplog.records] == ["settings-reloaded"]


def test_changes_that_need_a_restart_are_named_and_wait_for_it(caplog: pytest.LogCaptureFixture) -> None:
    service = structs.replace(OLD.service, url="wss://other.example/", voice="Mark")
    live = reloaded(Settings(service=service, speaker=SpeakerSettings(prefill_ms=200)), caplog)

    assert (live.service.url, live.service.voice) == (OLD.service.url, "Mark")
    record = caplog.records[-1]
    assert record.msg == "restart-needed"
    assert vars(record)["fields"] == {"changed": "speaker service.url"}


def test_a_bad_file_keeps_the_current_settings_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> Settings:
        raise SettingsInvalid("edgevoice.toml: service.voice: must be a text, not 7")

    live = LiveSettings(OLD, refuse)
    live.reload()

    assert live.service is OLD.service
    (record,) = caplog.records
    assert record.msg == "settings-kept"
    assert "service.voice" in vars(record)["fields"]["problem"]


def test_a_later_file_is_compared_with_the_current_settings(caplog: pytest.LogCaptureFixture) -> None:
    files = [structs.replace(OLD, service=structs.replace(OLD.service, voice=voice)) for voice in ("Mark", "Sarah")]
    live = LiveSettings(OLD, lambda: files.pop(0))
    live.reload()
    live.reload()

    assert live.service.voice == "Sarah"
    assert caplog.records == []


def test_the_remarks_on_a_reload_are_returned_and_put_into_the_status() -> None:
    files: list[Settings | None] = [structs.replace(OLD, speaker=SpeakerSettings(prefill_ms=200)), None, OLD]

    def read() -> Settings:
        if (new := files.pop(0)) is None:
            raise SettingsInvalid("edgevoice.toml: log.level is 7")
        return new

    remarks: list[str] = []
    live = LiveSettings(OLD, read, remark=remarks.append)

    returned = [live.reload() for _ in range(3)]

    assert returned == remarks
    assert returned[:2] == ["restart needed for speaker", "new settings refused: edgevoice.toml: log.level is 7"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "wss://other.example/"),
        ("dialect", "inworld"),
        ("auth", "basic"),
        ("key_file", "/run/key"),
        ("connect_s", 3.0),
        ("pong_s", 3.0),
    ],
)
def test_changes_of_the_service_to_dial_wait_for_a_restart(
    name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    new = structs.replace(OLD, service=structs.replace(OLD.service, **{name: value}))

    live = reloaded(new, caplog)

    assert live.service == OLD.service
    assert [(record.name, record.levelno, record.msg) for record in caplog.records] == [
        ("edgevoice.box.live_settings", logging.INFO, "settings-reloaded"),
        ("edgevoice.box.live_settings", logging.WARNING, "restart-needed"),
    ]
    assert [vars(record)["fields"] for record in caplog.records] == [
        {"from_the_next_session": "service"},
        {"changed": f"service.{name}"},
    ]


def test_pending_changes_are_named_together_until_they_are_reverted() -> None:
    changed = Settings(
        service=structs.replace(OLD.service, url="wss://other.example/", pong_s=3.0),
        speaker=SpeakerSettings(prefill_ms=200),
    )
    files = [changed, OLD]
    live = LiveSettings(OLD, lambda: files.pop(0))

    assert live.reload() == "restart needed for speaker, service.url, service.pong_s"
    assert live.reload() == ""


@pytest.mark.parametrize(
    ("setting", "place"),
    [("model", ("model",)), ("voice", ("audio", "output", "voice")), ("tts_model", ("audio", "output", "model"))],
)
def test_another_model_or_voice_changes_one_string_in_the_next_sessions_configuration(
    setting: str, place: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    # Neither of the two is a voice that understands steering tags.
    old = structs.replace(OLD, service=structs.replace(OLD.service, dialect="inworld", tts_model="inworld-tts-1.5-max"))
    new = structs.replace(old, service=structs.replace(old.service, **{setting: "another"}))
    live = LiveSettings(old, lambda: new)
    service = services.Service()

    async def scene() -> None:
        async with service.listening() as url:
            link = Link(lambda: Endpoint(url), lambda _word: session_of(live.service, ()), lambda _: None, connect_s=5)
            running = asyncio.create_task(link.run())
            for number in (1, 2):
                link.open()
                await eventually(lambda: len(service.talkers) == number and bool(service.talkers[-1].received))  # noqa: B023
                if number == 1:
                    live.reload()
                    assert len(service.talkers[0].received) == 1, "the session that is open goes on as it was"
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), timeout=10))

    before, after = (talker.received[0]["session"] for talker in service.talkers)
    assert value_at(after, place) == "another"
    for session in (before, after):
        value_at(session, place[:-1])[place[-1]] = "the one string"
    assert before == after


def value_at(session: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        session = session[name]
    return session
