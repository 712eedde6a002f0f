"""The spoken names of what rings: made when it is set, kept, given to the speaker in time."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box import spoken
from edgevoice.box.ring_names import RingNames
from edgevoice.core.announcements import AnnouncementOutcome
from edgevoice.errors import LocalServiceUnavailable


class Desk:
    """A speaker and a voice for the names; ``complaint`` is why the voice fails."""

    def __init__(self, folder: Path) -> None:
        self.clips: dict[str, int] = {}
        self.announced: list[int] = []
        self.made: list[str] = []
        self.complaint = ""
        self.outcome = AnnouncementOutcome.PLAYED
        self.loud = asyncio.Event()
        self.names = RingNames(
            folder, self, self._speak, say=self._say, welcome=self._welcome, listening=self._listening
        )

    async def _speak(self, sentence: str) -> spoken.Samples:
        if self.complaint:
            raise LocalServiceUnavailable(self.complaint)
        self.made.append(sentence)
        return np.zeros(len(sentence), np.int16)

    async def _say(self, samples: spoken.Samples) -> AnnouncementOutcome:
        self.announced.append(len(samples))
        return self.outcome

    async def _welcome(self) -> None:
        await self.loud.wait()

    async def _listening(self) -> None:
        """The box listens already."""

    def learn_clip(self, clip_id: str, samples: spoken.Samples) -> None:
        self.clips[clip_id] = len(samples)

    def forget_clip(self, clip_id: str) -> None:
        del self.clips[clip_id]


def test_a_name_is_spoken_once_and_given_to_the_speaker(tmp_path: Path) -> None:
    async def live() -> None:
        desk = Desk(tmp_path)
        assert await desk.names.ready("Your tea timer.") == ""
        clip = await desk.names.prepare("Your tea timer.")
        assert await desk.names.prepare("Your tea timer.") == clip
        assert await desk.names.ready("Your tea timer.") == clip
        assert await desk.names.ready("Your tea timer.") == clip
        assert (desk.clips, desk.made) == ({clip: 15}, ["Your tea timer."])

    asyncio.run(live())


def test_the_speaker_knows_only_the_latest_names(tmp_path: Path) -> None:
    async def live() -> None:
        desk = Desk(tmp_path)
        sentences = [f"Your {number} minute timer." for number in range(1, 11)]
        await asyncio.gather(*map(desk.names.prepare, sentences))
        clips = [await desk.names.ready(sentence) for sentence in sentences]
        assert list(desk.clips) == clips[-8:]

    asyncio.run(live())


def test_a_voice_that_fails_leaves_the_earcon_and_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        desk = Desk(tmp_path)
        desk.complaint = "the voice's process has ended unexpectedly"
        assert await desk.names.prepare("Your tea timer.") == ""
        assert not await desk.names.announce("Your tea timer, 2 hours ago.")
        assert desk.announced == []

    asyncio.run(live())

    assert [record.msg for record in caplog.records] == ["ring-names"] * 2


@pytest.mark.parametrize(("outcome", "is_heard"), [("played", True), ("cut", True), ("no speaker", False)])
def test_what_was_missed_is_announced_and_whether_it_was_heard_is_returned(
    tmp_path: Path, outcome: str, *, is_heard: bool
) -> None:
    async def live() -> None:
        desk = Desk(tmp_path)
        desk.outcome = AnnouncementOutcome(outcome)
        waiting = asyncio.ensure_future(desk.names.welcome())
        await asyncio.sleep(0)
        assert not waiting.done()
        desk.loud.set()
        await waiting
        assert await desk.names.announce("Your tea timer, 2 hours ago.") is is_heard
        assert desk.announced == [28]

    asyncio.run(live())


def test_names_do_not_fill_the_disk(tmp_path: Path) -> None:
    for number in range(220):
        (tmp_path / f"ring-{number:03}.s16").touch()

    async def live() -> None:
        await Desk(tmp_path).names.prepare("Your tea timer.")

    asyncio.run(live())

    assert len(list(tmp_path.glob("ring-*.s16"))) == 200


def test_a_file_that_disappears_while_names_are_swept_does_no_harm(tmp_path: Path) -> None:
    # As one does that is removed for another name at the same moment: it is listed, and cannot be looked at.
    (tmp_path / "ring-gone.s16").symlink_to(tmp_path / "nowhere")

    async def live() -> str:
        return await Desk(tmp_path).names.prepare("Your tea timer.")

    assert asyncio.run(live()) == spoken.file_name("ring", "Your tea timer.")


def test_a_file_that_is_missing_has_no_samples(tmp_path: Path) -> None:
    assert spoken.read(tmp_path / "none") is None
    (tmp_path / "odd").write_bytes(b"\1\2\3")
    read = spoken.read(tmp_path / "odd")
    assert read is not None
    assert read.dtype == np.int16
