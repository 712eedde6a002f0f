"""A link that is cut in the middle of a question: the user need not ask again; on the virtual card."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edgevoice.core.facts import LinkLost, LinkOpened, PlaybackStarted
from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.orders import SendToolOutput
from edgevoice.local.behaviour import Behaviour, OpenConnection
from edgevoice.local.server import LocalService
from edgevoice.realtime.endpoint import local
from edgevoice.testbed.stage.stage import set_stage
from edgevoice.testbed.stage.talker import rehearse

pytestmark = pytest.mark.sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Behaviour):
    """Breaks the connection without notice at the first event of this kind."""

    with_event: str
    done: list[str] = field(default_factory=list)

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        if event["type"] == self.with_event and not self.done:
            self.done.append(self.with_event)
            line.abort()
            return
        await line.put(event)


@pytest.mark.parametrize("moment", ["input_audio_buffer.speech_started", "input_audio_buffer.committed"])
def test_a_question_during_which_the_link_is_cut_is_still_answered(tmp_path: Path, moment: str) -> None:
    async def run() -> None:
        await rehearse("Hey Jarvis.", "What day is it today?")
        socket = tmp_path / "service.sock"
        service = LocalService(unix_path=socket, behaviour=Cut(with_event=moment))
        async with service, set_stage(tmp_path, endpoint=lambda: local(socket, nothing_to_prepare)) as stage:
            saying = asyncio.create_task(stage.talker.say(0.3, "Hey Jarvis.", 0.3, "What day is it today?", 0.5))
            _, lost = await stage.seen.wait_for(LinkLost, "the cut", 20)
            assert lost.code == "session-ended"
            await stage.seen.wait_for(LinkOpened, "the session after it", 20)
            await saying
            await stage.seen.wait_for(
                TranscriptChanged,
                "the question as the second session heard it",
                20,
                lambda words: words.role is Role.USER and words.is_final and "day" in words.text.lower(),
            )
            await stage.seen.wait_for(SendToolOutput, "the clock's answer", 20)
            await stage.seen.wait_for(PlaybackStarted, "the answer", 20)

    asyncio.run(run())


async def nothing_to_prepare() -> None:
    """Do nothing: the service is already running."""
