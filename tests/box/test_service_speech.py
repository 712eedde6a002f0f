"""A text is spoken in a session of its own, where no voice is installed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box import service_speech
from edgevoice.box.service_speech import ServiceSpeech
from edgevoice.core.facts import Device, DeviceLost, LinkLost, LinkOpened, ResponseEnded, ResponseStatus
from edgevoice.core.protocol.downlink import Arrival, AudioPiece
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.errors import AnswerFailed, BudgetSpent, LinkError, SessionEnded
from edgevoice.local.behaviour import Behaviour
from edgevoice.local.mind.brain import Prompt, Reply
from edgevoice.local.server import LocalService
from edgevoice.realtime.endpoint import local
from edgevoice.realtime.link import Link
from edgevoice.settings.service import ServiceSettings
from tests import virtual_time
from tests.e2e.quick_box import NoiseVoice, OneQuestion, noise_of


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parrot(Behaviour):
    """A service that says what it is told, and keeps what it was told."""

    prompts: list[Prompt] = field(default_factory=list)

    def answer(self, request: Prompt) -> Reply:
        self.prompts.append(request)
        return Reply(request.text or "")


@asynccontextmanager
async def parrot(folder: Path) -> AsyncIterator[tuple[Parrot, ServiceSpeech]]:
    behaviour, socket = Parrot(), folder / "service.sock"
    service = LocalService(unix_path=socket, behaviour=behaviour, voice=NoiseVoice(), recogniser=OneQuestion())
    async with service:
        yield behaviour, ServiceSpeech(lambda: local(socket, nothing_to_prepare), ServiceSettings)


def test_the_service_speaks_the_text_and_nothing_else(tmp_path: Path) -> None:
    async def scene() -> None:
        async with parrot(tmp_path) as (behaviour, speech):
            spoken = await speech.say("Dinner is ready.")
            assert np.array_equal(spoken, noise_of("Dinner is ready."))
            assert len(spoken) > FAR_END_HZ / 10
            assert len(behaviour.prompts) == 1

    virtual_time.run(scene())


class Purse:
    """The minutes of a day."""

    def __init__(self, left_s: float) -> None:
        self.left_s = left_s

    def add(self, seconds: float) -> None:
        self.left_s -= seconds


def test_what_the_service_speaks_counts_and_nothing_is_spoken_once_the_minutes_are_used_up(tmp_path: Path) -> None:
    async def scene() -> None:
        async with parrot(tmp_path) as (_, speech):
            purse = speech._budget = Purse(0.001)
            await speech.say("Dinner is ready.")
            assert purse.left_s < 0
            with pytest.raises(BudgetSpent):
                await speech.say("Dinner is ready.")

    virtual_time.run(scene())


def test_a_service_that_cannot_be_reached_is_one_error(tmp_path: Path) -> None:
    speech = ServiceSpeech(lambda: local(tmp_path / "none.sock", nothing_to_prepare), ServiceSettings)

    with pytest.raises(LinkError):
        asyncio.run(speech.say("Dinner is ready."))


class ScriptedLink(Link):
    """A link on which the test says what arrives, once it is opened and once an answer is asked for."""

    opens: list[Arrival]
    answers: list[Arrival]

    def open(self, word: str = "", *, resumes: bool = False) -> None:
        self._arrive(self.opens)

    def create_response(self, *, may_call_tools: bool, instructions: str = "", name: str = "") -> None:
        self._arrive(self.answers)

    def _arrive(self, arrivals: list[Arrival]) -> None:
        if any(isinstance(arrival, LinkLost) for arrival in arrivals):
            self._lost(SessionEnded("the service closed the session"))
        self._take(arrivals)


def spoken_by(monkeypatch: pytest.MonkeyPatch, opens: list[Arrival], answers: list[Arrival]) -> bytes:
    class Scripted(ScriptedLink):
        """A link with a script."""

    Scripted.opens, Scripted.answers = opens, answers
    monkeypatch.setattr(service_speech, "Link", Scripted)
    speech = ServiceSpeech(lambda: local(Path("/none.sock"), nothing_to_prepare), ServiceSettings)
    return virtual_time.run(speech.say("x")).tobytes()


OVER = ResponseEnded("r", ResponseStatus.COMPLETED)
LOST = LinkLost("session-ended", is_retriable=True)


def test_the_sound_of_the_whole_answer_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[Arrival] = [AudioPiece("r", "i", 0, b"abc"), AudioPiece("r", "i", 0, b"de"), OVER, OVER]

    assert spoken_by(monkeypatch, [LinkOpened(), LinkOpened()], pieces) == b"abcd"


@pytest.mark.parametrize(
    ("opens", "answers", "error"),
    [
        ([LOST], [], SessionEnded),
        ([LinkOpened()], [LOST], SessionEnded),
        ([LinkOpened()], [ResponseEnded("r", ResponseStatus.FAILED)], AnswerFailed),
        ([LinkOpened()], [DeviceLost(Device.SPEAKER)], LinkError),
    ],
)
def test_a_session_that_ends_fails_or_says_nothing_is_one_error(
    monkeypatch: pytest.MonkeyPatch, opens: list[Arrival], answers: list[Arrival], error: type[Exception]
) -> None:
    with pytest.raises(error):
        spoken_by(monkeypatch, opens, answers)
