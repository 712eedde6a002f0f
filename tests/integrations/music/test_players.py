"""Players on a real D-Bus, in processes of their own."""

import asyncio
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgevoice.integrations.music.players import BusUnavailable, Players, players_of
from tests.notes import note
from tests.private_bus import private_bus

PLAYER = Path(__file__).with_name("small_player.py")
PREFIX = "org.mpris.MediaPlayer2."


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """The address of a bus with two players: one that plays, one that does not."""
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        note("not judged: the tests with players on a D-Bus, because dbus-daemon is not installed")
        pytest.skip("dbus-daemon is not installed: apt install dbus-daemon")
    with private_bus(daemon, tmp_path, "DBUS_SESSION_BUS_ADDRESS") as start:
        start(sys.executable, str(PLAYER), "loud", "Playing", "0.8")
        start(sys.executable, str(PLAYER), "silent", "Paused", "0.5")
        yield f"unix:path={tmp_path}/bus"


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
