"""Backchannels of the service during the user's turn: they are heard, stop with the turn, and are never an answer."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    BackchannelStarted,
    Event,
    LinkOpened,
    MutePressed,
    PlaybackStarted,
    ResponseStarted,
    TalkHeld,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import CutPlayback, Light, OpenUplink, ShowLight, SilenceUplink, StopBackchannel
from tests.core.drive import HALF_DUPLEX, NETWORK_GONE, TO_LISTENING, WAKE, WAYS, drive

MM_HM = BackchannelStarted("b1")
TO_MM_HM = (*TO_LISTENING, UserStartedSpeaking(), MM_HM)


@pytest.mark.parametrize("phase", Phase)
def test_a_backchannel_is_heard_only_in_the_users_turn(phase: Phase) -> None:
    assert drive(*WAYS[phase]).conversation.admits_backchannels is (phase is Phase.LISTENING)


def test_a_backchannel_is_not_an_answer_and_moves_no_deadline() -> None:
    listening = drive(*TO_LISTENING, UserStartedSpeaking())
    before = listening.waits_s

    assert listening.hear_all(MM_HM) == []
    assert listening.phase is Phase.LISTENING
    assert listening.waits_s == before


def test_a_box_that_hears_itself_keeps_sending_the_users_speech_under_a_backchannel() -> None:
    listening = drive(WAKE, policy=HALF_DUPLEX)
    orders = listening.hear_all(LinkOpened(), UserStartedSpeaking(), MM_HM)

    assert OpenUplink() in orders
    assert SilenceUplink() not in orders


@pytest.mark.parametrize(
    "fact",
    [TurnEnded(), ResponseStarted("r1"), MutePressed(), TalkHeld(), NETWORK_GONE],
    ids=["end of turn", "answer", "mute", "hang-up", "link lost"],
)
def test_a_backchannel_is_silenced_first_when_the_turn_ends(fact: Event) -> None:
    # An answer that comes while the user speaks is cancelled, and their turn goes on.
    way = TO_MM_HM if not isinstance(fact, ResponseStarted) else (*TO_LISTENING, MM_HM)

    assert drive(*way).hear_all(fact)[0] == StopBackchannel()


def test_a_backchannel_is_silenced_once() -> None:
    spoken = drive(*TO_MM_HM, TurnEnded())

    assert StopBackchannel() not in spoken.hear_all(ResponseStarted("r1"), PlaybackStarted(1), UserStartedSpeaking())


def test_a_backchannel_that_began_as_the_turn_ended_is_silenced_at_once() -> None:
    assert drive(*TO_LISTENING, TurnEnded()).hear_all(MM_HM) == [StopBackchannel()]


def test_a_barge_in_after_a_backchannel_cuts_the_answer_and_shows_it_as_usual() -> None:
    speaking = drive(*TO_MM_HM, TurnEnded(), ResponseStarted("r1"), PlaybackStarted(1))

    assert speaking.hear(UserStartedSpeaking()) == [CutPlayback(), ShowLight(Light.LISTENING)]
