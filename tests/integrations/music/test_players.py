"""Players on a real D-Bus, in processes of their own."""

import asyncio
import getpass
import logging
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from edgevoice.errors import can_pass
from edgevoice.integrations.music.players import BusRefused, BusUnavailable, Players, players_of
from tests.notes import note
from tests.private_bus import AS_ON_THE_SYSTEM_BUS, OPEN, private_bus

PLAYER = Path(__file__).with_name("small_player.py")
PREFIX = "org.mpris.MediaPlayer2."
RULE = Path(__file__).parents[3] / "systemd" / "edgevoice-dbus.conf"


@contextmanager
def bus_with_players(folder: Path, policy: str, *further: tuple[str, str, str]) -> Iterator[str]:
    """The address of a bus with two players, one that plays, one that does not; and with ``further``."""
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        note("not judged: the tests with players on a D-Bus, because dbus-daemon is not installed")
        pytest.skip("dbus-daemon is not installed: apt install dbus-daemon")
    with private_bus(daemon, folder, "DBUS_SESSION_BUS_ADDRESS", policy) as start:
        start(sys.executable, str(PLAYER), "loud", "Playing", "0.8")
        start(sys.executable, str(PLAYER), "silent", "Paused", "0.5")
        for each in further:
            start(sys.executable, str(PLAYER), *each)
        yield f"unix:path={folder}/bus"


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    with bus_with_players(tmp_path, OPEN) as address:
        yield address


def test_a_player_that_plays_is_found_read_and_set(bus: str) -> None:
    async def run() -> None:
        async with players_of(bus) as players:
            assert await players.playing() == {f"{PREFIX}loud": 0.8}
            await players.set_volume(f"{PREFIX}loud", 0.25)
            assert await players.volume(f"{PREFIX}loud") == 0.25
            assert await players.volume(f"{PREFIX}silent") == 0.5
            # Neither is there.
            assert await players.volume(f"{PREFIX}gone") is None
            await players.set_volume(f"{PREFIX}gone", 0.5)

    asyncio.run(run())


def test_by_the_installed_rule_the_system_bus_lets_the_box_turn_players_down_and_nothing_else(tmp_path: Path) -> None:
    rule = re.search(r"<policy user.*</policy>", RULE.read_text(), re.DOTALL)
    assert rule is not None

    async def stop(address: str) -> str | None:
        wire = await MessageBus(bus_address=address).connect()
        interface = "org.mpris.MediaPlayer2.Player"
        answer = await wire.call(
            Message(destination=f"{PREFIX}loud", path="/org/mpris/MediaPlayer2", interface=interface, member="Stop")
        )
        wire.disconnect()
        return answer.error_name

    async def run(address: str) -> None:
        async with players_of(address) as players:
            states = {f"{PREFIX}loud": "Playing", f"{PREFIX}phone": "Playing", f"{PREFIX}silent": "Paused"}
            assert await players.states() == states
            await players.set_volume(f"{PREFIX}loud", 0.25)
            await players.set_volume(f"{PREFIX}phone", 0.5)
            assert await players.playing() == {f"{PREFIX}loud": 0.25, f"{PREFIX}phone": 0.5}
        assert await stop(address) == "org.freedesktop.DBus.Error.AccessDenied"

    as_me = rule[0].replace('"edgevoice"', f'"{getpass.getuser()}"')
    with bus_with_players(tmp_path, AS_ON_THE_SYSTEM_BUS + as_me, ("phone", "Playing", "0.9")) as address:
        asyncio.run(run(address))


def test_what_a_bus_refuses_is_logged_once_with_the_player(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def run(address: str) -> None:
        async with players_of(address) as players:
            for _ in range(3):
                assert await players.playing() == {}
            assert await players.states() == {f"{PREFIX}loud": "", f"{PREFIX}silent": ""}
            await players.set_volume(f"{PREFIX}gone", 0.5)

    with bus_with_players(tmp_path, AS_ON_THE_SYSTEM_BUS) as address:
        asyncio.run(run(address))

    assert [record.msg for record in caplog.records] == ["music-refused"] * 2
    fields = [record.fields for record in caplog.records]  # type: ignore[attr-defined]  # what `tell` adds
    denied = "org.freedesktop.DBus.Error.AccessDenied"
    assert fields == [{"player": name, "what": "PlaybackStatus", "error": denied} for name in ("loud", "silent")]


def test_a_bus_that_the_box_may_not_use_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_bus: MessageBus) -> MessageBus:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(MessageBus, "connect", refuse)

    async def connect() -> None:
        async with players_of("unix:path=/run/user/1000/bus"):
            """Never open."""

    with pytest.raises(BusRefused, match="may not use the bus unix:path=/run/user/1000/bus") as refused:
        asyncio.run(connect())
    assert not can_pass(refused.value)
    assert 'music.bus = "system"' in refused.value.line()


def test_a_bus_that_is_not_there_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)

    async def connect(bus: str) -> Players:
        async with players_of(bus) as players:
            return players

    for bus in (f"unix:path={tmp_path}/none", "session", "unix:nonsense"):
        with pytest.raises(BusUnavailable, match="cannot be reached") as refused:
            asyncio.run(connect(bus))
        assert "music.bus" in refused.value.line()
