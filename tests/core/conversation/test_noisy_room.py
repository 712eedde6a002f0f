"""In a room where speech is indistinguishable from noise only wake word and button interrupt the answer."""

import pytest
from msgspec.structs import replace

from edgevoice.core.conversation.noisy_room import QUIET_S, Noise, NoisyRoom
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    LinkLost,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechEnded,
    NearSpeechFaded,
    PlaybackDrained,
    PlaybackStarted,
    ResponseStarted,
    RoomMeasured,
    TalkHeld,
    TalkPressed,
    TurnEnded,
    UserStartedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.orders import (
    CutPlayback,
    DuckPlayback,
    KeepUplink,
    Light,
    OpenUplink,
    RestorePlayback,
    ResumePlayback,
    ShowLight,
    SilenceUplink,
)
from tests.core.drive import COMPLETED, HALF_DUPLEX, OPEN_MICROPHONE, TO_SPEAKING, WAKE, Driven, drive

OPEN = replace(OPEN_MICROPHONE, ignores_speech_in_noise=True)
OWN_ECHO = replace(HALF_DUPLEX, ignores_speech_in_noise=True)
BEGAN, CONFIRMED, FADED = NearSpeechBegan(at_sample=43_200), NearSpeechConfirmed(at_sample=41_600), NearSpeechFaded()

MOST_DUCKS, MOST_WHERE_LOUD = 12, 4
"""Ducks for nobody within 30 s after which speech is ignored."""


def make_noise(box: Driven, times: int, *, every_s: float = 2.0) -> None:
    """Let a sound begin over the answer and fade, this many times."""
    for _ in range(times):
        box.hear(BEGAN)
        box.now += every_s
        box.hear(FADED)


def in_a_noisy_room(*, hears_itself: bool = False) -> Driven:
    """Return a box that speaks in a room that has just been classified as noisy."""
    box = drive(*TO_SPEAKING, RoomMeasured(is_loud=True), policy=OWN_ECHO if hears_itself else OPEN)
    make_noise(box, MOST_WHERE_LOUD)
    assert box.conversation.noise is not None
    return box


# --- what makes a room noisy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("is_loud", "most"), [(False, MOST_DUCKS), (True, MOST_WHERE_LOUD)])
def test_repeated_false_ducks_stop_speech_from_interrupting(*, is_loud: bool, most: int) -> None:
    box = drive(*TO_SPEAKING, RoomMeasured(is_loud=is_loud), policy=OWN_ECHO)

    make_noise(box, most - 1)
    assert box.conversation.noise is None

    make_noise(box, 1)
    assert box.conversation.noise == Noise(most, 0, is_loud)
    assert box.hear(BEGAN, CONFIRMED, FADED, BEGAN, CONFIRMED, NearSpeechEnded()) == []
    assert box.phase is Phase.SPEAKING


def test_rare_false_ducks_do_not_make_a_room_hopeless() -> None:
    box = drive(*TO_SPEAKING, policy=OWN_ECHO)

    make_noise(box, 3 * MOST_DUCKS, every_s=3.0)

    assert box.conversation.noise is None
    assert box.hear(BEGAN) == [DuckPlayback()]


def test_a_loud_room_alone_does_not_ignore_a_person_who_is_louder() -> None:
    box = drive(*TO_SPEAKING, RoomMeasured(is_loud=True), policy=OWN_ECHO)

    assert CutPlayback() in box.hear(BEGAN, CONFIRMED)


def test_people_who_are_heard_do_not_make_a_room_hopeless() -> None:
    box = drive(*TO_SPEAKING, policy=OWN_ECHO)

    for number in range(2, 2 * MOST_DUCKS):
        assert CutPlayback() in box.hear(BEGAN, CONFIRMED)
        box.hear(TurnEnded(), ResponseStarted(f"r{number}"), PlaybackStarted(number))

    assert box.conversation.noise is None


def test_two_false_interruptions_within_a_minute_make_the_room_hopeless() -> None:
    box = drive(*TO_SPEAKING, policy=replace(OWN_ECHO, resumes=True))
    box.hear(BEGAN, CONFIRMED)
    assert ResumePlayback() in box.wait(2)
    assert box.conversation.noise is None

    box.hear(TalkPressed(0), TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2), BEGAN, CONFIRMED)
    assert ResumePlayback() in box.wait(2)

    assert box.conversation.noise == Noise(0, 2, is_loud=False)
    assert box.hear(PlaybackStarted(3), BEGAN, CONFIRMED) == [SilenceUplink()], "as under any answer"


