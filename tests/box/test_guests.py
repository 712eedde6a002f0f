"""Guests are opened only if the settings want them, each from its own section, and none may end the box."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgevoice.box import guests
from edgevoice.box.assembly import Parts, assemble
from edgevoice.box.context import BoxContext
from edgevoice.box.running import observers_of, wants_guests
from edgevoice.control.client import Client
from edgevoice.control.place import ControlPlace
from edgevoice.core.facts import Event
from edgevoice.core.guest_facts import GuestFailed
from edgevoice.core.orders import MuteMicrophone
from edgevoice.core.panel_facts import MuteSwitched
from edgevoice.host.service_manager import ServiceManager
from edgevoice.integrations.guest import Guest
from edgevoice.integrations.metrics.file import NAME, MetricsFile
from edgevoice.integrations.mqtt.link import MqttLink
from edgevoice.integrations.music.ducking import MusicDucking
from edgevoice.panel.none import NoPanel
from edgevoice.realtime.endpoint import local
from edgevoice.settings.integrations import MetricsSettings, MqttSettings, MusicSettings
from edgevoice.settings.schema import Settings
from tests.waiting import LIMIT_S, eventually


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


CONTEXT = BoxContext(lambda: local(Path("/nowhere.sock"), nothing_to_prepare), wants_wakeword=False)
ALL = Settings(
    mqtt=MqttSettings(host="localhost"), music=MusicSettings(bus="system"), metrics=MetricsSettings(enabled=True)
)


def opened(settings: Settings, context: BoxContext) -> list[object]:
    """Return what runs inside the guests of a box."""
    return [type(guest._inside) for guest in guests_of(settings, context)[1]]


def guests_of(settings: Settings, context: BoxContext) -> tuple[Parts, Sequence[Guest]]:
    async def live() -> tuple[Parts, Sequence[Guest]]:
        parts = assemble(settings, context, NoPanel())
        observers = observers_of(settings, context, parts, ServiceManager())
        return parts, [observer for observer in observers if isinstance(observer, Guest)]

    return asyncio.run(live())


def test_nothing_is_opened_that_the_settings_do_not_want(tmp_path: Path) -> None:
    assert not wants_guests(Settings())
    assert opened(Settings(), replace(CONTEXT, environment={"XDG_RUNTIME_DIR": str(tmp_path)})) == []


def test_a_box_that_is_no_service_opens_nothing_to_the_outside() -> None:
    assert opened(ALL, CONTEXT) == []


def test_each_is_opened_from_its_own_section(tmp_path: Path) -> None:
    context = replace(CONTEXT, environment={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)})

    assert wants_guests(ALL)
    assert opened(ALL, context) == [MqttLink, MusicDucking, MetricsFile]


def test_the_metrics_are_read_of_the_parts(tmp_path: Path) -> None:
    context = replace(CONTEXT, environment={"XDG_RUNTIME_DIR": str(tmp_path)})
    _, (guest,) = guests_of(Settings(metrics=MetricsSettings(enabled=True)), context)
    assert isinstance(guest._inside, MetricsFile)

    guest._inside.write()

    text = (tmp_path / "edgevoice" / NAME).read_text()
    assert "edgevoice_xruns_total 0.0" in text
    assert 'edgevoice_dropped_total{queue="uplink_seconds"} 0.0' in text


def test_a_control_socket_that_is_opened_again_knows_that_the_microphone_is_muted(tmp_path: Path) -> None:
    async def scene() -> tuple[dict[str, Any], list[Event]]:
        folder = tmp_path / "socket"
        folder.write_text("a file in its way")
        context = replace(CONTEXT, control=ControlPlace(folder / "control.sock", None))
        parts = assemble(Settings(), context, NoPanel())
        observers = observers_of(Settings(), context, parts, ServiceManager())
        (guest,) = [each for each in observers if isinstance(each, Guest)]
        facts: list[Event] = []

        def report(fact: Event) -> None:
            facts.append(fact)
            for observer in observers:
                observer.observe(fact, 0.0)

        running = asyncio.ensure_future(guest.run(report))
        await eventually(lambda: bool(facts))
        for observer in observers:
            observer.observe(MuteMicrophone(), 0.0)
        folder.unlink()
        try:
            await eventually((folder / "control.sock").exists)
            async with Client(folder / "control.sock") as box:
                await box.mute()
                return await box.status(), facts
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    status, facts = asyncio.run(scene())

    assert status["muted"]
    assert [each["guest"] for each in status["failing"]] == ["control"]
    assert [type(each) for each in facts] == [GuestFailed, MuteSwitched]
    assert facts[-1] == MuteSwitched(is_muted=True)


@pytest.mark.parametrize("section", ["mqtt", "music", "metrics"])
def test_a_package_that_is_missing_is_logged_once_and_the_box_runs_without(
    section: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guests, "has", lambda _module: False)
    context = replace(CONTEXT, environment={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)})
    _, (guest,) = guests_of(Settings(**{section: getattr(ALL, section)}), context)

    asyncio.run(asyncio.wait_for(guest.run(lambda _fact: None), LIMIT_S))

    (record,) = caplog.records
    assert record.msg == "guest-off"
    assert "is not installed. Add it: " in record.__dict__["fields"]["problem"]


def test_a_password_that_is_not_stored_is_logged_once_and_the_box_runs_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(mqtt=MqttSettings(host="localhost", username="box"))
    _, (guest,) = guests_of(settings, replace(CONTEXT, environment={"HOME": str(tmp_path)}))

    asyncio.run(asyncio.wait_for(guest.run(lambda _fact: None), LIMIT_S))

    assert "mqtt_password" in caplog.records[-1].__dict__["fields"]["problem"]


def test_without_a_runtime_folder_the_box_runs_without_metrics() -> None:
    _, (guest,) = guests_of(Settings(metrics=MetricsSettings(enabled=True)), replace(CONTEXT, environment={}))

    assert guest._inside is None
    assert "no runtime folder" in str(guest._failure)
