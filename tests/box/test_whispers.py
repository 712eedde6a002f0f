"""An answer to a whisper is soft; what is measured is the user's turn alone."""

import asyncio

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.box import whispers
from edgevoice.box.whispers import Whispers
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackDrained, ResponseStarted, TurnEnded, UserStartedSpeaking
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import CloseUplink, KeepUplink
from edgevoice.core.sound.rates import NEAR_END_HZ
from tests.echo.test_speech_meter import PEOPLE, WHISPER, scene
from tests.waiting import eventually

Samples = npt.NDArray[np.int16]


class Box:
    """A microphone, a speaker and a session, and what they are told."""

    def __init__(self) -> None:
        self.heard = np.zeros(0, np.int16)
        self.softened: list[bool] = []
        self.whispered: list[bool] = []
        self.whispers = Whispers(self, self, self)

    @property
    def position(self) -> int:
        return len(self.heard)

    def read(self, begin: int) -> tuple[int, bytes]:
        return begin, self.heard[begin:].tobytes()

    def soften(self, *, is_soft: bool) -> None:
        self.softened.append(is_soft)

    def whisper(self, *, is_whispered: bool) -> None:
        self.whispered.append(is_whispered)

    def hear(self, samples: Samples) -> None:
        self.heard = np.concatenate([self.heard, samples])

    def see(self, *notices: Notice) -> None:
        for notice in notices:
            self.whispers.observe(notice, 0.0)

    def turn(self, samples: Samples, end: Notice) -> None:
        """Somebody says this; the service hears it begin after the 1.5 s of the room."""
        begin = NEAR_END_HZ * 3 // 2
        self.hear(samples[:begin])
        self.see(UserStartedSpeaking())
        self.hear(samples[begin:])
        self.see(end)


VOICE = scene(PEOPLE[0], above_room_db=30.0)
SOFTLY = scene(WHISPER, above_room_db=20.0)


@pytest.mark.parametrize("end", [TurnEnded(), ResponseStarted("r1")], ids=["turn-ended", "answered-at-once"])
def test_an_answer_to_a_whisper_is_soft_and_the_next_one_to_a_voice_is_not(end: Notice) -> None:
    box = Box()
    box.turn(SOFTLY, end)
    box.turn(VOICE, end)

    assert box.softened == [True, False]


def test_a_turn_is_judged_once() -> None:
    box = Box()
    box.turn(SOFTLY, TurnEnded())
    box.see(ResponseStarted("r1"), ResponseStarted("r2"), CloseUplink())

    assert box.softened == [True]


@pytest.mark.parametrize("at_sample", [NEAR_END_HZ * 3 // 2, None], ids=["by-word", "by-button"])
def test_what_was_said_while_it_connected_counts(at_sample: int | None) -> None:
    box = Box()
    box.hear(SOFTLY[: NEAR_END_HZ * 3 // 2])
    box.see(KeepUplink(at_sample))
    box.hear(SOFTLY[NEAR_END_HZ * 3 // 2 :])
    box.see(UserStartedSpeaking(), TurnEnded())

    assert box.softened == [True]


def test_the_boxs_own_voice_before_the_turn_is_left_out() -> None:
    box = Box()
    box.hear(VOICE)
    box.see(PlaybackDrained(1))
    box.hear(SOFTLY[: NEAR_END_HZ // 2 + NEAR_END_HZ // 2])
    box.see(UserStartedSpeaking())
    box.hear(SOFTLY[NEAR_END_HZ:])
    box.see(TurnEnded())

    assert box.softened == [True]


def test_who_hisses_as_loudly_as_they_spoke_does_not_whisper() -> None:
    box = Box()
    box.turn(scene(PEOPLE[0], above_room_db=20.0), TurnEnded())
    box.turn(scene(WHISPER, above_room_db=40.0), TurnEnded())

    assert box.softened == [False, False]


def test_once_the_conversation_is_over_nothing_is_soft() -> None:
    box = Box()
    box.turn(SOFTLY, TurnEnded())
    box.see(UserStartedSpeaking(), PhaseEntered(Phase.IDLE), TurnEnded())

    assert box.softened == [True, False]


def test_the_voice_whispers_no_longer_than_its_answers_are_soft() -> None:
    box = Box()
    box.turn(SOFTLY, TurnEnded())
    assert box.whispered == box.softened == [True]

    box.see(PlaybackDrained(1))
    box.turn(np.zeros(4 * NEAR_END_HZ, np.int16), TurnEnded())
    assert box.whispered == box.softened == [True, False]


def test_the_session_knows_of_a_whisper_before_the_turn_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whispers, "_LOOK_S", 0.001)
    box = Box()

    async def scene() -> None:
        running = asyncio.create_task(box.whispers.run(lambda _fact: None))
        await asyncio.sleep(0)
        box.hear(SOFTLY[: NEAR_END_HZ * 3 // 2])
        box.see(UserStartedSpeaking())
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert box.whispered == [], "nobody has said anything yet"
        box.hear(SOFTLY[NEAR_END_HZ * 3 // 2 :])
        await eventually(lambda: box.whispered[-1:] == [True])
        box.see(TurnEnded())
        said = len(box.whispered)
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert len(box.whispered) <= said + 1, "it rests between the turns"
        running.cancel()

    asyncio.run(scene())
