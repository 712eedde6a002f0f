"""The spoken names of what rings: made when it is set, kept, given to the speaker in time."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box import ring_names, spoken
from edgevoice.box.ring_names import RingNames
from edgevoice.core.announcements import Announcement, AnnouncementDue, Priority
from edgevoice.core.facts import Event
from tests.waiting import eventually


class Desk:
    """A speaker, a mailbox and a voice for the names."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, has_voice: bool = True) -> None:
        self.folder = folder
        self.clips: dict[str, int] = {}
        self.reported: list[Event] = []
        self.made: list[list[str]] = []
        self.complaint = ""
        self.loud = asyncio.Event()
        monkeypatch.setattr(spoken, "has_voice", lambda: has_voice)
        monkeypatch.setattr(spoken, "synthesise", self._synthesise)
        monkeypatch.setattr(ring_names, "_TOGETHER_S", 0.01)
        self.names = RingNames(folder, self, self.reported.append, welcome=self._welcome, listening=self._listening)

    async def _synthesise(self, folder: Path, wanted: Mapping[str, str]) -> str:
        self.made.append(list(wanted.values()))
        for name in wanted if not self.complaint else ():
            (folder / name).write_bytes(bytes(480))
        return self.complaint

    async def _welcome(self) -> None:
        await self.loud.wait()

    async def _listening(self) -> None:
        """The box listens already."""

    def learn_clip(self, clip_id: str, samples: spoken.Samples) -> None:
        self.clips[clip_id] = len(samples)

    def forget_clip(self, clip_id: str) -> None:
        del self.clips[clip_id]


def test_a_name_is_spoken_once_and_given_to_the_speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        desk = Desk(tmp_path, monkeypatch)
        assert await desk.names.ready("Your tea timer.") == ""
        clip = await desk.names.prepare("Your tea timer.")
        assert await desk.names.prepare("Your tea timer.") == clip
        assert await desk.names.ready("Your tea timer.") == clip
        assert await desk.names.ready("Your tea timer.") == clip
        assert (desk.clips, desk.made) == ({clip: 240}, [["Your tea timer."]])

    asyncio.run(live())


def test_names_that_are_set_together_are_spoken_by_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        desk = Desk(tmp_path, monkeypatch)
        clips = await asyncio.gather(*(desk.names.prepare(f"Your {one} timer.") for one in ("tea", "egg", "pasta")))
        assert len(set(clips)) == 3
        assert [len(each) for each in desk.made] == [3]

    asyncio.run(live())


def test_the_speaker_knows_only_the_latest_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        desk = Desk(tmp_path, monkeypatch)
        sentences = [f"Your {number} minute timer." for number in range(1, 11)]
        await asyncio.gather(*map(desk.names.prepare, sentences))
        clips = [await desk.names.ready(sentence) for sentence in sentences]
        assert list(desk.clips) == clips[-8:]

    asyncio.run(live())


@pytest.mark.parametrize(("has_voice", "complaint"), [(False, ""), (True, "the disk is full")])
def test_without_a_voice_there_is_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, *, has_voice: bool
) -> None:
    async def live() -> None:
        desk = Desk(tmp_path, monkeypatch, has_voice=has_voice)
        desk.complaint = complaint
        assert await desk.names.prepare("Your tea timer.") == ""
        assert not await desk.names.announce("Your tea timer, 2 hours ago.")
        assert desk.reported == []

    asyncio.run(live())


def test_what_was_missed_is_announced_once_it_is_welcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        desk = Desk(tmp_path, monkeypatch)
        assert await desk.names.announce("Your tea timer, 2 hours ago.")
        assert desk.reported == []
        desk.loud.set()
        await eventually(lambda: bool(desk.reported))
        (clip,) = desk.clips
        announcement = Announcement("late-1", clip, Priority.ANNOUNCEMENT, has_chime=True)
        assert desk.reported == [AnnouncementDue(announcement)]

    asyncio.run(live())


def test_names_do_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(220):
        (tmp_path / f"ring-{number:03}.s16").touch()

    async def live() -> None:
        await Desk(tmp_path, monkeypatch).names.prepare("Your tea timer.")

    asyncio.run(live())

    assert len(list(tmp_path.glob("ring-*.s16"))) == 200


def test_a_file_that_is_missing_has_no_samples(tmp_path: Path) -> None:
    assert spoken.read(tmp_path / "none") is None
    (tmp_path / "odd").write_bytes(b"\1\2\3")
    read = spoken.read(tmp_path / "odd")
    assert read is not None
    assert read.dtype == np.int16
