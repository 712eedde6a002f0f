"""The control socket of a real box reaches its parts, and costs nothing where there is none."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from edgevoice.box import owner_requests
from edgevoice.box.assembly import assemble
from edgevoice.box.context import BoxContext, Storage, context_of
from edgevoice.box.control import handles_of
from edgevoice.box.presses import Presses
from edgevoice.box.running import observers_of, reload_of
from edgevoice.box.tool_files import ToolFiles
from edgevoice.control.client import Client
from edgevoice.control.messages import Examine
from edgevoice.control.place import ControlPlace
from edgevoice.core.ports import Panel
from edgevoice.errors import ControlRefused
from edgevoice.host.credentials import Key
from edgevoice.host.service_manager import ServiceManager
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.guest import Guest
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lights import Lights
from edgevoice.panel.none import NoPanel
from edgevoice.realtime.endpoint import local
from edgevoice.settings.alarms import QuietHoursSettings
from edgevoice.settings.integrations import ControlSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from edgevoice.wall_clock import local_now
from tests.waiting import eventually


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


CONTEXT = BoxContext(lambda: local(Path("/nowhere.sock"), nothing_to_prepare))
ELSEWHERE = ServiceSettings(url="wss://example.org/realtime")


@pytest.mark.parametrize("wants_wakeword", [True, False])
def test_what_a_program_asks_for_reaches_the_parts_of_the_box(tmp_path: Path, *, wants_wakeword: bool) -> None:
    place = ControlPlace(tmp_path / "control.sock", None)

    async def live() -> None:
        context = replace(CONTEXT, control=place, wants_wakeword=wants_wakeword)
        parts = assemble(Settings(), context, NoPanel())
        observers = observers_of(Settings(), context, parts, ServiceManager())
        guest = observers[-1]
        assert isinstance(guest, Guest)
        parts.engine.add_observers(observers)
        parts.engine.start()
        running = asyncio.ensure_future(guest.run(parts.mailbox.report))
        await eventually(place.path.exists)
        try:
            await talk_to(Client(place.path), wants_wakeword=wants_wakeword)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            parts.engine.stop()
        assert parts.speaker.volume_percent == 10

    async def talk_to(client: Client, *, wants_wakeword: bool) -> None:
        async with client as box:
            await box.volume(percent=10)
            assert await box.reload() == ""
            with pytest.raises(ControlRefused, match="hey_jarvis" if wants_wakeword else "there are: none"):
                await box.wake("computer")
            await box.timers("set_timer", seconds=600, label="pasta")
            listed = await box.timers()
            assert [(timer["label"], timer["set_for_seconds"]) for timer in listed["timers"]] == [("pasta", 600)]
            with pytest.raises(ControlRefused, match="seconds") as refused:
                await box.timers("set_timer", seconds=-1)
            assert refused.value.reason == "bad-request"
            with pytest.raises(ControlRefused, match="nothing has rung") as refused:
                await box.timers("snooze")
            assert refused.value.reason == "not-possible"
            # A wrong name must not mean "all of them".
            with pytest.raises(
                ControlRefused, match='no argument "number"; cancel_timers takes seconds, label, everything'
            ):
                await box.timers("cancel_timers", number=3)
            with pytest.raises(ControlRefused, match='no argument "label"; list_timers takes no arguments'):
                await box.timers("list", label="pasta")
            assert (await box.timers("cancel_timers", label="pasta"))["result"]["cancelled"] == 1
            await box.mute()
            assert (await box.status())["muted"]
            with pytest.raises(ControlRefused) as refused:
                await box.wake()
            assert refused.value.reason == "muted"

    asyncio.run(live())


@pytest.mark.parametrize("is_enabled", [True, False])
def test_there_is_a_socket_where_there_is_a_runtime_folder_unless_it_is_disabled(
    tmp_path: Path, *, is_enabled: bool
) -> None:
    environment = {
        "STATE_DIRECTORY": str(tmp_path / "state"),
        "CACHE_DIRECTORY": str(tmp_path / "cache"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
    }
    settings = Settings(service=ELSEWHERE, control=ControlSettings(enabled=is_enabled))

    async def live() -> ControlPlace | None:
        async with context_of(settings, Key("secret", source="a test"), environment) as context:
            return context.control

    expected = ControlPlace(tmp_path / "run" / "edgevoice" / "control.sock", None)
    assert asyncio.run(live()) == (expected if is_enabled else None)


def test_the_doctor_is_asked_about_the_settings_file_of_the_box(tmp_path: Path) -> None:
    asked: list[str] = []

    async def examined(command: Sequence[str]) -> dict[str, object]:
        asked.extend(command)
        return {}

    async def live(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner_requests, "_examined", examined)
        context = replace(CONTEXT, wants_wakeword=False, storage=Storage(settings_file=tmp_path / "mine.toml"))
        parts = assemble(Settings(), context, NoPanel())
        presses = Presses(parts.mailbox.post, parts.mailbox.call)
        owner = handles_of(Settings(), context, parts, lambda: "", presses).for_owner
        assert owner is not None
        await owner(Examine())

    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(live(patch))

    assert asked[-2:] == ["--config", str(tmp_path / "mine.toml")]


def test_a_reload_without_settings_of_its_own_reads_the_tools_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ToolFiles] = []
    monkeypatch.setattr(ToolFiles, "reload", lambda files: read.append(files))  # noqa: PLW0108 - bound as a method

    assert reload_of(CONTEXT, ServiceManager())() == ""
    assert len(read) == 1


def test_quiet_hours_of_the_settings_are_kept(tmp_path: Path) -> None:
    place = ControlPlace(tmp_path / "control.sock", None)
    now = local_now()
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    settings = Settings(quiet=QuietHoursSettings(begin=f"{begin:%H:%M}", end=f"{end:%H:%M}"))

    async def live() -> None:
        context = replace(CONTEXT, control=place, wants_wakeword=False)
        parts = assemble(settings, context, NoPanel())
        guest = observers_of(settings, context, parts, ServiceManager())[-1]
        running = asyncio.ensure_future(guest.run(parts.mailbox.report))
        await eventually(place.path.exists)
        try:
            async with Client(place.path) as box:
                with pytest.raises(ControlRefused, match="quiet hours"):
                    await box.announce(sound=bytes(4))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())


def test_lights_that_can_be_dimmed_and_boxes_that_can_only_be_heard_are_known(tmp_path: Path) -> None:
    async def live(panel: Panel) -> BoxHandles:
        context = replace(CONTEXT, wants_wakeword=False)
        parts = assemble(Settings(), context, panel)
        return handles_of(Settings(), context, parts, lambda: "", Presses(parts.mailbox.post, parts.mailbox.call))

    lights = Lights([])
    lit, heard, both = (asyncio.run(live(panel)) for panel in (lights, HeardPanel(), HeardPanel(lights)))
    lights.close()

    assert (lit.lights, lit.is_heard_only) == (lights, False)
    assert (heard.lights, heard.is_heard_only) == (None, True)
    assert (both.lights, both.is_heard_only) == (lights, False)
