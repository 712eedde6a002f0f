"""Players are lowered while the box needs silence, and always brought back."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, RingingBegan, RingingEnded
from edgevoice.core.orders import Light, ShowLight
from edgevoice.integrations.music.ducking import NAME, MusicDucking
from tests import virtual_time

BEGINS, ENDS = PhaseEntered(Phase.LISTENING), PhaseEntered(Phase.IDLE)


class Players:
    """Players that are only turned up and down; ``paused`` are those that do not play."""

    def __init__(self, **volumes: float) -> None:
        self.volumes = volumes
        self.paused: set[str] = set()
        self.set: list[tuple[str, float]] = []

    async def playing(self) -> dict[str, float]:
        return {name: volume for name, volume in self.volumes.items() if name not in self.paused and volume}

    async def volume(self, name: str) -> float | None:
        return self.volumes.get(name)

    async def set_volume(self, name: str, volume: float) -> None:
        self.volumes[name] = volume
        self.set.append((name, volume))

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Players"]:
        yield self


class Room:
    """A box beside players."""

    def __init__(self, folder: Path, players: Players) -> None:
        self.players = players
        self.file = folder / NAME
        self.ducking = MusicDucking(players.connect, 20, self.file)

    def see(self, *notices: Notice) -> None:
        for notice in notices:
            self.ducking.observe(notice, 0.0)

    def live(self, scene: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            running = asyncio.ensure_future(self.ducking.run(lambda _fact: None))
            await asyncio.sleep(0.1)
            try:
                await scene()
                assert not running.done(), running
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        virtual_time.run(run())


def test_what_plays_is_lowered_at_once_and_comes_back_a_moment_after_the_conversation(tmp_path: Path) -> None:
    room = Room(tmp_path, Players(spotify=0.8, radio=0.5))
    room.players.paused.add("radio")

    async def scene() -> None:
        room.see(PhaseEntered(Phase.CONNECTING))
        await asyncio.sleep(0.01)
        assert room.players.volumes == pytest.approx({"spotify": 0.16, "radio": 0.5})
        room.see(BEGINS, AudioReceived("r", "i", b""), PhaseEntered(Phase.SPEAKING), ENDS)
        await asyncio.sleep(0.3)
        assert room.players.volumes["spotify"] == pytest.approx(0.16)
        await asyncio.sleep(0.5)
        assert room.players.volumes == {"spotify": 0.8, "radio": 0.5}

    room.live(scene)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(RingingBegan(), RingingEnded()), (ShowLight(Light.ANNOUNCING), ShowLight(Light.IDLE))],
)
def test_it_is_lowered_for_a_ring_and_an_announcement(tmp_path: Path, begins: Notice, ends: Notice) -> None:
    room = Room(tmp_path, Players(spotify=1.0))

    async def scene() -> None:
        room.see(begins)
        await asyncio.sleep(0.1)
        assert room.players.volumes["spotify"] == pytest.approx(0.2)
        room.see(ends)
        await asyncio.sleep(1)
        assert room.players.volumes["spotify"] == 1.0

    room.live(scene)


def test_between_two_conversations_the_music_does_not_pump(tmp_path: Path) -> None:
    room = Room(tmp_path, Players(spotify=1.0))

    async def scene() -> None:
        room.see(BEGINS)
        await asyncio.sleep(1)
        room.see(ENDS)
        await asyncio.sleep(0.3)
        room.see(BEGINS)
        await asyncio.sleep(1)

    room.live(scene)
    assert room.players.set == [("spotify", pytest.approx(0.2)), ("spotify", 1.0)]


def test_a_player_that_begins_meanwhile_is_lowered_too(tmp_path: Path) -> None:
    room = Room(tmp_path, Players())

    async def scene() -> None:
        room.see(BEGINS)
        await asyncio.sleep(0.5)
        room.players.volumes["radio"] = 0.5
        await asyncio.sleep(1)
        assert room.players.volumes["radio"] == pytest.approx(0.1)

    room.live(scene)
    assert room.players.volumes["radio"] == 0.5, "a box that is stopped brings it back"


def test_a_volume_that_somebody_changed_meanwhile_is_theirs(tmp_path: Path) -> None:
    room = Room(tmp_path, Players(spotify=1.0, radio=1.0))

    async def scene() -> None:
        room.see(BEGINS)
        await asyncio.sleep(0.1)
        room.players.volumes["spotify"] = 0.6
        del room.players.volumes["radio"]
        room.see(ENDS)
        await asyncio.sleep(1)

    room.live(scene)
    assert room.players.volumes == {"spotify": 0.6}


@pytest.mark.parametrize(("taken", "afterwards"), [(0.1875, 0.8), (0.125, 0.8), (0.5, 0.5)])
def test_a_player_that_rounds_its_volume_comes_back_all_the_same(
    tmp_path: Path, taken: float, afterwards: float
) -> None:
    room = Room(tmp_path, Players(phone=0.8))

    async def scene() -> None:
        room.see(BEGINS)
        await asyncio.sleep(0.5)
        room.players.volumes["phone"] = taken  # for 0.16; or somebody else's change
        await asyncio.sleep(3)
        room.see(ENDS)
        await asyncio.sleep(1)

    room.live(scene)
    assert room.players.volumes == {"phone": afterwards}


def test_a_box_that_was_killed_brings_the_music_back_when_it_starts_again(tmp_path: Path) -> None:
    killed = Room(tmp_path, Players(spotify=0.9))

    async def scene() -> None:
        killed.see(BEGINS)
        await asyncio.sleep(0.1)
        kept = killed.file.read_bytes()
        again = Room(tmp_path, Players(spotify=killed.players.volumes["spotify"], other=0.5))
        again.file.write_bytes(kept)
        running = asyncio.ensure_future(again.ducking.run(lambda _fact: None))
        await asyncio.sleep(0.1)
        assert again.players.volumes == {"spotify": 0.9, "other": 0.5}
        assert not again.file.exists()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    killed.live(scene)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"[1]", json.dumps({"x": [99, 1]}).encode(), b'{"\xff": [1, 1]}'])
def test_a_damaged_file_changes_no_volume(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    room = Room(tmp_path, Players(x=1.0))

    async def scene() -> None:
        await asyncio.sleep(1)

    room.live(scene)
    assert room.players.set == []


def test_a_disk_that_cannot_be_written_costs_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path, Players(spotify=1.0))
    room.ducking._file = Path("/dev/null/music.json")

    async def scene() -> None:
        room.see(BEGINS)
        await asyncio.sleep(0.1)
        assert room.players.volumes["spotify"] == pytest.approx(0.2)

    room.live(scene)
    assert room.players.volumes["spotify"] == 1.0
    assert "music-not-kept" in [record.msg for record in caplog.records]