def test_a_box_that_may_not_ignore_speech_never_does() -> None:
    room = NoisyRoom(may_ignore=False)

    for at in range(100):
        room.note_false_duck(at / 10)
        room.note_false_cut(at / 10)

    assert not room.is_hopeless


# --- while it lasts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hand", [WAKE, TalkPressed(0)])
def test_the_wake_word_and_the_button_still_interrupt(hand: WakeWordHeard | TalkPressed) -> None:
    box = in_a_noisy_room()

    orders = box.hear(hand)

    assert orders[0] == CutPlayback()
    # Speech since then was sent as zeros.
    assert [order for order in orders if isinstance(order, KeepUplink | OpenUplink)] == [
        KeepUplink(hand.at_sample),
        OpenUplink(),
    ]
    assert box.phase is Phase.LISTENING
    assert box.conversation.noise is None


def test_a_service_that_hears_the_room_hears_zeros_instead() -> None:
    box = drive(*TO_SPEAKING, RoomMeasured(is_loud=True), policy=OPEN)
    make_noise(box, MOST_WHERE_LOUD - 1)
    box.hear(BEGAN)

    assert box.hear(FADED) == [RestorePlayback(), SilenceUplink()]


def test_the_gate_of_a_box_that_hears_itself_is_already_shut() -> None:
    box = drive(*TO_SPEAKING, RoomMeasured(is_loud=True), policy=OWN_ECHO)
    make_noise(box, MOST_WHERE_LOUD - 1)
    box.hear(BEGAN)

    assert box.hear(FADED) == [RestorePlayback()]


def test_nothing_is_sent_to_a_lost_session() -> None:
    box = drive(*TO_SPEAKING, RoomMeasured(is_loud=True), LinkLost("session-ended", is_retriable=True), policy=OPEN)
    make_noise(box, MOST_WHERE_LOUD - 1)
    box.hear(BEGAN)

    assert box.hear(FADED) == [RestorePlayback()]


def test_the_next_sound_of_the_same_answer_is_guarded_as_well() -> None:
    box = in_a_noisy_room()

    box.hear(PlaybackDrained(1))
    assert box.wait(1) == [ShowLight(Light.THINKING), OpenUplink()]

    assert SilenceUplink() in box.hear(PlaybackStarted(2))
    assert box.hear(BEGAN) == []


# --- its end ---------------------------------------------------------------------------------------------------------


def test_the_box_listens_again_once_the_answer_is_over_and_its_light_says_so_no_earlier() -> None:
    box = in_a_noisy_room()

    box.hear(COMPLETED)
    assert box.hear(PlaybackDrained(1)) == []
    assert box.phase is Phase.SPEAKING, "the room sounds on, and nothing is heard yet"

    assert box.wait(0.5) == [ShowLight(Light.LISTENING), OpenUplink()]
    assert box.conversation.noise is None


def test_speech_interrupts_again_when_the_room_has_fallen_quiet() -> None:
    box = in_a_noisy_room()

    assert box.wait(QUIET_S) == [OpenUplink()]

    assert box.conversation.noise is None
    assert box.hear(BEGAN) == [DuckPlayback()]


def test_the_gate_of_a_box_that_hears_itself_stays_shut_to_the_end_of_the_answer() -> None:
    box = in_a_noisy_room(hears_itself=True)

    assert box.wait(QUIET_S) == []
    assert box.conversation.noise is None


def test_a_room_that_stays_noisy_is_not_quiet() -> None:
    box = in_a_noisy_room()

    for fact in (BEGAN, CONFIRMED, NearSpeechEnded(), BEGAN, FADED):
        box.wait(QUIET_S - 1)
        box.hear(fact)

    assert box.conversation.noise is not None


def test_the_next_answer_can_be_interrupted_until_the_room_is_noisy_again() -> None:
    box = in_a_noisy_room(hears_itself=True)
    box.hear(COMPLETED, PlaybackDrained(1))
    box.wait(1)

    box.hear(UserStartedSpeaking(), TurnEnded(), ResponseStarted("r2"), PlaybackStarted(2))
    assert box.conversation.noise is None
    assert box.hear(BEGAN) == [DuckPlayback()]

    box.hear(FADED)
    assert box.conversation.noise is not None, "one more of them is enough"


def test_a_conversation_that_ends_in_the_middle_resets_the_noisy_room() -> None:
    box = in_a_noisy_room()

    box.hear(TalkHeld())

    assert box.conversation.noise is None
    assert box.waits_s is None
